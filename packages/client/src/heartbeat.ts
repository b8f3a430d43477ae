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
  /** An answer is awaited. */
  #asked = false;
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
  }

  /** Something was received, whatever it was. */
  heard(): void {
    this.#heardAt = this.#timers.now();
    this.#asked = false;
  }

  /** Asks now, for instance after the device woke up. Nothing happens while an answer is awaited. */
  probe(): void {
    if (this.#asked || !this.#cancel) return;
    this.#cancel();
    this.#asked = true;
    this.#ask();
    this.#listen(answerMs);
  }

  // One timer that looks when it was last heard costs less than one that every message moves.
  #listen(ms: number): void {
    this.#cancel = this.#timers.after(ms, () => {
      const leftMs = this.#heardAt + silenceMs - this.#timers.now();
      if (this.#asked) this.#dead();
      else if (leftMs > 0) this.#listen(leftMs);
      else this.probe();
    });
  }
}
