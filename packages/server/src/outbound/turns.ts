/** So many at once, so many more in a queue, and nobody waits longer than it may. */
import type { Clock } from '../core/clock.ts';

export interface TurnsOptions {
  readonly atOnce: number;
  readonly waiting: number;
  readonly clock: Clock;
}

export class Turns {
  readonly #options: TurnsOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<(isMine: boolean) => void>();
  #taken = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves with true when it is one's turn, which {@link leave} ends; with false when none came within `ms`, at once when the queue is full. */
  take(ms: number): Promise<boolean> {
    const { atOnce, waiting, clock } = this.#options;
    if (this.#taken < atOnce) {
      this.#taken += 1;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= waiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (isMine: boolean): void => {
        cancel();
        this.#waiting.delete(settle);
        resolve(isMine);
      };
      const cancel = clock.after(ms, () => settle(false));
      this.#waiting.add(settle);
    });
  }

  /** Ends a turn that was taken; the next in the queue has it. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next(true);
  }

  /** Sends everybody home who waits. */
  close(): void {
    for (const settle of [...this.#waiting]) settle(false);
  }
}
