/** The token: asked for once, kept until it is refused, then asked for again a bounded number of times. */

import * as reasons from './reasons.ts';
import type { Cancel, Timers } from './timers.ts';

/** A token, or a function that fetches one. An empty string means none: the client connects unauthenticated. */
export type TokenOption = string | (() => string | Promise<string>);

/** Tokens in a row that may be refused before the client gives up. */
const refusalsMax = 3;

export class TokenSource {
  readonly #source: TokenOption;
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  #kept: string | undefined;
  #refusals = 0;

  /** `timeoutMs`: how long the function may take. */
  constructor(source: TokenOption = '', timers: Timers, timeoutMs: number) {
    this.#source = source;
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether asking again can give another token. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** The token in use; empty where there is none. Rejects when the function does, or takes too long. */
  async get(): Promise<string> {
    const source = this.#source;
    if (typeof source === 'string') return source;
    if (this.#kept === undefined) {
      let cancel: Cancel | undefined;
      const late = new Promise<never>((_, reject) => {
        cancel = this.#timers.after(this.#timeoutMs, () => reject(reasons.tokenFailed));
      });
      try {
        this.#kept = await Promise.race([source(), late]);
      } finally {
        cancel?.();
      }
    }
    return this.#kept;
  }

  /** The next {@link get} asks again. */
  forget(): void {
    this.#kept = undefined;
  }

  /** The server refused the token: whether to try another. */
  refused(): boolean {
    this.forget();
    this.#refusals += 1;
    return this.renewable && this.#refusals < refusalsMax;
  }

  /** Begins anew. */
  renew(): void {
    this.forget();
    this.accepted();
  }

  /** The server took the token: refusals count from zero. */
  accepted(): void {
    this.#refusals = 0;
  }
}
