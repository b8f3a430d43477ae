/**
 * Ends a thread that needs too much memory, before V8 does: V8's own limit may take the whole process along, where a single
 * allocation is large, and it does not count what lies outside the heap, such as buffers.
 */
import type { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '../core/clock.ts';

export interface MemoryWatchOptions {
  readonly worker: Pick<Worker, 'getHeapStatistics'>;
  readonly limitBytes: number;
  readonly clock: Clock;
  /** Whether it works; one that does not is looked at less often. */
  readonly isBusy: () => boolean;
  /** Asks the thread to collect its garbage; {@link MemoryWatch.collected} is its answer. */
  readonly collect: () => void;
  readonly exceeded: () => void;
}

const busyMs = 50;
const idleMs = 500;
/** Collecting takes time; a thread that makes much garbage is not asked more often. */
const collectionsApartMs = 2_000;
/** A thread that has not collected by then is too busy for it. */
const answerMs = 100;
/** What garbage may come to on top, in a thread that is too busy to collect it. */
const excess = 1.5;
const mebibyte = 1_048_576;

/** The limit of V8: far enough that it is not met between two looks. */
export function heapLimitMb(limitBytes: number): number {
  return Math.ceil((2 * limitBytes) / mebibyte) + 1_024;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #cancel: Cancel;
  #isClosed = false;
  /** When the thread was asked to collect, until what that left was judged. */
  #askedAt: number | undefined;
  #hasCollected = false;
  /** What is above the limit until then is taken for garbage. */
  #restsUntil = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#cancel = this.#lookLater();
  }

  collected(): void {
    this.#hasCollected = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #lookLater(): Cancel {
    const { clock, isBusy } = this.#options;
    return clock.after(isBusy() ? busyMs : idleMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    // It interrupts: also a thread that loops answers. One that is just ending does not.
    const statistics = await this.#options.worker.getHeapStatistics().catch(() => undefined);
    if (this.#isClosed) return;
    if (statistics !== undefined && this.#isTooMuch(statistics.used_heap_size + statistics.external_memory)) {
      this.close();
      this.#options.exceeded();
      return;
    }
    this.#cancel = this.#lookLater();
  }

  #isTooMuch(bytes: number): boolean {
    const { limitBytes, clock, collect } = this.#options;
    const now = clock.now();
    if (bytes > 2 * limitBytes) return true;
    if (this.#askedAt !== undefined && this.#hasCollected) {
      this.#askedAt = undefined;
      this.#restsUntil = now + collectionsApartMs;
      return bytes > limitBytes;
    }
    if (this.#askedAt !== undefined) {
      return bytes > excess * limitBytes && now - this.#askedAt >= answerMs;
    }
    const isQuiet = now < this.#restsUntil && bytes <= excess * limitBytes;
    if (bytes <= limitBytes || isQuiet) return false;
    this.#askedAt = now;
    this.#hasCollected = false;
    collect();
    return false;
  }
}
