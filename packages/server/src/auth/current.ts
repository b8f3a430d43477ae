/** Whoever judges tokens at the moment: another one may take over while the server runs. */
import type { Authenticator, Identity } from '../core/access.ts';

/** An authenticator that holds something open. */
export interface ClosableAuthenticator extends Authenticator {
  close(): void;
}

/** One authenticator, and what it is still asked. */
interface Generation {
  readonly authenticator: ClosableAuthenticator;
  asked: number;
  isOver: boolean;
}

export class CurrentAuthenticator implements ClosableAuthenticator {
  #current: Generation;

  constructor(authenticator: ClosableAuthenticator) {
    this.#current = { authenticator, asked: 0, isOver: false };
  }

  get admitsAnonymous(): boolean {
    return this.#current.authenticator.admitsAnonymous;
  }

  async authenticate(...asked: Parameters<Authenticator['authenticate']>): Promise<Identity> {
    const generation = this.#current;
    generation.asked += 1;
    try {
      return await generation.authenticator.authenticate(...asked);
    } finally {
      generation.asked -= 1;
      closeWhenDone(generation);
    }
  }

  /** The former one answers what it was asked, and is closed then. */
  replace(authenticator: ClosableAuthenticator): void {
    const former = this.#current;
    this.#current = { authenticator, asked: 0, isOver: false };
    former.isOver = true;
    closeWhenDone(former);
  }

  close(): void {
    this.#current.authenticator.close();
  }
}

function closeWhenDone({ authenticator, asked, isOver }: Generation): void {
  if (isOver && asked === 0) authenticator.close();
}
