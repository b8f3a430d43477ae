/** Who gets in by a token: whom the authorities know, and nobody has shut out. */
import type { Authenticator, Identity } from './access.ts';
import type { Blocks } from './blocks.ts';

export class Admission implements Authenticator {
  readonly #authenticator: Authenticator;
  readonly #blocks: Blocks;

  constructor(authenticator: Authenticator, blocks: Blocks) {
    this.#authenticator = authenticator;
    this.#blocks = blocks;
  }

  get admitsAnonymous(): boolean {
    return this.#authenticator.admitsAnonymous;
  }

  /** As the authorities say, and 101 where the user or the token is blocked. */
  async authenticate(...asked: Parameters<Authenticator['authenticate']>): Promise<Identity> {
    const identity = await this.#authenticator.authenticate(...asked);
    this.#blocks.check(identity);
    return identity;
  }
}
