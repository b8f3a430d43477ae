/** A server of several processes: what the first of them has for all, and the workers that it looks after. */
import { LinkHost } from '../brokers/link/host.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Broker } from '../core/broker.ts';
import type { Clock } from '../core/clock.ts';
import { type Counters, createCounters } from '../core/figures.ts';
import type { Keep } from '../core/keep.ts';
import { Lifecycle } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import { Rules } from '../core/rules.ts';
import { createStores, type Stores } from '../core/stores.ts';
import { type Beginning, type LinkedProcess, spawnWorker } from '../supervisor/process.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { SystemClock } from '../system/clock.ts';
import { version } from '../system/version.ts';
import { SharedGroups } from '../workers/groups.ts';
import { WorkersHooks } from '../workers/hooks.ts';
import { type LinkedWorker, Relay } from '../workers/relay.ts';
import { createBroker } from './broker.ts';
import { freeAddresses } from './free-address.ts';
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
  /** What is kept about users and groups, for all workers; loaded before the first of them begins. */
  readonly stores: Stores;
  /** As the workers have them; a reload changes both. */
  readonly rules: Rules;
  readonly relay: Relay;
  /** Of the workers, of which one is asked. */
  readonly hooks: WorkersHooks;
  /** For what is decided here: to the hooks of one worker. */
  readonly lifecycle: Lifecycle;
  /** Of what happens here; those of the workers are added to them. */
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
}

/** Something that the primary has for all workers. */
export interface Shared {
  /** Takes over what was kept, before the first worker begins. */
  start?(): Promise<void>;
  /** A worker begins: what it may ask for is offered before it asks. */
  begun(worker: LinkedWorker): void;
  /** A worker is gone, and all that it had with it. */
  gone(worker: number): void;
  /** The workers are gone, and the broker is not yet. */
  close?(): void;
}

/** How many processes serve; one serves without a primary. */
export function workerCount({ workers }: Settings): number {
  return workers === 'auto' ? 1 : workers;
}

/** How much longer than `drain` a worker may take to end. */
const farewellMs = 2_000;

export async function startPrimary(
  { settings }: LoadedConfig,
  log: Log,
  { takeover, flags }: ServerControls,
): Promise<RunningServer> {
  const parts = await createParts(settings, log);
  const { broker, clock } = parts;
  const host = new LinkHost(broker, log);
  const { dataDir } = settings;
  if (dataDir === undefined) await host.start();
  else await openDataDir(dataDir, takeover, () => host.start());
  const shared = sharedBy(parts);
  await parts.stores.load();
  for (const each of shared) await each.start?.();
  const addresses = await freeAddresses(settings);
  const supervisor = new Supervisor({
    count: workerCount(settings),
    retireMs: settings.drainMs + farewellMs,
    clock,
    log,
    spawn: (id) =>
      startWorker({ id, version: version(), flags, generation: 0, ...addresses }, parts, host, shared),
  });
  try {
    await supervisor.start();
  } catch (error) {
    await host.close();
    throw error;
  }
  // Where every worker has died, nothing else keeps this process from ending before the next ones come.
  const alive = setInterval(() => {}, 60_000);
  const { listen, apiListen = listen } = addresses;
  return {
    url: urlOf(listen),
    apiUrl: urlOf(apiListen),
    ...listen,
    development: settings.development,
    reload: () => Promise.reject(new Error('several workers do not reload yet')),
    abandon: async () => {},
    workers: workerCount(settings),
    replaceWorkers: () => supervisor.replaceAll(),
    close: once(async () => {
      clearInterval(alive);
      await supervisor.close();
      for (const each of shared) each.close?.();
      await host.close();
    }),
  };
}

async function createParts(settings: Settings, log: Log): Promise<PrimaryParts> {
  const clock = new SystemClock();
  const { broker, keep } = await createBroker(settings, clock, log);
  const counters = createCounters();
  const hooks = new WorkersHooks();
  return {
    settings,
    broker,
    ...(keep !== undefined && { keep }),
    stores: createStores(keep, clock, counters),
    rules: new Rules(rulesOf(settings)),
    relay: new Relay(clock),
    hooks,
    lifecycle: new Lifecycle([hooks]),
    counters,
    clock,
    log,
  };
}

function sharedBy({ hooks, stores, clock }: PrimaryParts): readonly Shared[] {
  return [hooks, new SharedGroups(stores.groups, clock)];
}

function startWorker(
  beginning: Beginning,
  { relay, clock, log }: PrimaryParts,
  host: LinkHost,
  shared: readonly Shared[],
): LinkedProcess {
  const failed = (call: string, error: unknown): void =>
    log.error('a question of a worker failed', { call, error });
  return spawnWorker({ beginning, clock, failed }, ({ stream, calls }) => {
    const worker = { id: beginning.id, calls };
    const verbs: PrimaryVerbs = { serving: () => relay.join(worker) };
    calls.offer('primary', verbs, ['serving']);
    host.accept(stream);
    relay.serve(worker);
    for (const each of shared) each.begun(worker);
    stream.onEnded(() => {
      relay.leave(worker.id);
      for (const each of shared) each.gone(worker.id);
    });
  });
}
