/** Cuts what arrives over a link into frames: a length, a kind, and bytes. */
import { limits } from '@carillon/protocol';

/** What a frame carries; one byte. The first six are the broker's, the others those of calls. */
export const kinds = {
  ask: 1,
  answer: 2,
  refusal: 3,
  publications: 4,
  gap: 5,
  published: 6,
  call: 7,
  result: 8,
  fault: 9,
  tell: 10,
} as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

export interface Frame {
  readonly kind: Kind;
  readonly body: Buffer;
}

/** Length of what follows it, and the kind. */
export const headBytes = 5;

/** A frame of a body that its maker writes, from {@link headBytes} on. */
export function emptyFrame(kind: Kind, bodyBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + bodyBytes);
  bytes.writeUInt32LE(bodyBytes, 0);
  bytes.writeUInt8(kind, 4);
  return bytes;
}

export function frame(kind: Kind, body: Buffer): Buffer {
  const bytes = emptyFrame(kind, body.length);
  body.copy(bytes, headBytes);
  return bytes;
}

export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = headBytes;

  /** Takes in what has arrived. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next frame that is whole by now. Its body shares the memory of what arrived. @throws {Error} it is longer than any frame. */
  next(): Frame | undefined {
    if (this.#bytes < this.#needed) return undefined;
    const bytes = this.#joined();
    const length = bytes.readUInt32LE(0);
    if (length > limits.linkFrameBytes) throw new Error(`a frame of ${length} bytes`);
    this.#needed = headBytes + length;
    if (bytes.length < this.#needed) return undefined;
    const found = { kind: bytes.readUInt8(4) as Kind, body: bytes.subarray(headBytes, this.#needed) };
    this.#chunks = [bytes.subarray(this.#needed)];
    this.#bytes -= this.#needed;
    this.#needed = headBytes;
    return found;
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [joined];
    return joined;
  }
}
