/** Frames of the link between a worker and the primary: a length, a kind, and bytes. Many leave in one write. */
import type { Socket } from 'node:net';

/** What a frame carries; one byte. */
export const kinds = { ask: 1, answer: 2, refusal: 3, publications: 4, gap: 5 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

export interface Frame {
  readonly kind: Kind;
  readonly body: Buffer;
}

/** Length of what follows it, and the kind. */
const headBytes = 5;

export function frame(kind: Kind, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.writeUInt8(kind, 4);
  body.copy(bytes, headBytes);
  return bytes;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = headBytes;

  /** The frames that are whole by now. Their bodies share the memory of what arrived. */
  *read(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    let bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    for (this.#needed = needed(bytes); bytes.length >= this.#needed; this.#needed = needed(bytes)) {
      yield { kind: bytes.readUInt8(4) as Kind, body: bytes.subarray(headBytes, this.#needed) };
      bytes = bytes.subarray(this.#needed);
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#bytes = bytes.length;
  }
}

/** Bytes until the first frame is whole, as far as that is known. */
function needed(bytes: Buffer): number {
  return bytes.length < headBytes ? headBytes : headBytes + bytes.readUInt32LE(0);
}

/** One end of a link. Neither end ever stops reading because its own writes wait: else both could wait for each other. */
export class FrameStream {
  readonly #socket: Socket;
  #isCorked = false;

  /** `received` is called for each frame, in order; `ended` once, when the other end is gone. */
  constructor(socket: Socket, received: (frame: Frame) => void, ended: () => void) {
    this.#socket = socket;
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const each of reader.read(chunk)) received(each);
    });
    // 'close' follows, and says enough.
    socket.on('error', () => {});
    socket.on('close', ended);
    socket.on('end', () => socket.end());
  }

  /** Bytes that the other end has not taken. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Called when everything has been taken, after it had to wait. */
  onDrained(drained: () => void): void {
    this.#socket.on('drain', drained);
  }

  /** Leaves with everything else of this turn, in one write. */
  send(bytes: Buffer): void {
    if (this.#socket.destroyed) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  /** Ends it when everything has been taken. */
  end(): void {
    this.#socket.end();
  }
}
