/** A worker's part in another config: the primary says what it is, and when it is in force. */
import { type CarriedConfig, restored } from '../config/carried.ts';
import { ConfigError } from '../config/faults.ts';
import type { Settings } from '../config/settings.ts';
import { refuse } from '../core/errors.ts';
import type { ConfigVerbs } from '../workers/config.ts';
import type { PreparedChange } from './reconfiguration.ts';
import type { ReloadingParts } from './reloading.ts';

export interface WorkerConfigParts {
  readonly load: ReloadingParts['load'];
  /** What makes one set of settings another. @throws {ConfigError} */
  readonly prepare: (next: Settings, before: Settings) => Promise<PreparedChange>;
}

interface Ready {
  readonly settings: Settings;
  readonly change: PreparedChange;
}

export class WorkerConfig implements ConfigVerbs<CarriedConfig> {
  readonly #parts: WorkerConfigParts;
  #settings: Settings;
  /** What is being prepared, or was last: undefined where it was not good. */
  #ready: Promise<Ready | undefined> = Promise.resolve(undefined);

  /** `settings`: those that are in force. */
  constructor(settings: Settings, parts: WorkerConfigParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  async prepare(config: CarriedConfig): Promise<readonly string[]> {
    // What comes next, perhaps in this turn, is about this one.
    const ready = this.abandon().then(() => this.#prepare(config));
    this.#ready = ready.catch(() => undefined);
    try {
      await ready;
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.faults;
      throw error;
    }
  }

  async commit(): Promise<void> {
    const ready = await this.#take();
    if (ready === undefined) throw refuse('notAvailable', 'no config was prepared');
    this.#settings = ready.settings;
    await ready.change.commit();
  }

  async abandon(): Promise<void> {
    const ready = await this.#take();
    await ready?.change.abandon();
  }

  #take(): Promise<Ready | undefined> {
    const ready = this.#ready;
    this.#ready = Promise.resolve(undefined);
    return ready;
  }

  async #prepare(config: CarriedConfig): Promise<Ready> {
    const settings = await restored(config, this.#parts.load);
    return { settings, change: await this.#parts.prepare(settings, this.#settings) };
  }
}
