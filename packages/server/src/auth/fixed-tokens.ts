/** Tokens that stand in the config, each for one client. */
import { createHash } from 'node:crypto';
import type { Authenticator, Identity } from '../core/access.ts';
import { refuse } from '../core/errors.ts';

export class FixedTokens implements Authenticator {
  readonly admitsAnonymous: boolean;
  /** By the digest of the token: how long a look-up takes then says nothing about how near a guess was. */
  readonly #identities: ReadonlyMap<string, Identity>;

  constructor(tokens: Iterable<readonly [string, Identity]>, admitsAnonymous: boolean) {
    this.admitsAnonymous = admitsAnonymous;
    this.#identities = new Map([...tokens].map(([token, identity]) => [digest(token), identity]));
  }

  async authenticate(token: string): Promise<Identity> {
    const identity = this.#identities.get(digest(token));
    if (identity === undefined) throw refuse('unauthorized');
    return identity;
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
