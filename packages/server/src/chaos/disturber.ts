/** Carries out the disturbances of a plan, one after another. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disturbance, WorkerDisturbance } from './plan.ts';
import type { CuttingProxy } from './proxy.ts';
import { type ServerProcess, signal } from './server-process.ts';

export type Done = Readonly<Record<Disturbance['kind'], number>>;

export class Disturber {
  readonly #server: ServerProcess;
  readonly #proxy: CuttingProxy;
  readonly #done: Record<Disturbance['kind'], number> = {
    kill: 0,
    restart: 0,
    takeover: 0,
    pause: 0,
    cut: 0,
    'worker kill': 0,
    'worker pause': 0,
    'kill of all': 0,
    replacement: 0,
  };

  constructor(server: ServerProcess, proxy: CuttingProxy) {
    this.#server = server;
    this.#proxy = proxy;
  }

  /** What was done so far. */
  get done(): Done {
    return { ...this.#done };
  }

  /** Ends with a server that runs, `forMs` after the beginning or when the disturbance that was begun before is done; what is left then is left out. */
  async run(
    disturbances: readonly Disturbance[],
    forMs: number,
    onStep: (step: string) => void,
  ): Promise<void> {
    const started = Date.now();
    for (const disturbance of disturbances) {
      await sleep(disturbance.afterMs);
      if (Date.now() - started > forMs) break;
      onStep(disturbance.kind);
      await this.#disturb(disturbance);
      this.#done[disturbance.kind] += 1;
      // Where it ended by itself, that is noted already.
      await this.#server.start();
    }
    await sleep(Math.max(0, started + forMs - Date.now()));
    await this.#server.start();
  }

  async #disturbWorkers(disturbance: WorkerDisturbance): Promise<void> {
    const server = this.#server;
    if (disturbance.kind === 'replacement') return await server.replaceWorkers();
    const workers = await server.workers();
    if (disturbance.kind === 'kill of all') {
      await server.kill(workers);
      return await sleep(disturbance.downMs);
    }
    const worker = workers[disturbance.which % workers.length];
    if (worker === undefined) return;
    if (disturbance.kind === 'worker kill') return signal(worker, 'SIGKILL');
    signal(worker, 'SIGSTOP');
    await sleep(disturbance.forMs);
    signal(worker, 'SIGCONT');
  }

  async #disturb(disturbance: Disturbance): Promise<void> {
    const server = this.#server;
    switch (disturbance.kind) {
      case 'kill':
        await server.kill();
        for (const aliveMs of disturbance.again) {
          server.spawn();
          await sleep(aliveMs);
          await server.kill();
        }
        return await sleep(disturbance.downMs);
      case 'restart':
        await server.terminate();
        return await sleep(disturbance.downMs);
      case 'takeover':
        return await server.takeOver();
      case 'pause':
        server.pause();
        await sleep(disturbance.forMs);
        return server.resume();
      case 'cut':
        return this.#proxy.cut(disturbance);
      default:
        return await this.#disturbWorkers(disturbance);
    }
  }
}
