/** How often something may happen, for each of many: a bucket that fills up with time, per user, address or key. */
import { limits } from '@carillon/protocol';
import type { Clock } from './clock.ts';

/** So many at once, and as many again spread evenly over the time. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/**
 * One number for each bucket that is not full: when it will be. Buckets that have filled up again are taken out a few at a
 * time, whenever a new one comes; when there are too many all the same, one that is met is forgotten, and begins full.
 */
export class RateLimiter {
  readonly rate: Rate;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** What rounding does to the sum of many. */
  readonly #slackMs: number;
  /** Counted from here, so that small intervals do not drown in large numbers. */
  readonly #startMs: number;
  readonly #maxBuckets: number;
  readonly #fullAt = new Map<string, number>();
  /** Walks round the buckets, going on where it was. */
  #hand: Iterator<[string, number]>;

  constructor(clock: Clock, rate: Rate, maxBuckets: number = limits.rateBuckets) {
    this.rate = rate;
    this.#clock = clock;
    this.#intervalMs = rate.perMs / rate.count;
    this.#slackMs = Math.min(0.01, this.#intervalMs / 2);
    this.#startMs = clock.now();
    this.#maxBuckets = maxBuckets;
    this.#hand = this.#fullAt.entries();
  }

  /** Buckets that are kept. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Takes one out of a bucket. Returns 0, or in how many milliseconds there will be one; then nothing was taken. */
  take(key: string): number {
    const now = this.#now();
    const known = this.#fullAt.get(key);
    const fullAt = Math.max(known ?? now, now);
    const waitMs = this.#waitMs(fullAt, now);
    if (waitMs > 0) return waitMs;
    if (known === undefined) this.#makeRoom(now);
    this.#fullAt.set(key, fullAt + this.#intervalMs);
    return 0;
  }

  /** In how many milliseconds there is one to take; 0: there is one now. */
  wait(key: string): number {
    const now = this.#now();
    return this.#waitMs(Math.max(this.#fullAt.get(key) ?? now, now), now);
  }

  #waitMs(fullAt: number, now: number): number {
    const over = fullAt + this.#intervalMs - now - this.rate.perMs;
    return over > this.#slackMs ? Math.ceil(over) : 0;
  }

  #makeRoom(now: number): void {
    for (let count = 0; count < 2; count++) {
      const met = this.#next();
      if (met !== undefined && met[1] <= now) this.#fullAt.delete(met[0]);
    }
    if (this.#fullAt.size < this.#maxBuckets) return;
    const met = this.#next();
    if (met !== undefined) this.#fullAt.delete(met[0]);
  }

  #next(): [string, number] | undefined {
    let { value, done } = this.#hand.next();
    if (done === true) {
      this.#hand = this.#fullAt.entries();
      ({ value, done } = this.#hand.next());
    }
    return done === true ? undefined : value;
  }

  #now(): number {
    return this.#clock.now() - this.#startMs;
  }
}
