/** The core of a server and what it is told by, made of the settings. */
import { createAuthenticator } from '../auth/authenticator.ts';
import { CurrentAuthenticator } from '../auth/current.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { Node } from '../core/node.ts';
import { Rules } from '../core/rules.ts';
import type { HookRuntime } from '../hooks/runtime.ts';
import { ClientAddresses } from '../http/address.ts';
import { randomId } from '../system/ids.ts';
import { LinkedWebhooks } from '../workers/webhooks.ts';
import { createBroker } from './broker.ts';
import { type Counting, countingOf } from './counting.ts';
import { linkedParts, type WorkerHome } from './home.ts';
import { createHooks } from './hooks.ts';
import { nodeLimits } from './node-limits.ts';
import { rulesOf } from './rules.ts';
import { openDataDir, type Takeover } from './takeover.ts';
import { type ServerWebhooks, startWebhooks } from './webhooks.ts';

export interface Core {
  readonly node: Node;
  readonly rules: Rules;
  readonly authenticator: CurrentAuthenticator;
  /** Nothing is loaded yet. */
  readonly hooks: HookRuntime;
  readonly webhooks: ServerWebhooks;
  /** Which proxies are believed; a reload may change that. */
  readonly addresses: ClientAddresses;
  readonly counting: Counting;
}

/** The node has started. */
export async function startCore(
  settings: Settings,
  clock: Clock,
  log: Log,
  place: { readonly takeover?: Takeover; readonly home?: WorkerHome },
): Promise<Core> {
  const { takeover, home } = place;
  const parts =
    home === undefined
      ? { ...(await createBroker(settings, clock, log)), newSessionId: randomId }
      : linkedParts(home, clock);
  const hooks = createHooks(settings, clock, log);
  const judge = await createAuthenticator(settings.auth, { clock, log, hooks });
  const authenticator = new CurrentAuthenticator(judge);
  const rules = new Rules(rulesOf(settings));
  const addresses = new ClientAddresses(settings.trustProxy);
  const counting = countingOf(settings, home);
  const webhooks =
    home === undefined ? startWebhooks(settings, clock, log) : await LinkedWebhooks.start(home.calls);
  const node = new Node({
    ...parts,
    rules,
    authenticator,
    clock,
    log,
    hooks,
    lifecycle: [hooks, webhooks],
    ...nodeLimits(settings, counting.rates, addresses),
  });
  const { dataDir } = settings;
  if (dataDir === undefined || home !== undefined) await node.start();
  else await openDataDir(dataDir, takeover, () => node.start());
  return { node, rules, authenticator, hooks, webhooks, addresses, counting };
}
