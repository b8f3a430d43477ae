/** The generator's own RFC 6455 framing: just enough of it, and nothing per frame that costs. */

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Gets whole frames; `bytes` is valid only during the call. The frame is [at, to), its payload [from, to). */
export interface FrameSink {
  frame(opcode: number, bytes: Buffer, at: number, from: number, to: number): void;
}

/** Cuts what a server sends into frames; keeps a copy of an unfinished one. */
export class FrameReader {
  readonly #sink: FrameSink;
  #rest: Buffer | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** True between two frames. */
  get aligned(): boolean {
    return this.#rest === undefined;
  }

  read(chunk: Buffer, start: number, end: number): void {
    let bytes = chunk;
    let at = start;
    let stop = end;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(start, end)]);
      this.#rest = undefined;
      at = 0;
      stop = bytes.length;
    }
    while (stop - at >= 2) {
      let length = (bytes[at + 1] ?? 0) & 127;
      let head = 2;
      if (length === 126) {
        if (stop - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (length === 127) {
        if (stop - at < 10) break;
        length = Number(bytes.readBigUInt64BE(at + 2));
        head = 10;
      }
      const to = at + head + length;
      if (to > stop) break;
      this.#sink.frame((bytes[at] ?? 0) & 15, bytes, at, at + head, to);
      at = to;
    }
    if (at < stop) this.#rest = Buffer.from(bytes.subarray(at, stop));
  }
}

/** Not zero: a server that skips the unmasking of a zero key would be flattered. */
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** A masked frame, as a client must send it. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? 6 : length < 65536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = 0x80 | opcode;
  if (head === 6) frame[1] = 0x80 | length;
  else if (head === 8) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  mask.copy(frame, head - 4);
  for (let index = 0; index < length; index++)
    frame[head + index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  return frame;
}

/** A masked text frame. */
export function textFrame(text: string): Buffer {
  return clientFrame(opcodes.text, Buffer.from(text));
}
