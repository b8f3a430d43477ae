/** Puts together who is asked about a token: the config's own list, then its keys for JWTs, then the hook, then the backend. */

import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { Hooks } from '../core/hooks.ts';
import type { Log } from '../core/log.ts';
import { Authorities, type Authority } from './authority.ts';
import { type CallbackOptions, CallbackTokens } from './callback.ts';
import { FixedTokens } from './fixed-tokens.ts';
import { HookTokens } from './hook.ts';
import type { JwtOptions } from './jwt.ts';

export interface AuthOptions {
  /** Whether a client without a token may use what rules open to `anyone`. */
  readonly anonymous: boolean;
  readonly tokens: ReadonlyMap<string, Identity>;
  readonly jwt?: JwtOptions;
  readonly callback?: CallbackOptions;
}

export async function createAuthenticator(
  { anonymous, tokens, jwt, callback }: AuthOptions,
  { clock, log, hooks }: { readonly clock: Clock; readonly log: Log; readonly hooks?: Hooks },
): Promise<Authorities> {
  const authorities: Authority[] = [new FixedTokens(tokens, anonymous)];
  if (jwt !== undefined) {
    // Loaded where it is used.
    const { JwtTokens } = await import('./jwt.ts');
    authorities.push(new JwtTokens(jwt, clock, log));
  }
  if (hooks !== undefined) authorities.push(new HookTokens(hooks, clock));
  if (callback !== undefined) authorities.push(new CallbackTokens(callback, clock, log));
  return new Authorities(authorities, anonymous);
}
