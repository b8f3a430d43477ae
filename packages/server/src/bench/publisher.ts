/** Publishes into one channel over one WebSocket: a fixed number in flight, or at a fixed rate. */
import { payload } from './checker.ts';
import { clientFrame, FrameReader, type FrameSink, opcodes, textFrame } from './frames.ts';
import { Link, type Receiver } from './link.ts';
import { BenchError, type Target } from './target.ts';

export class Publisher implements Receiver, FrameSink {
  /** Publications sent; they are numbered from 0. */
  sent = 0;
  answered = 0;
  /** The first answer that was an error, or why the connection ended. */
  failure: string | undefined;
  /** When each publication was sent, in milliseconds of `performance.now()`. */
  readonly sentAt: number[] = [];
  readonly #channel: string;
  readonly #size: number;
  readonly #reader = new FrameReader(this);
  #link: Link | undefined;
  #window = 0;

  private constructor(channel: string, size: number) {
    this.#channel = channel;
    this.#size = size;
  }

  /** `size` is that of `data` as JSON text, in bytes. */
  static async open(target: Target, channel: string, size: number): Promise<Publisher> {
    const publisher = new Publisher(channel, size);
    publisher.#link = await Link.open(target, undefined, () => publisher);
    return publisher;
  }

  /** Sends so many publications in one write. */
  publish(count: number): void {
    const frames: Buffer[] = [];
    for (let index = 0; index < count; index++) {
      const now = performance.now();
      const data = payload(this.sent, now, this.#size);
      const channel = JSON.stringify(this.#channel);
      frames.push(textFrame(`{"op":"publish","id":${this.sent},"channel":${channel},"data":${data}}`));
      this.sentAt.push(now);
      this.sent += 1;
    }
    this.#link?.write(frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames));
  }

  /** Sends a publication for every answer from now on, with `window` on the way; 0 ends it. */
  keepInFlight(window: number): void {
    this.#window = window;
    const wanted = window - (this.sent - this.answered);
    if (wanted > 0) this.publish(wanted);
  }

  /** Publishes at a fixed rate until `milliseconds` are over. */
  async pace(perSecond: number, milliseconds: number): Promise<void> {
    const started = performance.now();
    const total = Math.round((perSecond * milliseconds) / 1000);
    for (let count = 0; count < total; count++) {
      const wait = started + (count * 1000) / perSecond - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.check();
      this.publish(1);
    }
    const wait = started + milliseconds - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  }

  /** Throws BenchError 69 when the server refused a publication or went away. */
  check(): void {
    if (this.failure === undefined) return;
    throw new BenchError(`Publishing to ${this.#channel} failed: ${this.failure}.`, 69);
  }

  close(): void {
    this.#link?.destroy();
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#reader.read(bytes, start, end);
    if (this.#window > 0 && this.failure === undefined) this.keepInFlight(this.#window);
  }

  frame(opcode: number, bytes: Buffer, _at: number, from: number, to: number): void {
    if (opcode === opcodes.ping) this.#link?.write(clientFrame(opcodes.pong, bytes.subarray(from, to)));
    if (opcode !== opcodes.text) return;
    const text = bytes.toString('utf8', from, to);
    const replies = JSON.parse(text) as unknown;
    for (const reply of Array.isArray(replies) ? replies : [replies]) {
      this.answered += 1;
      if (!(typeof reply === 'object' && reply !== null && 'result' in reply)) this.failure ??= text;
    }
  }

  closed(reason: string): void {
    this.failure ??= reason;
  }
}
