/** The generator's own reader of Server-Sent Events in a chunked answer: the head, then whole events with the bytes they took. */
import { BenchError } from './target.ts';

const headEnd = '\r\n\r\n';
const maxHeadBytes = 16_384;
/** Hexadecimal digits of a chunk's size, extensions included. */
const maxSizeLine = 64;
const lineFeed = 0x0a;

/** Gets the answer piece by piece; `bytes` is valid only during the call. */
export interface EventSink {
  /** The head of an answer with status 200 is complete. */
  opened(): void;
  /**
   * The lines of one block, without the blank line behind them, are [from, to). `wireBytes` came for it: those of
   * its chunk where that held nothing else.
   */
  block(bytes: Buffer, from: number, to: number, wireBytes: number): void;
}

export class SseReader {
  readonly #sink: EventSink;
  #isOpen = false;
  /** A chunk, or the head, that is not whole yet. */
  #rest: Buffer | undefined;
  /** The beginning of a block whose chunk ended before it did. */
  #begun: Buffer | undefined;
  #begunWireBytes = 0;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  /** True between two chunks that are also between two blocks. */
  get aligned(): boolean {
    return this.#isOpen && this.#rest === undefined && this.#begun === undefined;
  }

  /** Throws BenchError 69 when the answer is a refusal, or no chunked one. */
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
    if (!this.#isOpen) at = this.#head(bytes, at, stop);
    while (this.#isOpen && at < stop) {
      const lineEnd = bytes.indexOf(lineFeed, at);
      if (lineEnd < 0 || lineEnd >= stop) break;
      const from = lineEnd + 1;
      const length = Number.parseInt(bytes.toString('latin1', at, Math.min(lineEnd, at + maxSizeLine)), 16);
      if (Number.isNaN(length)) throw new BenchError('The server sent an answer that is not chunked.', 69);
      const next = from + length + 2;
      if (next > stop) break;
      this.#body(bytes, from, from + length, next - at);
      at = next;
    }
    if (at < stop) this.#rest = Buffer.from(bytes.subarray(at, stop));
  }

  /** Returns where the body begins, or `start` while the head is not whole. */
  #head(bytes: Buffer, start: number, stop: number): number {
    const text = bytes.toString('latin1', start, Math.min(stop, start + maxHeadBytes));
    const end = text.indexOf(headEnd);
    if (end < 0 && text.length < maxHeadBytes) return start;
    const head = text.slice(0, end);
    if (!head.startsWith('HTTP/1.1 200') || !/\r\ntransfer-encoding: *chunked/i.test(head)) {
      throw new BenchError(
        `A subscriber was answered ${text.slice(0, 600).split('\r\n', 1)[0]} ${text.slice(end + 4, end + 400)}`.trimEnd(),
        69,
      );
    }
    this.#isOpen = true;
    this.#sink.opened();
    return start + end + headEnd.length;
  }

  #body(chunk: Buffer, start: number, end: number, chunkWireBytes: number): void {
    let [bytes, from, to] = [chunk, start, end];
    let wireBytes = chunkWireBytes;
    if (this.#begun !== undefined) {
      bytes = Buffer.concat([this.#begun, chunk.subarray(start, end)]);
      from = 0;
      to = bytes.length;
      wireBytes += this.#begunWireBytes;
      this.#begun = undefined;
    }
    for (let blank = blankLine(bytes, from, to); blank >= 0; blank = blankLine(bytes, from, to)) {
      const taken = blank + 2 === to ? wireBytes : blank + 2 - from;
      this.#sink.block(bytes, from, blank, taken);
      wireBytes -= taken;
      from = blank + 2;
    }
    if (from === to) return;
    this.#begun = Buffer.from(bytes.subarray(from, to));
    this.#begunWireBytes = wireBytes;
  }
}

function blankLine(bytes: Buffer, from: number, to: number): number {
  const at = bytes.indexOf('\n\n', from, 'latin1');
  return at + 2 <= to ? at : -1;
}
