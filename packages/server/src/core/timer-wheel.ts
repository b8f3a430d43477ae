/** Many deadlines on one timer. Time is counted in ticks that have run, not read from a clock. */
import type { Cancel, Clock } from './clock.ts';

/** What can be in a wheel: one deadline each. The field belongs to the wheel. */
export interface WheelEntry {
  /** The tick at which it is due; 0: it is not in the wheel. */
  dueTick: number;
}

/** Slots of a wheel at most: a longer delay goes round more than once. */
const maxSlots = 4_096;

/**
 * However long the process was held up, one turn of the event loop advances the wheel by one tick: what has meanwhile
 * arrived in the sockets is read before anybody is judged for having been silent. An empty wheel has no timer.
 */
export class TimerWheel<Entry extends WheelEntry> implements Iterable<Entry> {
  readonly tickMs: number;
  readonly #clock: Clock;
  readonly #due: (entry: Entry) => void;
  readonly #slots: (Set<Entry> | undefined)[];
  readonly #tickTask = (): void => this.#tick();
  #now = 1;
  #size = 0;
  #cancel: Cancel | undefined;

  /** `longestMs`: the delay that is used most of the longest. `due` is called once an entry's time has come and may schedule it anew. */
  constructor(clock: Clock, tickMs: number, longestMs: number, due: (entry: Entry) => void) {
    this.tickMs = tickMs;
    this.#clock = clock;
    this.#due = due;
    this.#slots = new Array<undefined>(Math.min(maxSlots, this.ticks(longestMs) + 1)).fill(undefined);
  }

  /** Entries that have a deadline. */
  get size(): number {
    return this.#size;
  }

  /** The ticks that have run, from 1. */
  get now(): number {
    return this.#now;
  }

  /** A duration in ticks, at least one. */
  ticks(ms: number): number {
    return Math.max(1, Math.ceil(ms / this.tickMs));
  }

  /** Sets, or moves, the deadline of an entry. It comes up to one tick early when set between two ticks. */
  schedule(entry: Entry, ticks: number): void {
    if (entry.dueTick === 0) this.#size += 1;
    else this.#slots[entry.dueTick % this.#slots.length]?.delete(entry);
    entry.dueTick = this.#now + ticks;
    this.#put(entry);
    this.#cancel ??= this.#clock.after(this.tickMs, this.#tickTask);
  }

  /** Takes an entry out; harmless when it is not in. */
  remove(entry: Entry): void {
    if (entry.dueTick === 0) return;
    this.#slots[entry.dueTick % this.#slots.length]?.delete(entry);
    entry.dueTick = 0;
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const slot of this.#slots) if (slot !== undefined) yield* slot;
  }

  #put(entry: Entry): void {
    const index = entry.dueTick % this.#slots.length;
    const slot = this.#slots[index];
    if (slot === undefined) this.#slots[index] = new Set([entry]);
    else slot.add(entry);
  }

  #tick(): void {
    this.#cancel = undefined;
    this.#now += 1;
    const index = this.#now % this.#slots.length;
    const slot = this.#slots[index];
    this.#slots[index] = undefined;
    for (const entry of slot ?? []) this.#judge(entry);
    if (this.#size > 0) this.#cancel ??= this.#clock.after(this.tickMs, this.#tickTask);
  }

  #judge(entry: Entry): void {
    if (entry.dueTick > this.#now) {
      this.#put(entry);
      return;
    }
    // Removed by the judgement of another entry of the same slot.
    if (entry.dueTick === 0) return;
    entry.dueTick = 0;
    this.#size -= 1;
    this.#due(entry);
  }
}
