/** Whose time is limited, on one timer: the earliest stands on top of a heap, and whoever goes before is taken out. */
import type { Cancel, Clock } from './clock.ts';

export interface Expiring {
  /** Milliseconds since the Unix epoch; undefined: never. Stays as it is while the entry is in. */
  readonly expiresAt: number | undefined;
  /** Its place; -1: it is not in. The field belongs to {@link Expiries}. */
  heapIndex: number;
  /** Its time is over. It is out by then. */
  expired(): void;
}

/** A sleep of the machine moves the clock and not the timer, so the clock is looked at this often. */
const longestWaitMs = 60_000;
/** How many end in one turn of the event loop: tokens that were made together run out together. */
const perTurn = 1_000;

export class Expiries {
  readonly #clock: Clock;
  readonly #heap: Expiring[] = [];
  readonly #wake = (): void => this.#run();
  #cancel: Cancel | undefined;
  #wakeAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Entries that are in. */
  get size(): number {
    return this.#heap.length;
  }

  /** Does nothing where the time is not limited. */
  add(entry: Expiring): void {
    if (entry.expiresAt === undefined) return;
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1, entry);
    this.#arm();
  }

  /** Harmless when it is not in. */
  remove(entry: Expiring): void {
    const index = entry.heapIndex;
    if (index === -1) return;
    entry.heapIndex = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== entry) {
      // It may belong above or below the place that became free.
      this.#sink(index, last);
      this.#rise(last.heapIndex, last);
    }
    if (this.#heap.length > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #run(): void {
    this.#cancel = undefined;
    const now = this.#clock.now();
    for (let count = 0; count < perTurn; count++) {
      const [first] = this.#heap;
      if (first === undefined || timeOf(first) > now) break;
      this.remove(first);
      first.expired();
    }
    this.#arm();
  }

  #arm(): void {
    const [first] = this.#heap;
    if (first === undefined) return;
    const now = this.#clock.now();
    const at = Math.min(Math.max(timeOf(first), now + 1), now + longestWaitMs);
    if (this.#cancel !== undefined && this.#wakeAt <= at) return;
    this.#cancel?.();
    this.#wakeAt = at;
    this.#cancel = this.#clock.after(at - now, this.#wake);
  }

  #rise(from: number, entry: Expiring): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const other = this.#heap[above];
      if (other === undefined || timeOf(other) <= timeOf(entry)) break;
      this.#place(index, other);
      index = above;
    }
    this.#place(index, entry);
  }

  #sink(from: number, entry: Expiring): void {
    let index = from;
    for (;;) {
      const [left, right] = [this.#heap[2 * index + 1], this.#heap[2 * index + 2]];
      const isRight = left !== undefined && right !== undefined && timeOf(right) < timeOf(left);
      const earlier = isRight ? right : left;
      if (earlier === undefined || timeOf(earlier) >= timeOf(entry)) break;
      this.#place(index, earlier);
      index = 2 * index + (isRight ? 2 : 1);
    }
    this.#place(index, entry);
  }

  #place(index: number, entry: Expiring): void {
    this.#heap[index] = entry;
    entry.heapIndex = index;
  }
}

function timeOf({ expiresAt = Number.POSITIVE_INFINITY }: Expiring): number {
  return expiresAt;
}
