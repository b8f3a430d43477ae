/** How often something may happen, for each of many: a bucket that fills up with time, per user, address or key. */
import { limits } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { lotOf } from './lots.ts';

/** So many at once, and as many again spread evenly over the time. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
  /** Other processes that count the same; absent: there are none. */
  readonly elsewhere?: RateElsewhere;
}

export interface RateElsewhere {
  /** How many other processes. */
  readonly others: number;
  /** Tells them of so many that were taken here. */
  took(key: string, count: number): void;
  /** `take` hears of what was taken there. */
  hear(take: (key: string, count: number) => void): void;
}

/**
 * One number for each bucket that is not full: when it will be. Buckets that have filled up again are taken out a few at a
 * time, whenever a new one comes; when there are too many all the same, one that is met is forgotten, and begins full.
 * Where others count, too, they are told of what is taken in lots, and what they take is taken here, even from an empty bucket:
 * so all together take what the rate says within an eighth at once, and no more than it says in the long run.
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
  readonly #elsewhere: RateElsewhere | undefined;
  readonly #lot: number;
  /** What was taken here and nobody else knows of: less than a lot of each bucket. */
  readonly #untold = new Map<string, number>();
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
    this.#elsewhere = rate.elsewhere;
    this.#lot = lotOf(rate.count, 1 + (rate.elsewhere?.others ?? 0));
    rate.elsewhere?.hear((key, count) => this.#took(key, count));
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
    if (this.#elsewhere !== undefined) this.#tell(key, this.#elsewhere);
    return 0;
  }

  /** In how many milliseconds there is one to take; 0: there is one now. */
  wait(key: string): number {
    const now = this.#now();
    return this.#waitMs(Math.max(this.#fullAt.get(key) ?? now, now), now);
  }

  #tell(key: string, elsewhere: RateElsewhere): void {
    const untold = (this.#untold.get(key) ?? 0) + 1;
    if (untold < this.#lot) this.#untold.set(key, untold);
    else {
      this.#untold.delete(key);
      elsewhere.took(key, untold);
    }
  }

  /** It is done, so it counts, even where nothing was left. */
  #took(key: string, count: number): void {
    const now = this.#now();
    const known = this.#fullAt.get(key);
    if (known === undefined) this.#makeRoom(now);
    this.#fullAt.set(key, Math.max(known ?? now, now) + count * this.#intervalMs);
  }

  #waitMs(fullAt: number, now: number): number {
    const over = fullAt + this.#intervalMs - now - this.rate.perMs;
    return over > this.#slackMs ? Math.ceil(over) : 0;
  }

  #makeRoom(now: number): void {
    for (let count = 0; count < 2; count++) {
      const met = this.#next();
      if (met !== undefined && met[1] + this.#untoldMs(met[0]) <= now) this.#forget(met[0]);
    }
    if (this.#fullAt.size < this.#maxBuckets) return;
    const met = this.#next();
    if (met !== undefined) this.#forget(met[0]);
  }

  /** How much later a bucket would be full if each of the others kept to itself as much as this one does. */
  #untoldMs(key: string): number {
    const { others } = this.#elsewhere ?? { others: 0 };
    return others === 0 ? 0 : (this.#untold.get(key) ?? 0) * others * this.#intervalMs;
  }

  #forget(key: string): void {
    this.#fullAt.delete(key);
    this.#untold.delete(key);
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
