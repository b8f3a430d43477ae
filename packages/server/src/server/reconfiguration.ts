/** Which parts of a running server take over which settings. */
import { isDeepStrictEqual } from 'node:util';
import { createAuthenticator } from '../auth/authenticator.ts';
import { ConfigError } from '../config/faults.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { HttpServers } from '../http/servers.ts';
import type { Core } from './core.ts';
import { hookSettings } from './hooks.ts';
import { rulesOf } from './rules.ts';

export interface ChangingParts extends Core {
  readonly servers: HttpServers;
  readonly setLogLevel: (level: Settings['log']['level']) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A change of which everything that can fail is done. Nothing has changed yet. One of the two is to be called, once. */
export interface PreparedChange {
  commit(): Promise<void>;
  abandon(): Promise<void>;
}

/** @throws {ConfigError} the hooks cannot be loaded. */
export async function prepareChange(
  next: Settings,
  before: Settings,
  { authenticator, rules, node, hooks, servers, webhooks, setLogLevel, clock, log }: ChangingParts,
): Promise<PreparedChange> {
  // Keys of issuers and connections to backends are kept where nothing about them has changed.
  const judge = isDeepStrictEqual(next.auth, before.auth)
    ? undefined
    : await createAuthenticator(next.auth, { clock, log, hooks });
  const loaded = await hooks.prepare(hookSettings(next));
  if (!loaded.ok) {
    judge?.close();
    throw new ConfigError([
      `hooks: ${next.hooks.source.module?.path ?? 'the config'} cannot be loaded: ${loaded.reason}.`,
    ]);
  }
  const isRuledAnew =
    next.auth.anonymous !== before.auth.anonymous || !isDeepStrictEqual(next.channels, before.channels);
  return {
    async commit() {
      await loaded.commit();
      if (judge !== undefined) authenticator.replace(judge);
      rules.replace(rulesOf(next));
      node.configure(next.limits);
      servers.reconfigure(next);
      webhooks.replace(next.webhooks);
      setLogLevel(next.log.level);
      if (isRuledAnew) await node.reach.people.reconsider();
    },
    async abandon() {
      judge?.close();
      await loaded.abandon();
    },
  };
}
