/** How fast one connection may publish: an allowance that fills up with time, to a second's worth. */
import type { Clock } from './clock.ts';
import { refuse } from './errors.ts';

export class PublishRate {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #allowance: number;
  #allowedAt: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#allowance = perSecond;
    this.#allowedAt = clock.now();
  }

  /** Takes one publication off. @throws {ReplyError} 111 when the connection publishes faster than it may. */
  use(): void {
    const now = this.#clock.now();
    const gained = ((now - this.#allowedAt) / 1_000) * this.#perSecond;
    this.#allowance = Math.min(this.#perSecond, this.#allowance + gained);
    this.#allowedAt = now;
    if (this.#allowance < 1)
      throw refuse('tooManyRequests', `at most ${this.#perSecond} publications a second`);
    this.#allowance -= 1;
  }
}
