/** One subscriber of the load generator. */
import { type Checker, type Counts, type KnownFrames, parseArrival } from './checker.ts';
import { clientFrame, FrameReader, type FrameSink, opcodes } from './frames.ts';
import type { Histogram } from './histogram.ts';
import { Link, type Receiver } from './link.ts';
import { BenchError, type Target } from './target.ts';

const unfragmentedText = 0x81;

/** What all subscribers of a run share. */
export interface Audience {
  readonly counts: Counts;
  /** Publications that reached a subscriber, all together. */
  frames: number;
  /** Size of the newest frame: chunks that are a multiple of it are counted without a walk. */
  frameBytes: number;
  /** Where latencies of checked subscribers go; undefined outside the measured stretch. */
  readonly latency: Histogram | undefined;
  /** Told which publications (by their place in the subscriber's stream, to exclusive) just arrived; costs a call a chunk. */
  readonly arrived: ((from: number, to: number) => void) | undefined;
  /** Why the server ended connections, if it did. */
  closeReason: string | undefined;
  /** Present where all subscribers get the same bytes. */
  readonly known: KnownFrames | undefined;
}

/** A subscriber, over whatever transport. */
export interface Member {
  readonly index: number;
  /** Publications received. */
  readonly frames: number;
  /** Bytes of those, with what frames them on the wire. */
  readonly bytes: number;
  /** Every publication is read and checked; otherwise they are counted. */
  readonly checked: boolean;
  /** Connects and subscribes. The subscription is in force when it resolves; rejects with BenchError 69. */
  open(target: Target, localAddress: string | undefined): Promise<void>;
  close(): void;
}

/** A subscriber of the native protocol over WebSocket. */
export class Subscriber implements Member, Receiver, FrameSink {
  readonly index: number;
  frames = 0;
  bytes = 0;
  readonly #crowd: Audience;
  readonly #channel: string;
  readonly #checker: Checker | undefined;
  readonly #reader = new FrameReader(this);
  #link: Link | undefined;
  #ready = false;
  #now = 0;
  #confirm: (error?: Error) => void = () => undefined;

  constructor(crowd: Audience, index: number, channel: string, checker: Checker | undefined) {
    this.#crowd = crowd;
    this.index = index;
    this.#channel = channel;
    this.#checker = checker;
  }

  get checked(): boolean {
    return this.#checker !== undefined;
  }

  async open(target: Target, localAddress: string | undefined): Promise<void> {
    const link = await Link.open(target, localAddress, (opened) => {
      this.#link = opened;
      return this;
    });
    await new Promise<void>((resolve, reject) => {
      this.#confirm = (error) => (error === undefined ? resolve() : reject(error));
      link.send(JSON.stringify({ op: 'subscribe', channel: this.#channel }));
    });
  }

  close(): void {
    this.#link?.destroy();
  }

  received(bytes: Buffer, start: number, end: number): void {
    const crowd = this.#crowd;
    const before = this.frames;
    const length = end - start;
    if (
      this.#checker === undefined &&
      length % crowd.frameBytes === 0 &&
      bytes[start] === unfragmentedText &&
      this.#ready &&
      this.#reader.aligned
    ) {
      this.frames += length / crowd.frameBytes;
      this.bytes += length;
    } else {
      this.#now = performance.now();
      this.#reader.read(bytes, start, end);
    }
    crowd.frames += this.frames - before;
    if (crowd.arrived !== undefined && this.frames > before) crowd.arrived(before, this.frames);
  }

  frame(opcode: number, bytes: Buffer, at: number, from: number, to: number): void {
    if (opcode === opcodes.ping) this.#link?.write(clientFrame(opcodes.pong, bytes.subarray(from, to)));
    else if (opcode === opcodes.close) this.#closedWith(bytes.subarray(from, to));
    else if (!this.#ready) this.#reply(bytes.toString('utf8', from, to));
    else {
      this.frames += 1;
      this.bytes += to - at;
      this.#crowd.frameBytes = to - at;
      if (this.#checker !== undefined) this.#check(this.#checker, bytes, at, from, to);
    }
  }

  closed(reason: string): void {
    if (!this.#ready) this.#confirm(new BenchError(`A subscription was not answered: ${reason}.`, 69));
    this.#crowd.counts.unexpected += 1;
    this.#crowd.closeReason ??= reason;
  }

  #reply(text: string): void {
    if (text === '{"result":true}') {
      this.#ready = true;
      this.#confirm();
      return;
    }
    const remedy = 'let anyone subscribe and publish to it, or give a token';
    this.#confirm(
      new BenchError(`Channel ${this.#channel} refused a subscriber with ${text}: ${remedy}.`, 69),
    );
  }

  #check(checker: Checker, bytes: Buffer, at: number, from: number, to: number): void {
    const crowd = this.#crowd;
    let arrival = crowd.known?.match(checker.next, bytes, at, to);
    if (arrival === undefined) {
      arrival = parseArrival(bytes.toString('utf8', from, to), this.#channel);
      if (arrival === undefined) {
        crowd.counts.unexpected += 1;
        return;
      }
      crowd.known?.keep(bytes, at, to, arrival);
    }
    checker.arrived(arrival);
    crowd.latency?.add(this.#now - arrival.sentAt);
  }

  #closedWith(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    this.#crowd.closeReason ??= `the server closed with ${code} ${payload.subarray(2).toString()}`.trimEnd();
  }
}
