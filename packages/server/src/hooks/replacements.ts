/** Starts another thread for one that died: at once the first time, later and later when they die again soon. */
import type { Cancel, Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

export interface ReplacementsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly load: () => Promise<{ readonly ok: boolean }>;
  /** Whether there still is no thread. */
  readonly isNeeded: () => boolean;
  /** No thread will come soon. */
  readonly gaveUpForNow: () => void;
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** A thread that lived so long was healthy. */
const healthyMs = 60_000;

export class Replacements {
  readonly #options: ReplacementsOptions;
  /** In a row. */
  #losses = 0;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #pause: Cancel | undefined;
  #isLoading = false;

  constructor(options: ReplacementsOptions) {
    this.#options = options;
  }

  /** A thread has died, or is not to be trusted. */
  need(): void {
    const { clock, log, gaveUpForNow } = this.#options;
    if (this.#pause !== undefined || this.#isLoading) return;
    if (clock.now() - this.#loadedAt > healthyMs) this.#losses = 0;
    this.#losses += 1;
    if (this.#losses === 1) {
      void this.#load();
      return;
    }
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#losses - 2));
    log.warn(`hooks: their thread is started again in ${ms} ms`);
    this.#pause = clock.after(ms, () => {
      this.#pause = undefined;
      void this.#load();
    });
    gaveUpForNow();
  }

  loaded(): void {
    this.#loadedAt = this.#options.clock.now();
  }

  /** Somebody has changed something: what was does not count any more. */
  forget(): void {
    this.#losses = 0;
    this.#pause?.();
    this.#pause = undefined;
  }

  close(): void {
    this.forget();
  }

  async #load(): Promise<void> {
    this.#isLoading = true;
    const { ok } = await this.#options.load();
    this.#isLoading = false;
    if (!ok && this.#options.isNeeded()) this.need();
  }
}
