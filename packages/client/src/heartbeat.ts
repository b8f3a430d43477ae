/** Finds connections that died without a word (a closed laptop lid, a lost network): asks after silence, gives up after more. */
import type { Cancel, Timers } from './timers.ts';

/** The server pings every 25 s and a browser does not show it; 10 s more are a fair margin before asking. */
const silenceMs = 35_000;

/** How long an asked server may stay silent. */
const answerMs = 10_000;

export class Heartbeat {
  readonly #timers: Timers;
  readonly #ask: () => void;
  readonly #dead: () => void;
  #heardAt = 0;
  #answered = true;
  #cancel: Cancel | undefined;

  /** `ask` sends a ping; `dead` hears once that no answer came. */
  constructor(timers: Timers, ask: () => void, dead: () => void) {
    this.#timers = timers;
    this.#ask = ask;
    this.#dead = dead;
  }

  start(): void {
    this.heard();
    this.#listen(silenceMs);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#answered = true;
  }

  /** Something was received, whatever it was. */
  heard(): void {
    this.#heardAt = this.#timers.now();
    this.#answered = true;
  }

  /** Asks now, for instance after the device woke up. Nothing happens while an answer is awaited. */
  probe(): void {
    if (!this.#answered || this.#cancel === undefined) return;
    this.#cancel();
    this.#answered = false;
    this.#ask();
    this.#cancel = this.#timers.after(answerMs, () => {
      if (!this.#answered) return this.#dead();
      this.#listen(silenceMs - answerMs);
    });
  }

  // One timer that looks when it was last heard costs less than one that every message moves.
  #listen(ms: number): void {
    this.#cancel = this.#timers.after(ms, () => {
      const leftMs = silenceMs - (this.#timers.now() - this.#heardAt);
      if (leftMs > 0) this.#listen(leftMs);
      else this.probe();
    });
  }
}
