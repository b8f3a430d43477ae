/** How many tokens that nobody knows one address may show: guessing has an end, on however many connections. */
import { errorCodes } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { ReplyError, tooMany } from './errors.ts';
import { type Rate, RateLimiter } from './rate.ts';

export interface TokenGuessesOptions {
  readonly rate: Rate;
  /** Under what an address is counted; undefined: it is not. */
  readonly bucketOf: (address: string) => string | undefined;
}

export class TokenGuesses {
  readonly #limiter: RateLimiter;
  readonly #bucketOf: (address: string) => string | undefined;

  constructor(clock: Clock, { rate, bucketOf }: TokenGuessesOptions) {
    this.#limiter = new RateLimiter(clock, rate);
    this.#bucketOf = bucketOf;
  }

  /** Judges a token, unless too many of the address were wrong. @throws {ReplyError} 111 (429); what `judge` throws. */
  async judge<Judged>(address: string, judge: () => Promise<Judged>): Promise<Judged> {
    const bucket = this.#bucketOf(address);
    if (bucket === undefined) return judge();
    const waitMs = this.#limiter.wait(bucket);
    if (waitMs > 0) throw tooMany(this.#limiter.rate, 'refused tokens of one address', waitMs);
    try {
      return await judge();
    } catch (error) {
      // One that has run out was good once: it is no guess.
      if (error instanceof ReplyError && error.code === errorCodes.unauthorized.code)
        this.#limiter.take(bucket);
      throw error;
    }
  }
}
