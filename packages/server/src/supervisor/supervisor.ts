/** Keeps the workers of a server alive: starts them, replaces those that die, replaces all one after another, ends them. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { Pause } from './pause.ts';
import { watchPulse } from './pulse.ts';

/** A worker's process, from its first moment on. */
export interface WorkerProcess {
  readonly id: number;
  readonly pid: number | undefined;
  /** Resolves when it serves; rejects with the reason why it does not. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone, with a sentence of how it went. Never rejects. */
  readonly gone: Promise<string>;
  /** Answered by its own loop: one that hangs does not. */
  ping(): Promise<void>;
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
  /** The one that serves. Absent while the place is being filled. */
  worker: WorkerProcess | undefined;
  /** Deaths that followed each other soon. */
  deaths: number;
  /** A new worker is about to take it from a living one. */
  isPassedOn: boolean;
  /** Before the next attempt to fill it. */
  readonly pause: Pause;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: readonly Place[];
  /** Every process that has not ended, whatever it is about to do. */
  readonly #alive = new Set<WorkerProcess>();
  /** Why this one killed a worker. */
  readonly #sentences = new WeakMap<WorkerProcess, string>();
  readonly #retiring = new WeakMap<WorkerProcess, Promise<void>>();
  #lastId = 0;
  #restarts = 0;
  #isClosing = false;
  #rolling: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, () => ({
      worker: undefined,
      deaths: 0,
      isPassedOn: false,
      pause: new Pause(options.clock),
    }));
  }

  /** How often a worker that died was replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Those that serve. */
  get serving(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ worker }) => (worker === undefined ? [] : [worker]));
  }

  /** Resolves when all workers serve. @throws {Error} the reason why the first one cannot; all are ended then. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#places.map(async (place) => this.#fill(place, await this.#newWorker())));
    } catch (error) {
      this.#isClosing = true;
      const all = [...this.#alive];
      for (const worker of all) worker.kill();
      await Promise.all(all.map(({ gone }) => gone));
      throw error;
    }
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

  /** Has every worker end, and resolves when all have: those too that start or retire just now. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { pause } of this.#places) pause.end();
    await Promise.all([...this.#alive].map((worker) => this.#retire(worker)));
  }

  async #replaceAll(): Promise<void> {
    for (const place of this.#places) {
      if (this.#isClosing) return;
      // An empty place is being filled as it is; it need not wait any longer.
      if (place.worker === undefined) place.pause.end();
      else if (!(await this.#passOn(place, place.worker))) return;
    }
    if (!this.#isClosing) this.#sayReplaced();
  }

  #sayReplaced(): void {
    const { log, count } = this.#options;
    const missing = count - this.serving.length;
    if (missing === 0) log.info('all workers were replaced');
    else log.warn('the workers that served were replaced, and others do not serve yet', { missing });
  }

  /** False where no new worker takes the place. */
  async #passOn(place: Place, old: WorkerProcess): Promise<boolean> {
    const { log } = this.#options;
    place.isPassedOn = true;
    try {
      const worker = await this.#newWorker();
      this.#fill(place, worker);
      log.info('a worker is replaced', { worker: old.id, by: worker.id });
    } catch (error) {
      if (!this.#isClosing)
        log.error('a new worker does not start, so the others stay', { reason: reasonOf(error) });
      return false;
    } finally {
      place.isPassedOn = false;
      if (place.worker === old && !this.#alive.has(old)) void this.#refill(place);
    }
    if (!this.#isClosing) await this.#retire(old);
    return true;
  }

  #retire(worker: WorkerProcess): Promise<void> {
    const retiring = this.#retiring.get(worker) ?? this.#retired(worker);
    this.#retiring.set(worker, retiring);
    return retiring;
  }

  async #retired(worker: WorkerProcess): Promise<void> {
    const { clock, retireMs, log } = this.#options;
    worker.retire();
    const cancel = clock.after(retireMs, () => {
      log.warn('a worker did not end in time and is killed', {
        worker: worker.id,
        process: worker.pid,
        retireMs,
      });
      worker.kill();
    });
    await worker.gone;
    cancel();
  }

  /** One that serves. @throws {Error} the reason why it does not; it is gone then. */
  async #newWorker(): Promise<WorkerProcess> {
    this.#lastId += 1;
    const worker = this.#options.spawn(this.#lastId);
    this.#alive.add(worker);
    void worker.gone.then(() => this.#alive.delete(worker));
    try {
      await worker.ready;
      return worker;
    } catch (error) {
      worker.kill();
      await worker.gone;
      throw error;
    }
  }

  /** From here on the place is this worker's: when it goes, another one comes. */
  #fill(place: Place, worker: WorkerProcess): void {
    const { clock } = this.#options;
    const since = clock.now();
    place.worker = worker;
    const stop = watchPulse(
      () => worker.ping(),
      clock,
      () => this.#killSilent(worker),
    );
    void worker.gone.then((how) => {
      stop();
      if (place.worker !== worker || this.#isClosing) return;
      place.deaths = clock.now() - since >= limits.workerSettledMs ? 1 : place.deaths + 1;
      const reason = [how, this.#sentences.get(worker)].filter((part) => part !== undefined).join(': ');
      this.#options.log.error('a worker died and is replaced', {
        worker: worker.id,
        process: worker.pid,
        reason,
        waitMs: backoffOf(place.deaths),
      });
      if (!place.isPassedOn) void this.#refill(place);
    });
  }

  #killSilent(worker: WorkerProcess): void {
    this.#sentences.set(worker, `it had not answered for ${limits.workerSilentMs} ms`);
    this.#options.log.error('a worker does not answer and is killed', {
      worker: worker.id,
      process: worker.pid,
      silentMs: limits.workerSilentMs,
    });
    worker.kill();
  }

  /** Tries until a worker serves in the place, and waits longer and longer in between. */
  async #refill(place: Place): Promise<void> {
    place.worker = undefined;
    while (!this.#isClosing) {
      await place.pause.take(backoffOf(place.deaths));
      if (this.#isClosing) return;
      try {
        const worker = await this.#newWorker();
        this.#fill(place, worker);
        this.#restarts += 1;
        this.#options.log.info('a worker serves again', { worker: worker.id, process: worker.pid });
        return;
      } catch (error) {
        place.deaths += 1;
        if (!this.#isClosing)
          this.#options.log.error('a worker does not start and is tried again', {
            worker: this.#lastId,
            reason: reasonOf(error),
            waitMs: backoffOf(place.deaths),
          });
      }
    }
  }
}

function backoffOf(deaths: number): number {
  return Math.min(limits.longestWorkerBackoffMs, limits.workerBackoffMs * 2 ** Math.max(0, deaths - 1));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
