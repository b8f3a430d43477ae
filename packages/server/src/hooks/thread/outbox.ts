/** What leaves the thread: the answers and requests of one turn go together. */
import type { Signals } from '../messages.ts';

/** An answer does not wait longer than this for others, in milliseconds. */
const longestWaitMs = 10;

export class Outbox {
  readonly #post: (signals: Signals) => void;
  #signals: (number | string)[] = [];
  #beganAt = 0;

  constructor(post: (signals: Signals) => void) {
    this.#post = post;
  }

  /** See {@link Signals}. */
  add(id: number, head: number | string, text: string): void {
    if (this.#signals.length === 0) {
      this.#beganAt = performance.now();
      queueMicrotask(() => this.#leave());
    }
    this.#signals.push(id, head, text);
    if (performance.now() - this.#beganAt > longestWaitMs) this.#leave();
  }

  signOfLife(): void {
    this.#post([]);
  }

  #leave(): void {
    if (this.#signals.length === 0) return;
    const signals = this.#signals;
    this.#signals = [];
    this.#post(signals);
  }
}
