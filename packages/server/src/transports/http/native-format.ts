/** The native protocol as the body of an endless answer, and as the messages of a long-poll: the same texts as on a WebSocket. */
import type { Disconnect } from '@carillon/protocol';
import { eventText } from '../../core/publication-text.ts';
import type { Wire } from '../../core/wire.ts';
import { chunk, type Framing } from './stream-format.ts';

/** A kind of stream. */
export interface NativeFormat {
  /** Of the answer: names and values by turns. */
  readonly headers: readonly string[];
  /** For bodies in chunks (HTTP/1.1), and for plain ones. */
  framing(isChunked: boolean): Framing;
  message(text: string): string;
}

/** A session's first message. */
export function openingText(session: string, secret: string): string {
  return JSON.stringify({ session, secret });
}

/** A session's last message: what a WebSocket says with its close frame. */
export function closeText({ code, reason }: Disconnect): string {
  return JSON.stringify({ event: '$server', type: 'close', code, msg: reason });
}

function format(
  name: string,
  type: string,
  heartbeat: string,
  message: NativeFormat['message'],
): NativeFormat {
  const framing = (toBytes: (text: string) => Buffer): Framing => {
    const wire = nativeWire(name, (text) => toBytes(message(text)));
    return { heartbeat: toBytes(heartbeat), wire: () => wire, bytes: toBytes };
  };
  const [chunked, plain] = [framing(chunk), framing((text) => Buffer.from(text))];
  return {
    headers: [...unbuffered, 'Content-Type', `${type}; charset=utf-8`],
    framing: (isChunked) => (isChunked ? chunked : plain),
    message,
  };
}

const unbuffered = ['Cache-Control', 'no-store, no-transform', 'X-Accel-Buffering', 'no'];

// JSON that was published has no line feed of its own, and neither has what the server says.
export const nativeSse = format('sse', 'text/event-stream', ':\n\n', (text) => `data: ${text}\n\n`);
export const nativeNdjson = format('ndjson', 'application/x-ndjson', '\n', (text) => `${text}\n`);

/** Messages with a comma before each: joined, and without the first comma, they are the inside of an array. */
export const nativePollWire: Wire = nativeWire('longpoll', (text) => Buffer.from(`,${text}`));

function nativeWire(name: string, toBytes: (text: string) => Buffer): Wire {
  return {
    name: `native/${name}`,
    carriesEvents: true,
    message: toBytes,
    publication: (label, publication) => toBytes(eventText(label, publication)),
  };
}
