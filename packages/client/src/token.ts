/** The token: asked for once, kept until it is refused, then asked for again a bounded number of times. */

/** A token, or a function that fetches one. An empty string means none: the client connects unauthenticated. */
export type TokenOption = string | (() => string | Promise<string>);

/** Tokens in a row that may be refused before the client gives up. */
const refusalsMax = 3;

export class TokenSource {
  readonly #source: TokenOption;
  #kept: string | undefined;
  #refusals = 0;

  constructor(source: TokenOption = '') {
    this.#source = source;
  }

  /** Whether asking again can give another token. */
  get renewable(): boolean {
    return typeof this.#source === 'function';
  }

  /** The token in use; empty where there is none. Rejects when the callback does. */
  async get(): Promise<string> {
    if (typeof this.#source === 'string') return this.#source;
    this.#kept ??= await this.#source();
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

  /** The server took the token: refusals count from zero. */
  accepted(): void {
    this.#refusals = 0;
  }
}
