/** Another config for a server that runs: what can change does, and where anything is wrong everything stays as it was. */
import { isoTime, limits } from '@carillon/protocol';
import { ConfigError } from '../config/faults.ts';
import { planReload, type Standing } from '../config/live.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

export interface ReloadReport {
  /** Paths of the values that changed, as the config writes them. */
  readonly changed: readonly string[];
  /** Paths of the values that would change with a restart. */
  readonly restart: readonly string[];
  /** How many more there are, where there are too many to be named. */
  readonly more?: number;
}

export interface ReloadingParts {
  /** Reads the config as it was read at the start. `generation`: how often that was done before. @throws {ConfigError} */
  readonly load: (generation: number) => Promise<LoadedConfig>;
  /** Does everything that can fail, and returns what is left to do, which cannot. @throws {ConfigError} */
  readonly prepare: (next: Settings, before: Settings) => Promise<() => Promise<void> | void>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ReloadFigures {
  /** When the config that is in force was loaded, in milliseconds since the Unix epoch. */
  readonly loadedAt: number;
  /** The last attempt found faults. */
  readonly isFailing: boolean;
  readonly succeeded: number;
  readonly failed: number;
}

export class Reloading {
  readonly #parts: ReloadingParts;
  #standing: Standing;
  #file: string | undefined;
  #notes: readonly string[];
  #restart: readonly string[] = [];
  #loadedAt: number;
  #failing: { readonly at: number; readonly faults: readonly string[] } | undefined;
  #generation = 0;
  #inForceGeneration = 0;
  #succeeded = 0;
  #failed = 0;
  #running: Promise<unknown> = Promise.resolve();
  /** The one that comes after the one that is running: whoever asks meanwhile gets the same. */
  #next: Promise<ReloadReport> | undefined;

  constructor(loaded: LoadedConfig, parts: ReloadingParts) {
    this.#parts = parts;
    this.#standing = loaded;
    this.#file = loaded.file;
    this.#notes = loaded.notes;
    this.#loadedAt = parts.clock.now();
  }

  /** @throws {ReplyError} 107 the config has faults, all of which are named; nothing has changed. */
  reload(): Promise<ReloadReport> {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        const report = this.#reload();
        this.#running = report;
        return report;
      });
    return this.#next;
  }

  /** What is in force, and how many were tried before it. */
  get inForce(): { readonly settings: Settings; readonly generation: number } {
    return { settings: this.#standing.settings, generation: this.#inForceGeneration };
  }

  /** How often it was loaded again, or tried to. */
  get attempt(): number {
    return this.#generation;
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    for (let last: Promise<unknown> | undefined; last !== this.#running; ) {
      last = this.#running;
      await (this.#next ?? last).catch(() => undefined);
    }
  }

  /** As {@link figures}, for those that can only call. */
  report(): ReloadFigures {
    return this.figures;
  }

  get figures(): ReloadFigures {
    return {
      loadedAt: this.#loadedAt,
      isFailing: this.#failing !== undefined,
      succeeded: this.#succeeded,
      failed: this.#failed,
    };
  }

  /** What `info` tells. */
  info(): object {
    const { at, faults } = this.#failing ?? {};
    return {
      ...(this.#file !== undefined && { file: this.#file }),
      loadedAt: isoTime(this.#loadedAt),
      ...(this.#restart.length > 0 && { restart: this.#restart.slice(0, limits.listedChanges) }),
      ...(at !== undefined &&
        faults !== undefined && { failing: { time: isoTime(at), faults: named(faults) } }),
    };
  }

  async #reload(): Promise<ReloadReport> {
    this.#generation += 1;
    try {
      const report = await this.#replace(await this.#parts.load(this.#generation));
      this.#succeeded += 1;
      return report;
    } catch (error) {
      this.#failed += 1;
      throw this.#refused(error);
    }
  }

  async #replace(loaded: LoadedConfig): Promise<ReloadReport> {
    const { prepare, clock, log } = this.#parts;
    const before = this.#standing;
    const { standing, changed, restart } = planReload(before, loaded);
    const apply = await prepare(standing.settings, before.settings);
    await apply();
    for (const note of loaded.notes) if (!this.#notes.includes(note)) log.warn(note);
    this.#standing = standing;
    this.#inForceGeneration = this.#generation;
    this.#notes = loaded.notes;
    this.#file = loaded.file;
    this.#restart = restart;
    this.#loadedAt = clock.now();
    this.#failing = undefined;
    const report = bounded(changed, restart);
    log.info('the config was loaded again', { file: loaded.file, ...report });
    if (restart.length > 0) {
      log.warn('some of the config takes effect with a restart only', { restart: report.restart });
    }
    return report;
  }

  #refused(error: unknown): unknown {
    const { clock, log } = this.#parts;
    const faults =
      error instanceof ConfigError ? error.faults : ['a fault of the server; its log has the cause'];
    this.#failing = { at: clock.now(), faults };
    const shown = named(faults);
    const file = error instanceof ConfigError ? error.file : this.#file;
    log.error('the config was not loaded again, and the one before stays in force', {
      file,
      faults: shown,
      ...(!(error instanceof ConfigError) && { error }),
    });
    if (!(error instanceof ConfigError)) return error;
    return refuse(
      'badRequest',
      `${file ?? 'the config'} cannot be used, and nothing has changed: ${shown.join(' ')}`,
    );
  }
}

/** As many as one can mend at a time. */
function named(faults: readonly string[]): readonly string[] {
  const shown = faults
    .slice(0, limits.namedFaults)
    .map((fault) => (/[.!?]$/.test(fault) ? fault : `${fault}.`));
  return faults.length > shown.length ? [...shown, `And ${faults.length - shown.length} more.`] : shown;
}

function bounded(changed: readonly string[], restart: readonly string[]): ReloadReport {
  const shown = {
    changed: changed.slice(0, limits.listedChanges),
    restart: restart.slice(0, limits.listedChanges),
  };
  const more = changed.length + restart.length - shown.changed.length - shown.restart.length;
  return more === 0 ? shown : { ...shown, more };
}
