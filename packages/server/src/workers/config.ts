/** Another config for all workers: each does what may fail, and only when all have done so, all take it over. */
import { limits } from '@carillon/protocol';
import type { Calls, Remote } from '../link/calls.ts';
import type { Everywhere, LinkedWorker, Relay } from './relay.ts';

/** What a worker offers its primary under the name `config`. `Config` is such that it can be sent. */
export interface ConfigVerbs<Config> {
  /** Does everything that can fail; the faults, of which there are none where it is ready. Nothing has changed then. */
  prepare(config: Config): Promise<readonly string[]>;
  /** Takes over what was prepared last. */
  commit(): Promise<void>;
  /** Forgets it. What is being prepared is forgotten as soon as it is ready. */
  abandon(): Promise<void>;
}

const name = 'config';

/** Hooks may be loaded for so long, and then it must be said. */
const preparedWithinMs = limits.hookLoadMs + limits.workerAnswerMs;

export function offerConfig<Config>(calls: Calls, verbs: ConfigVerbs<Config>): void {
  calls.offer<ConfigVerbs<Config>>(name, verbs, ['prepare', 'commit', 'abandon']);
}

/** One worker's. */
export function configOf<Config>({ calls }: LinkedWorker): Remote<ConfigVerbs<Config>> {
  return calls.remote<ConfigVerbs<Config>>(name);
}

/** All workers', as one. */
export class ConfigEverywhere<Config> {
  readonly #everywhere: Everywhere<ConfigVerbs<Config>>;
  readonly #patiently: Everywhere<ConfigVerbs<Config>>;

  constructor(relay: Relay) {
    this.#everywhere = relay.all(name);
    this.#patiently = relay.all(name, preparedWithinMs);
  }

  /** The faults of all workers, each once. Rejects where a worker cannot answer. In either case all have to abandon it. */
  async prepare(config: Config): Promise<readonly string[]> {
    const faults = await this.#patiently.prepare(config);
    return [...new Set(faults.flat())];
  }

  /** Rejects where a worker is late: it takes it over when it goes on, because it was told to. */
  async commit(): Promise<void> {
    await this.#patiently.commit();
  }

  async abandon(): Promise<void> {
    await this.#everywhere.abandon();
  }
}
