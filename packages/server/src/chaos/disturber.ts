/** Carries out the disturbances of a plan, one after another. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disturbance } from './plan.ts';
import type { CuttingProxy } from './proxy.ts';
import type { ServerProcess } from './server-process.ts';

export type Done = Readonly<Record<Disturbance['kind'], number>>;

export class Disturber {
  readonly #server: ServerProcess;
  readonly #proxy: CuttingProxy;
  readonly #done = { kill: 0, restart: 0, takeover: 0, pause: 0, cut: 0 };

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
    }
  }
}
