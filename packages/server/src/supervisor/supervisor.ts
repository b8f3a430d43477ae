/** Keeps the workers of a server alive: starts them, replaces those that die, replaces all one after another, ends them. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';

/** A worker's process, from its first moment on. */
export interface WorkerProcess {
  readonly id: number;
  readonly pid: number | undefined;
  /** Resolves when it serves; rejects with the reason why it does not. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone, with a sentence of how it went. Never rejects. */
  readonly gone: Promise<string>;
  /** Stops accepting, has its clients leave within `drain`, and ends by itself. */
  retire(): void;
  /** Ends it at once. */
  kill(): void;
}

export interface SupervisorOptions {
  readonly count: number;
  /** Each gets a number of its own, which none had before. */
  readonly spawn: (id: number) => WorkerProcess;
  /** How long one that retires may take before it is killed, in milliseconds. */
  readonly retireMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a worker's process is for; one place is filled again when its worker is gone. */
interface Place {
  worker: WorkerProcess | undefined;
  /** Deaths that followed each other soon. */
  deaths: number;
  cancelRestart: (() => void) | undefined;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[];
  #lastId = 0;
  #restarts = 0;
  #isClosing = false;
  #rolling: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, () => ({
      worker: undefined,
      deaths: 0,
      cancelRestart: undefined,
    }));
  }

  /** How often a worker that died was replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Resolves when all workers serve. @throws {Error} the reason why the first one cannot; all are ended then. */
  async start(): Promise<void> {
    const started = this.#places.map((place) => {
      const worker = this.#spawn();
      place.worker = worker;
      return worker;
    });
    try {
      await Promise.all(started.map(({ ready }) => ready));
    } catch (error) {
      this.#isClosing = true;
      for (const worker of started) worker.kill();
      await Promise.all(started.map(({ gone }) => gone));
      throw error;
    }
    for (const place of this.#places) this.#watch(place);
  }

  /**
   * Puts a new worker in the place of each, one after another: the new one serves before the old one begins to end. Where a new
   * one does not start, it stays with the old ones that are left. A wish that comes meanwhile is the same one.
   */
  replaceAll(): Promise<void> {
    this.#rolling ??= this.#replaceAll().finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Has every worker end, and resolves when all have. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const place of this.#places) place.cancelRestart?.();
    const workers = this.#places.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
    await Promise.all(workers.map((worker) => this.#retire(worker)));
  }

  async #replaceAll(): Promise<void> {
    const { log } = this.#options;
    for (const place of this.#places) {
      if (this.#isClosing) return;
      const { worker: old } = place;
      // Its place is being filled as it is.
      if (old === undefined) continue;
      const worker = this.#spawn();
      try {
        await worker.ready;
      } catch (error) {
        log.error('a new worker does not start, so the others stay', {
          worker: worker.id,
          reason: reasonOf(error),
        });
        worker.kill();
        return;
      }
      if (this.#isClosing) {
        await this.#retire(worker);
        return;
      }
      place.worker = worker;
      this.#watch(place);
      log.info('a worker is replaced', { worker: old.id, by: worker.id });
      await this.#retire(old);
    }
    log.info('all workers were replaced');
  }

  async #retire(worker: WorkerProcess): Promise<void> {
    const { clock, retireMs, log } = this.#options;
    worker.retire();
    const cancel = clock.after(retireMs, () => {
      log.warn('a worker did not end in time and is killed', { worker: worker.id });
      worker.kill();
    });
    await worker.gone;
    cancel();
  }

  #spawn(): WorkerProcess {
    this.#lastId += 1;
    const worker = this.#options.spawn(this.#lastId);
    // Whoever waits for it hears of it, too.
    worker.ready.catch(() => undefined);
    return worker;
  }

  /** Replaces the place's worker if it goes while it is the place's. */
  #watch(place: Place): void {
    const { clock, log } = this.#options;
    const { worker } = place;
    if (worker === undefined) return;
    const since = clock.now();
    void worker.gone.then((how) => {
      if (place.worker !== worker || this.#isClosing) return;
      place.worker = undefined;
      place.deaths = clock.now() - since >= limits.workerSettledMs ? 1 : place.deaths + 1;
      const waitMs = backoffOf(place.deaths);
      log.error('a worker died and is replaced', { worker: worker.id, pid: worker.pid, reason: how, waitMs });
      place.cancelRestart = clock.after(waitMs, () => void this.#refill(place));
    });
  }

  async #refill(place: Place): Promise<void> {
    const { clock, log } = this.#options;
    if (this.#isClosing) return;
    this.#restarts += 1;
    const worker = this.#spawn();
    place.worker = worker;
    try {
      await worker.ready;
      this.#watch(place);
    } catch (error) {
      worker.kill();
      await worker.gone;
      place.worker = undefined;
      if (this.#isClosing) return;
      place.deaths += 1;
      const waitMs = backoffOf(place.deaths);
      log.error('a worker does not start and is tried again', {
        worker: worker.id,
        reason: reasonOf(error),
        waitMs,
      });
      place.cancelRestart = clock.after(waitMs, () => void this.#refill(place));
    }
  }
}

function backoffOf(deaths: number): number {
  return Math.min(limits.longestWorkerBackoffMs, limits.workerBackoffMs * 2 ** (deaths - 1));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
