/** How bytes look on one kind of connection: a codec and a transport's framing. A singleton, so that the hub can encode once per wire. */
import type { Publication } from './broker.ts';

/** Publications `from` to `to` that a subscriber will not get; without numbers where the channel keeps no history. */
export interface Gap {
  readonly epoch?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface Wire {
  /** For metrics and logs: 'websocket/native', 'websocket/bare', ... */
  readonly name: string;
  /** False where a connection carries bare data, so that a loss can only be told by ending it. */
  readonly carriesEvents: boolean;
  /** A connection of this kind is over with its first answer, and the client makes another for what comes next. */
  readonly isBrief?: boolean;
  /** The finished bytes of a message (a reply, or an event other than a publication). */
  message(text: string): Buffer;
  /** The finished bytes of a publication, for subscribers that know its channel as `label`. `epoch`: of its offset, empty without one. */
  publication(label: string, publication: Publication, epoch: string): Buffer;
  /** The finished bytes that tell of a gap, where that is not the native protocol's event. */
  gap?(label: string, gap: Gap): Buffer;
  /**
   * What follows each publication for one recipient alone: where that client stands in all its channels. A wire that has it
   * makes every recipient cost an own write of own bytes; the publication itself is still encoded once.
   */
  stamp?(cursor: string): Buffer;
}
