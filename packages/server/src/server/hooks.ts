/** The hooks of a server, made of its settings. */
import { readUrlHook } from '../config/hooks.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Publisher } from '../core/publisher.ts';
import { HookRuntime } from '../hooks/runtime.ts';
import type { HookSettings } from '../hooks/source.ts';
import { HookLoadFault } from '../hooks/thread.ts';
import { apiInside } from '../http/api/inside.ts';
import type { Verbs } from '../http/api/method.ts';
import type { Calls } from '../link/calls.ts';
import { SystemClock } from '../system/clock.ts';
import { OfferedHooks } from '../workers/hooks.ts';

/** Hooks that cannot be used at the start. */
export class HooksUnusable extends Error {
  readonly code = 'ERR_HOOKS_UNUSABLE';

  constructor(reason: string) {
    super(reason);
    this.name = 'HooksUnusable';
  }
}

/** Nothing is loaded yet. */
export function createHooks(settings: Settings, clock: Clock, log: Log): HookRuntime {
  return new HookRuntime(hookSettings(settings), { clock, log, readUrlHook });
}

export function hookSettings({ hooks, limits }: Settings): HookSettings {
  return { ...hooks, memoryBytes: limits.hookMemoryBytes };
}

/** `calls`: of a worker, whose primary is offered the hooks. @throws {HooksUnusable} with one sentence. */
export async function startHooks(
  hooks: HookRuntime,
  { hooks: { source } }: Settings,
  node: Publisher,
  verbs: Verbs,
  log: Log,
  calls?: Calls,
): Promise<OfferedHooks | undefined> {
  // What a hook publishes is the server's own: asked about it, it could ask for ever.
  const publish: Verbs['publish'] = (channel, data, options) => node.publish(channel, data, options, 'hook');
  try {
    await hooks.start(apiInside({ ...verbs, publish }, log));
    return calls && new OfferedHooks(calls, hooks);
  } catch (error) {
    if (!(error instanceof HookLoadFault)) throw error;
    throw new HooksUnusable(
      `hooks: ${source.module?.path ?? 'the config'} cannot be loaded: ${error.message}.`,
    );
  }
}

/** Loads the hooks of a config once, and tells which there are; undefined where it has none. @throws {HooksUnusable} */
export async function probeHooks(settings: Settings): Promise<readonly string[] | undefined> {
  const { module, urls } = settings.hooks.source;
  if (module === undefined) return urls === undefined ? undefined : [...urls.keys()];
  const hooks = createHooks(settings, new SystemClock(), silent);
  try {
    const loaded = await hooks.reload();
    if (loaded.ok) return loaded.names;
    throw new HooksUnusable(`hooks: ${module.path} cannot be loaded: ${loaded.reason}.`);
  } finally {
    await hooks.close(0);
  }
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
