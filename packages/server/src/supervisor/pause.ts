/** A wait that somebody may cut short. */
import type { Cancel, Clock } from '../core/clock.ts';

export class Pause {
  readonly #clock: Clock;
  #end: Cancel = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after so many milliseconds, or at {@link Pause.end}. One wait at a time. */
  take(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, resolve);
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Nobody waits any longer; later waits are not affected. */
  end(): void {
    this.#end();
  }
}
