/** Somebody who may know a token, and how several of them are asked. */
import { errorCodes } from '@carillon/protocol';
import type { Authenticator, Identity, TokenAsker } from '../core/access.ts';
import { ReplyError, refuse } from '../core/errors.ts';

export interface Authority {
  /** @throws {ReplyError} 101 not known here, 109 expired, 108 it cannot be judged now. Only after 101 the next one is asked. */
  authenticate(token: string, asker?: TokenAsker): Promise<Identity>;
  /** Lets go of what it holds open. */
  close?(): void;
}

export class Authorities implements Authenticator {
  readonly admitsAnonymous: boolean;
  readonly #authorities: readonly Authority[];

  /** In the order in which they are asked. */
  constructor(authorities: readonly Authority[], admitsAnonymous: boolean) {
    this.#authorities = authorities;
    this.admitsAnonymous = admitsAnonymous;
  }

  async authenticate(token: string, asker?: TokenAsker): Promise<Identity> {
    let refusal = refuse('unauthorized');
    for (const authority of this.#authorities) {
      try {
        return await authority.authenticate(token, asker);
      } catch (error) {
        if (!(error instanceof ReplyError) || error.code !== errorCodes.unauthorized.code) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  close(): void {
    for (const authority of this.#authorities) authority.close?.();
  }
}
