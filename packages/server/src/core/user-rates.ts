/** What one user may do how often, with all its sessions together. */
import type { Clock } from './clock.ts';
import { tooMany } from './errors.ts';
import { type Rate, RateLimiter } from './rate.ts';

export interface UserRatesOptions {
  /** All commands but `publish`; absent: no limit. */
  readonly commands?: Rate;
  /** On whatever way they come; absent: no limit. */
  readonly publishes?: Rate;
}

export class UserRates {
  /** Undefined: no limit. */
  readonly commands: UserRate | undefined;
  /** Undefined: no limit. */
  readonly publishes: UserRate | undefined;

  constructor(clock: Clock, { commands, publishes }: UserRatesOptions = {}) {
    this.commands = commands && new UserRate(clock, commands, 'commands');
    this.publishes = publishes && new UserRate(clock, publishes, 'publications');
  }
}

export class UserRate {
  readonly #limiter: RateLimiter;
  readonly #what: string;

  constructor(clock: Clock, rate: Rate, what: string) {
    this.#limiter = new RateLimiter(clock, rate);
    this.#what = what;
  }

  /** Who is nobody in particular is not counted. @throws {ReplyError} 111 */
  use(user: string | undefined): void {
    if (user === undefined) return;
    const waitMs = this.#limiter.take(user);
    if (waitMs > 0) throw tooMany(this.#limiter.rate, `${this.#what} of one user`, waitMs);
  }
}
