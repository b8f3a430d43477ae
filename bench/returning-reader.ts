/** A subscriber that comes back when its server sends it away, goes on where it stood, and checks that nothing is missing. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Counts } from '../packages/server/src/bench/checker.ts';
import { clientFrame, FrameReader, type FrameSink, opcodes } from '../packages/server/src/bench/frames.ts';
import type { Histogram } from '../packages/server/src/bench/histogram.ts';
import { Link, type Receiver } from '../packages/server/src/bench/link.ts';
import type { Target } from '../packages/server/src/bench/target.ts';

/** What all readers of a run share. */
export interface Returns {
  /** Where latencies go; undefined outside the measured stretches. */
  latency: Histogram | undefined;
  /** When readers had come back, in milliseconds of `performance.now()`. */
  readonly times: number[];
  readonly faults: Counts;
  /** Why a reader could not come back, or was not recovered. */
  failure: string | undefined;
}

const retryMs = 100;
const most = 100;
const offsetMark = Buffer.from(',"offset":');
const timeMark = Buffer.from(',"t":');
const [zero, nine] = [48, 57];

export class ReturningReader implements Receiver, FrameSink {
  /** The newest that arrived. */
  offset = 0;
  readonly #target: Target;
  readonly #channel: string;
  readonly #returns: Returns;
  #reader = new FrameReader(this);
  #link: Link | undefined;
  #epoch = '';
  #isClosed = false;
  #isLeaving = false;
  #subscribed: () => void = () => undefined;

  constructor(target: Target, channel: string, returns: Returns) {
    this.#target = target;
    this.#channel = channel;
    this.#returns = returns;
  }

  /** Resolves when it is subscribed. */
  async open(): Promise<void> {
    this.#reader = new FrameReader(this);
    const link = await Link.open(this.#target, undefined, (opened) => {
      this.#link = opened;
      return this;
    });
    const since = this.#epoch === '' ? {} : { since: { epoch: this.#epoch, offset: this.offset } };
    await new Promise<void>((resolve) => {
      this.#subscribed = resolve;
      link.send(JSON.stringify({ op: 'subscribe', id: 1, channel: this.#channel, ...since }));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#link?.destroy();
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#reader.read(bytes, start, end);
  }

  frame(opcode: number, bytes: Buffer, _at: number, from: number, to: number): void {
    if (opcode === opcodes.ping) this.#link?.write(clientFrame(opcodes.pong, bytes.subarray(from, to)));
    if (opcode !== opcodes.text) return;
    const at = bytes.lastIndexOf(offsetMark, to - 1);
    const isPublication = at > from && bytes[from + 2] === 0x65 && bytes[to - 1] === 0x7d;
    if (isPublication && digit(bytes[to - 2])) this.#publication(bytes, from, at);
    else this.#message(bytes.toString('utf8', from, to));
  }

  closed(): void {
    this.#link = undefined;
    if (!this.#isClosed && !this.#isLeaving) void this.#comeBack(0);
  }

  #publication(bytes: Buffer, from: number, at: number): void {
    const offset = numberAt(bytes, at + offsetMark.length);
    const { faults, latency } = this.#returns;
    if (offset === this.offset + 1) this.offset = offset;
    else if (offset <= this.offset) faults.duplicate += 1;
    else {
      faults.missing += offset - this.offset - 1;
      this.offset = offset;
    }
    if (latency === undefined) return;
    const sentAt = numberAt(bytes, bytes.indexOf(timeMark, from) + timeMark.length) / 1_000;
    latency.add(performance.now() - sentAt);
  }

  #message(text: string): void {
    const message = JSON.parse(text) as {
      readonly result?: { readonly epoch: string; readonly offset: number; readonly recovered: boolean };
      readonly type?: string;
      readonly delay?: number;
    };
    if (message.result !== undefined) this.#answered(message.result);
    else if (message.type === 'reconnect') void this.#leave(message.delay ?? 0);
    else this.#fail(text);
  }

  #answered({ epoch, offset, recovered }: { epoch: string; offset: number; recovered: boolean }): void {
    if (this.#epoch === '') this.offset = offset;
    else if (!recovered) this.#fail('a reader was not recovered');
    this.#epoch = epoch;
    this.#subscribed();
  }

  /** It comes back at once where the server says so, in its own time. */
  async #leave(delay: number): Promise<void> {
    this.#isLeaving = true;
    await pause(delay);
    this.#link?.destroy();
    this.#isLeaving = false;
    if (!this.#isClosed) await this.#comeBack(0);
  }

  async #comeBack(attempt: number): Promise<void> {
    try {
      await this.open();
      this.#returns.times.push(performance.now());
    } catch (error) {
      if (attempt >= most || this.#isClosed) this.#fail(String(error));
      else {
        await pause(retryMs);
        await this.#comeBack(attempt + 1);
      }
    }
  }

  #fail(reason: string): void {
    this.#returns.faults.unexpected += 1;
    this.#returns.failure ??= reason;
  }
}

function numberAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let index = at; digit(bytes[index]); index++) value = value * 10 + ((bytes[index] ?? zero) - zero);
  return value;
}

function digit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}
