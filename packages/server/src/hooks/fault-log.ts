/** Logs what goes wrong in hooks: each fault at once, and when it comes again, how often. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** A fault that repeats is told again after this time. */
const quietMs = 10_000;
/** Different faults that are told apart within that time. */
const mostFaults = 100;

export class FaultLog {
  readonly #clock: Clock;
  readonly #log: Log;
  /** How often each came again since it was told. */
  readonly #repeats = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** `reason`: half a sentence. */
  say(hook: string, reason: string): void {
    const known = this.#repeats.size < mostFaults ? `the hook '${hook}' failed: ${reason}` : manyFaults;
    const repeats = this.#repeats.get(known);
    if (repeats !== undefined) {
      this.#repeats.set(known, repeats + 1);
      return;
    }
    this.#log.error(known, { hook });
    this.#repeats.set(known, 0);
    this.#clock.after(quietMs, () => {
      const again = this.#repeats.get(known) ?? 0;
      this.#repeats.delete(known);
      if (again > 0) this.#log.error(`${known} (${again} times more in ${quietMs / 1_000} s)`, { hook });
    });
  }
}

const manyFaults = `hooks failed in more than ${mostFaults} different ways`;
