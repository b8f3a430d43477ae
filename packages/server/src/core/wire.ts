/** How bytes look on one kind of connection: a codec and a transport's framing. A singleton, so that the hub can encode once per wire. */
import type { Publication } from './broker.ts';

export interface Wire {
  /** For metrics and logs: 'websocket/native', 'websocket/bare', ... */
  readonly name: string;
  /** False where a connection carries bare data, so that a loss can only be told by ending it. */
  readonly carriesEvents: boolean;
  /** The finished bytes of a message (a reply, or an event other than a publication). */
  message(text: string): Buffer;
  /** The finished bytes of a publication, for subscribers that know its channel as `label`. */
  publication(label: string, publication: Publication): Buffer;
}
