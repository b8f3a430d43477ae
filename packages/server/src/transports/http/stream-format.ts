/** A kind of stream: its texts, made into wires for bodies in chunks (HTTP/1.1) and plain ones (HTTP/1.0). */
import type { Disconnect } from '@carillon/protocol';
import type { Publication } from '../../core/broker.ts';
import type { PreparedFeed } from '../../core/entry.ts';
import type { Gap, Wire } from '../../core/wire.ts';

/** A wire before its text is framed. */
export interface TextWire {
  publication(label: string, publication: Publication, epoch: string): string;
  gap(label: string, gap: Gap): string;
  /** As of {@link Wire}. Never empty. */
  stamp?(cursor: string): string;
}

export interface StreamTexts {
  /** For metrics: 'sse', 'ndjson', ... */
  readonly name: string;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  /** Without meaning for the client; keeps proxies from closing, and shows a dead peer. */
  readonly heartbeat: string;
  /** For requests of one channel: its frames hold the cursor, and all clients share them. */
  readonly single: TextWire;
  /** For requests of several channels: every client has a cursor of its own, as the stamp. */
  readonly several: TextWire;
  /** A message of the protocol that is no publication. */
  message(text: string): string;
  /** What the body begins with; may be empty. */
  preamble(start: Pick<PreparedFeed, 'cursor' | 'recovered'>): string;
  /** What it ends with when the server ends it; may be empty. */
  farewell(reason: Disconnect): string;
  /** A cursor that says: this stream was ended for good, so a client that comes back with it gets 204. */
  readonly endCursor?: string;
}

/** How text becomes bytes of a body. */
export interface Framing {
  readonly heartbeat: Buffer;
  wire(channels: number): Wire;
  bytes(text: string): Buffer;
}

export class StreamFormat {
  readonly texts: StreamTexts;
  readonly #chunked: Framing;
  readonly #plain: Framing;

  constructor(texts: StreamTexts) {
    this.texts = texts;
    this.#chunked = framing(texts, chunk);
    this.#plain = framing(texts, (text) => Buffer.from(text));
  }

  framing(isChunked: boolean): Framing {
    return isChunked ? this.#chunked : this.#plain;
  }
}

type ToBytes = (text: string) => Buffer;

function framing(texts: StreamTexts, toBytes: ToBytes): Framing {
  const single = wire(texts, texts.single, toBytes);
  const several = wire(texts, texts.several, toBytes);
  return {
    heartbeat: toBytes(texts.heartbeat),
    wire: (channels) => (channels === 1 ? single : several),
    bytes: (text) => (text === '' ? nothing : toBytes(text)),
  };
}

function wire({ name, message }: StreamTexts, text: TextWire, toBytes: ToBytes): Wire {
  const { stamp } = text;
  return {
    name: `http/${name}`,
    carriesEvents: false,
    message: (json) => toBytes(message(json)),
    publication: (label, publication, epoch) => toBytes(text.publication(label, publication, epoch)),
    gap: (label, gap) => toBytes(text.gap(label, gap)),
    ...(stamp && { stamp: (cursor) => toBytes(stamp(cursor)) }),
  };
}

const nothing = Buffer.alloc(0);

/** One chunk of a chunked body. Chunks joined are a body still. `text` must not be empty: that would be the last chunk. */
export function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
