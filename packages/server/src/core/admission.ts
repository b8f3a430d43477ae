/** Who gets in by a token: whom the authorities know, and nobody has shut out. */
import type { Authenticator, Identity, TokenAsker } from './access.ts';
import type { Blocks } from './blocks.ts';
import type { Clock } from './clock.ts';
import { TokenGuesses, type TokenGuessesOptions } from './token-guesses.ts';

export class Admission implements Authenticator {
  readonly #authenticator: Authenticator;
  readonly #blocks: Blocks;
  readonly #guesses: TokenGuesses | undefined;

  /** `guesses`: absent: nobody counts them. */
  constructor(authenticator: Authenticator, blocks: Blocks, clock: Clock, guesses?: TokenGuessesOptions) {
    this.#authenticator = authenticator;
    this.#blocks = blocks;
    this.#guesses = guesses && new TokenGuesses(clock, guesses);
  }

  get admitsAnonymous(): boolean {
    return this.#authenticator.admitsAnonymous;
  }

  /** As the authorities say, 101 where the user or the token is blocked, and 111 where too many tokens of the address were wrong. */
  async authenticate(token: string, asker?: TokenAsker): Promise<Identity> {
    const judge = (): Promise<Identity> => this.#authenticator.authenticate(token, asker);
    const isCounted = this.#guesses !== undefined && asker !== undefined;
    const identity = await (isCounted ? this.#guesses.judge(asker.address, judge) : judge());
    this.#blocks.check(identity);
    return identity;
  }
}
