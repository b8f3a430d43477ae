/** Tells the operator when somebody who is asked over HTTP fails to answer, and when that is over: once each, not for every token. */
import type { Log } from '../core/log.ts';

export class Availability {
  readonly #name: string;
  readonly #url: string;
  readonly #log: Log;
  #isDown = false;
  #failures = 0;

  /** `name` begins the sentence in the log. */
  constructor(name: string, { origin, pathname }: URL, log: Log) {
    this.#name = name;
    // A query may hold a key.
    this.#url = origin + pathname;
    this.#log = log;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  up(): void {
    if (this.#isDown) {
      this.#log.info(`${this.#name} answers again`, { url: this.#url, failures: this.#failures });
    }
    this.#isDown = false;
    this.#failures = 0;
  }

  /** `reason`: half a sentence. */
  down(reason: string): void {
    this.#failures += 1;
    if (this.#isDown) return;
    this.#isDown = true;
    this.#log.warn(`${this.#name} cannot be used; tokens that need it are refused with 108`, {
      url: this.#url,
      reason,
    });
  }
}
