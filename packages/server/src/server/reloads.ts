/** How a process comes to another config: by itself, or when its primary says so. */
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { offerConfig } from '../workers/config.ts';
import type { WorkerHome } from './home.ts';
import type { ReloadingVerbs } from './primary-config.ts';
import type { PreparedChange } from './reconfiguration.ts';
import { type ReloadFigures, Reloading, type ReloadingParts, type ReloadReport } from './reloading.ts';
import { WorkerConfig } from './worker-config.ts';

export interface Reloads {
  /** @throws {ReplyError} 107 the config has faults, and nothing has changed. */
  reload(): Promise<ReloadReport>;
  /** What `info` tells. */
  info(): object | Promise<object>;
  /** Absent in a worker: they are its primary's. */
  figures?(): ReloadFigures;
}

export interface ReloadsParts {
  readonly load: ReloadingParts['load'];
  /** @throws {ConfigError} */
  readonly prepare: (next: Settings, before: Settings) => Promise<PreparedChange>;
  readonly clock: Clock;
  readonly log: Log;
}

export function ownReloads(loaded: LoadedConfig, { prepare, ...parts }: ReloadsParts): Reloads {
  const reloading = new Reloading(loaded, {
    ...parts,
    prepare: async (next, before) => (await prepare(next, before)).commit,
  });
  return {
    reload: () => reloading.reload(),
    info: () => reloading.info(),
    figures: () => reloading.figures,
  };
}

/** `settings`: those that are in force. */
export function workerReloads(settings: Settings, { calls }: WorkerHome, parts: ReloadsParts): Reloads {
  offerConfig(calls, new WorkerConfig(settings, parts));
  return calls.remote<ReloadingVerbs>('reloading');
}
