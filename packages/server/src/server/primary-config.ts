/** The config of a server of several processes: the primary loads it, and either all workers take it over or none does. */
import { type CarriedConfig, carried } from '../config/carried.ts';
import { ConfigError } from '../config/faults.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { refuse } from '../core/errors.ts';
import { ConfigEverywhere, configOf } from '../workers/config.ts';
import type { LinkedWorker, Relay } from '../workers/relay.ts';
import { Reloading, type ReloadingParts } from './reloading.ts';

export interface PrimaryConfigParts extends Omit<ReloadingParts, 'prepare'> {
  readonly relay: Relay;
  /** The primary's own parts take it over; cannot fail. */
  readonly changed: (settings: Settings) => void;
}

/** What the primary offers each worker under the name `reloading`. */
export type ReloadingVerbs = Pick<Reloading, 'reload' | 'info' | 'report'>;

export class PrimaryConfig {
  readonly reloading: Reloading;
  readonly #parts: PrimaryConfigParts;
  readonly #workers: ConfigEverywhere<CarriedConfig>;

  constructor(loaded: LoadedConfig, parts: PrimaryConfigParts) {
    this.#parts = parts;
    this.#workers = new ConfigEverywhere(parts.relay);
    this.reloading = new Reloading(loaded, { ...parts, prepare: (next) => this.#prepare(next) });
  }

  /** What is in force, for a worker that begins. */
  get carried(): CarriedConfig {
    const { settings, generation } = this.reloading.inForce;
    return carried(settings, generation);
  }

  begun({ calls }: LinkedWorker): void {
    calls.offer<ReloadingVerbs>('reloading', this.reloading, ['reload', 'info', 'report']);
  }

  /**
   * Resolves, in the turn in which it is so, when a worker that began with this generation has what is in force.
   *
   * @throws {ReplyError} it cannot take it over.
   */
  async catchUp(worker: LinkedWorker, began: number): Promise<void> {
    const config = configOf<CarriedConfig>(worker);
    await this.reloading.settled();
    for (let has = began; has !== this.reloading.inForce.generation; await this.reloading.settled()) {
      const next = this.carried;
      const faults = await config.prepare(next);
      if (faults.length > 0) {
        throw refuse('notAvailable', `the config was loaded again meanwhile: ${faults.join(' ')}`);
      }
      await config.commit();
      has = next.generation;
    }
  }

  async #prepare(next: Settings): Promise<() => Promise<void>> {
    const workers = this.#workers;
    try {
      const faults = await workers.prepare(carried(next, this.reloading.attempt));
      if (faults.length > 0) throw new ConfigError(faults);
    } catch (error) {
      await workers.abandon().catch((cause: unknown) => this.#hung(cause));
      throw error;
    }
    return async () => {
      const committed = workers.commit();
      this.#parts.changed(next);
      await committed.catch((cause: unknown) => this.#hung(cause));
    };
  }

  /** It does what it was told as soon as it goes on, before anything else. */
  #hung(error: unknown): void {
    this.#parts.log.warn('a worker has not answered about another config', { error });
  }
}
