/** Spares everybody the wait for a hook that does not answer: after repeated failures it is not asked for a while, then once. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';

/** Says what has changed; undefined where nothing has. */
export type BreakerChange = 'opened' | 'closed' | undefined;

export class Breaker {
  readonly #clock: Clock;
  /** In a row. */
  #failures = 0;
  #opensAgainAt: number | undefined;
  #isTrying = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#opensAgainAt !== undefined;
  }

  /** Whether a call may be made now. One that may must be {@link settled}. */
  admits(): boolean {
    if (this.#opensAgainAt === undefined) return true;
    if (this.#isTrying || this.#clock.now() < this.#opensAgainAt) return false;
    this.#isTrying = true;
    return true;
  }

  /** `failed`: the hook could not answer; that it says no is an answer. `unknown`: it was not its fault. */
  settled(result: 'answered' | 'failed' | 'unknown'): BreakerChange {
    const wasOpen = this.isOpen;
    this.#isTrying = false;
    if (result === 'unknown') return undefined;
    if (result === 'answered') {
      this.#failures = 0;
      this.#opensAgainAt = undefined;
      return wasOpen ? 'closed' : undefined;
    }
    this.#failures += 1;
    if (this.#failures < limits.hookFailures) return undefined;
    this.#opensAgainAt = this.#clock.now() + limits.hookPauseMs;
    return wasOpen ? undefined : 'opened';
  }
}
