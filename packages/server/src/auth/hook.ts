/** Tokens that the application's own hook judges. */
import type { Identity, TokenAsker } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import { factsOf } from '../core/hook-facts.ts';
import type { Hooks } from '../core/hooks.ts';
import type { Authority } from './authority.ts';

export class HookTokens implements Authority {
  readonly #hooks: Hooks;
  readonly #clock: Clock;

  constructor(hooks: Hooks, clock: Clock) {
    this.#hooks = hooks;
    this.#clock = clock;
  }

  async authenticate(token: string, asker?: TokenAsker): Promise<Identity> {
    if (!this.#hooks.has('auth')) throw refuse('unauthorized');
    const { session, identity, device, address = '', headers = {} } = asker ?? {};
    const found = await this.#hooks.ask('auth', {
      ...(session !== undefined && { session }),
      ...(identity !== undefined && factsOf(identity)),
      ...(device !== undefined && { device }),
      address,
      headers,
      token,
    });
    if (found === undefined) throw refuse('unauthorized');
    const { expiresAt } = found;
    if (expiresAt !== undefined && expiresAt <= this.#clock.now()) throw refuse('tokenExpired');
    return found;
  }
}
