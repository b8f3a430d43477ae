/** One worker as the primary's broker sees it: what it is given, how far behind it is, and who waits for it. */
import { limits } from '@carillon/protocol';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { FrameStream } from '../../link/frames.ts';
import { gapFrame } from './messages.ts';

/** When publishers wait for a worker, and when it is given gaps instead of publications. */
export interface LinkBounds {
  readonly fullBytes: number;
  readonly patienceMs: number;
  readonly waitingBytes: number;
}

const bounded: LinkBounds = {
  fullBytes: limits.linkFullBytes,
  patienceMs: limits.linkPatienceMs,
  waitingBytes: limits.linkWaitingBytes,
};

/** What does not fit within its bound is replaced by a gap for each channel, behind which the worker reads history. */
export class WorkerLink {
  /** Its number. */
  readonly worker: number;
  readonly #stream: FrameStream;
  readonly #clock: Clock;
  readonly #bounds: LinkBounds;
  /** Channels of which something was not handed on. */
  readonly #behind = new Set<string>();
  /** Those who wait until it has caught up; undefined: nobody does. */
  #catchingUp: CatchingUp | undefined;
  /** It was full for longer than anybody waits, and still is. */
  #isStalled = false;
  /** Pages of history that are being read for it, and those that wait for room. */
  #reads = 0;
  readonly #readers: (() => void)[] = [];

  constructor(stream: FrameStream, worker: number, clock: Clock, bounds: LinkBounds = bounded) {
    this.#stream = stream;
    this.worker = worker;
    this.#clock = clock;
    this.#bounds = bounds;
    stream.onTaken(() => this.#taken());
    stream.onEnded(() => this.#ended());
  }

  handOn(channel: string, frame: Buffer): void {
    if (this.#behind.size === 0 && this.#stream.waitingBytes <= this.#bounds.waitingBytes) {
      this.#stream.send(frame);
    } else this.#behind.add(channel);
  }

  send(frame: Buffer): void {
    this.#stream.send(frame);
  }

  end(): void {
    this.#stream.end();
  }

  /**
   * Resolves when it has caught up, or has had the time to; undefined where nobody has to wait for it. Who publishes waits for it, so
   * that no worker's publishers outrun another worker, and one that stands still stops nobody for long.
   */
  room(): Promise<void> | undefined {
    if (!this.#isFull || this.#isStalled || this.#behind.size > 0 || this.#stream.isOver) return undefined;
    this.#catchingUp ??= new CatchingUp(this.#clock, this.#bounds.patienceMs, () => {
      this.#isStalled = true;
      this.#catchingUp = undefined;
    });
    return this.#catchingUp.over;
  }

  /** Reads what is answered with a page of history, when there is room for such an answer: it asks for as many as it has clients. */
  async read<T>(page: () => Promise<T>): Promise<T> {
    if (this.#readers.length > 0 || this.#isReadingEnough)
      await new Promise<void>((goOn) => this.#readers.push(goOn));
    else this.#reads += 1;
    try {
      return await page();
    } finally {
      this.#reads -= 1;
      // When this one's answer has been sent.
      this.#clock.atTurnEnd(() => this.#admitReader());
    }
  }

  get #isFull(): boolean {
    return this.#stream.waitingBytes > this.#bounds.fullBytes;
  }

  get #isReadingEnough(): boolean {
    const { waitingBytes, isOver } = this.#stream;
    return !isOver && waitingBytes + this.#reads * limits.joinedWriteBytes > this.#bounds.fullBytes;
  }

  #admitReader(): void {
    if (this.#readers.length === 0 || this.#isReadingEnough) return;
    this.#reads += 1;
    this.#readers.shift()?.();
  }

  #taken(): void {
    if (this.#isFull) return;
    this.#isStalled = false;
    this.#catchingUp?.end();
    this.#catchingUp = undefined;
    this.#tellGaps();
    this.#admitReader();
  }

  #tellGaps(): void {
    for (const channel of this.#behind) this.#stream.send(gapFrame(channel));
    this.#behind.clear();
  }

  #ended(): void {
    this.#catchingUp?.end();
    this.#behind.clear();
    while (this.#readers.length > 0) this.#admitReader();
  }
}

/** A wait that is over when `end` is called, or after a time that is long enough. */
class CatchingUp {
  readonly over: Promise<void>;
  #end: () => void = () => {};
  readonly #cancel: Cancel;

  constructor(clock: Clock, ms: number, lost: () => void) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#cancel = clock.after(ms, () => {
      lost();
      this.#end();
    });
  }

  end(): void {
    this.#cancel();
    this.#end();
  }
}
