/** A server of several processes: what the first of them has for all, and the workers that it looks after. */
import { createServer } from 'node:net';
import { LinkHost } from '../brokers/link/host.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import { type Counters, createCounters } from '../core/figures.ts';
import type { Keep } from '../core/keep.ts';
import type { Log } from '../core/log.ts';
import { Rules } from '../core/rules.ts';
import type { ListenAddress } from '../http/listener.ts';
import { spawnWorker } from '../supervisor/process.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { SystemClock } from '../system/clock.ts';
import { version } from '../system/version.ts';
import { type LinkedWorker, Relay } from '../workers/relay.ts';
import { createBroker } from './broker.ts';
import type { PrimaryVerbs } from './home.ts';
import { once } from './once.ts';
import { rulesOf } from './rules.ts';
import type { RunningServer, ServerControls } from './running.ts';
import { openDataDir } from './takeover.ts';
import { urlOf } from './url.ts';

/** What the parts of a primary are made of. */
export interface PrimaryParts {
  readonly settings: Settings;
  /** The one that keeps everything; workers reach it over their links. */
  readonly broker: Broker;
  /** Where small facts outlive the process; absent: nowhere. */
  readonly keep?: Keep;
  /** As the workers have them; a reload changes both. */
  readonly rules: Rules;
  readonly relay: Relay;
  /** Of what happens here; those of the workers are added to them. */
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
}

/** Something that the primary has for all workers. */
export interface Shared {
  /** A worker begins: what it may ask for is offered before it asks. */
  begun(worker: LinkedWorker): void;
  /** A worker is gone, and all that it had with it. */
  gone(worker: number): void;
}

/** How many processes serve; one serves without a primary. */
export function workerCount({ workers }: Settings): number {
  return workers === 'auto' ? 1 : workers;
}

/** How much longer than `drain` a worker may take to end. */
const farewellMs = 2_000;

export async function startPrimary(
  loaded: LoadedConfig,
  log: Log,
  { takeover, flags }: ServerControls,
): Promise<RunningServer> {
  const { settings } = loaded;
  const clock = new SystemClock();
  const { broker, keep } = await createBroker(settings, clock, log);
  const host = new LinkHost(broker, log);
  const { dataDir } = settings;
  if (dataDir === undefined) await host.start();
  else await openDataDir(dataDir, takeover, () => host.start());
  const relay = new Relay(clock);
  const parts: PrimaryParts = {
    settings,
    broker,
    ...(keep !== undefined && { keep }),
    rules: new Rules(rulesOf(settings)),
    relay,
    counters: createCounters(),
    clock,
    log,
  };
  const shared = sharedBy(parts);
  const [listen, apiListen] = await freeAddresses(settings);
  const failed = (call: string, error: unknown): void =>
    log.error('a question of a worker failed', { call, error });
  const supervisor = new Supervisor({
    count: workerCount(settings),
    retireMs: settings.drainMs + farewellMs,
    clock,
    log,
    spawn: (id) => {
      const beginning = {
        id,
        version: version(),
        flags,
        generation: 0,
        listen,
        ...(apiListen !== undefined && { apiListen }),
      };
      const worker = spawnWorker({ beginning, clock, failed }, ({ stream, calls }) => {
        const linked = { id, calls };
        const verbs: PrimaryVerbs = { serving: () => relay.join(linked) };
        calls.offer('primary', verbs, ['serving']);
        host.accept(stream);
        relay.serve(linked);
        for (const each of shared) each.begun(linked);
        stream.onEnded(() => {
          relay.leave(id);
          for (const each of shared) each.gone(id);
        });
      });
      return worker;
    },
  });
  try {
    await supervisor.start();
  } catch (error) {
    await host.close();
    throw error;
  }
  return {
    url: urlOf(listen),
    apiUrl: urlOf(apiListen ?? listen),
    port: listen.port,
    host: listen.host,
    development: settings.development,
    reload: () => Promise.reject(new Error('not yet')),
    abandon: () => {},
    replaceWorkers: () => supervisor.replaceAll(),
    close: once(async () => {
      await supervisor.close();
      await host.close();
    }),
  };
}

function sharedBy(_parts: PrimaryParts): readonly Shared[] {
  return [];
}

/**
 * What the workers will listen on together. It is listened on once without sharing: several may share an address that another
 * program has shared too, and would never hear of it.
 *
 * @throws {Error} with a `code` as node:net gives it.
 */
async function freeAddresses({
  host,
  port,
  api,
}: Settings): Promise<[ListenAddress, ListenAddress | undefined]> {
  const apiListen = api.listen === undefined ? undefined : await tried(api.listen);
  return [await tried({ host, port }), apiListen];
}

function tried({ host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ host, port }, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve({ host, port: found }));
    });
  });
}
