/** A server of several processes: what the first of them has for all, and the workers that it looks after. */
import { limits } from '@carillon/protocol';
import { LinkHost } from '../brokers/link/host.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { createCounters } from '../core/figures.ts';
import type { Log } from '../core/log.ts';
import { Rules } from '../core/rules.ts';
import { createStores } from '../core/stores.ts';
import { Trail } from '../core/trail.ts';
import { type Beginning, type LinkedProcess, spawnWorker } from '../supervisor/process.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { SystemClock } from '../system/clock.ts';
import { version } from '../system/version.ts';
import { SharedGroups } from '../workers/groups.ts';
import { SharedHolds } from '../workers/holds.ts';
import { Relay } from '../workers/relay.ts';
import { SharedTakes } from '../workers/takes.ts';
import { SharedTrail } from '../workers/trail.ts';
import { Listeners, SharedAttendance } from './attendance.ts';
import { createBroker } from './broker.ts';
import { freeAddresses } from './free-address.ts';
import type { PrimaryVerbs } from './home.ts';
import { PrimaryIngest } from './ingest.ts';
import { once } from './once.ts';
import { PrimaryConfig } from './primary-config.ts';
import { primaryMonitoring } from './primary-monitoring.ts';
import { primaryPublisher } from './primary-publisher.ts';
import type { ReloadFigures } from './reloading.ts';
import { sharedDesk } from './rendezvous.ts';
import { rulesOf } from './rules.ts';
import type { RunningServer, ServerControls } from './running.ts';
import type { PrimaryParts, Shared } from './shared.ts';
import { sharedState } from './shared-state.ts';
import { openDataDir } from './takeover.ts';
import { urlOf } from './url.ts';
import { workerCount } from './worker-count.ts';

export type { PrimaryParts, Shared } from './shared.ts';

/** How much longer than `drain` a worker may take to end: as long as its own end does, and a moment. `serve` waits for more. */
const endingMs = limits.closingMs + Math.max(limits.hookFarewellMs, limits.webhookFarewellMs) + 500;

export async function startPrimary(
  loaded: LoadedConfig,
  log: Log,
  { takeover, flags, load, setLogLevel, aboutToServe }: ServerControls,
): Promise<RunningServer> {
  const { settings } = loaded;
  const parts = await createParts(settings, log);
  const { host, listeners, clock } = parts;
  const count = workerCount(settings);
  const reloads = (): ReloadFigures => config.reloading.figures;
  const monitoring = primaryMonitoring({ ...parts, count, reloads, supervisor: () => supervisor });
  const { dataDir } = settings;
  if (dataDir === undefined) await host.start(monitoring.sink);
  else await openDataDir(dataDir, takeover, () => host.start(monitoring.sink));
  const shared = [...sharedBy(parts), ...monitoring.shared];
  const changed = (next: Settings): void => {
    parts.rules.replace(rulesOf(next));
    setLogLevel(next.log.level);
    for (const each of shared) each.configured?.(next);
  };
  const config = new PrimaryConfig(loaded, { ...parts, load, changed });
  const { addresses, release } = await freeAddresses(settings);
  const supervisor = new Supervisor({
    count,
    retireMs: settings.drainMs + endingMs,
    clock,
    log,
    spawn: (id) => startWorker({ id, version: version(), flags, ...addresses }, parts, config, shared),
  });
  try {
    await parts.stores.load();
    for (const each of shared) await each.start?.();
    aboutToServe?.(count);
    await supervisor.start();
  } catch (error) {
    await closeAll(shared);
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
    reload: () => config.reloading.reload(),
    abandon: async () => {},
    workers: count,
    replaceWorkers: () => supervisor.replaceAll(),
    close: once(async () => {
      clearInterval(alive);
      listeners.hurry();
      await supervisor.close();
      release();
      await closeAll(shared);
      await host.close();
    }),
  };
}

async function createParts(settings: Settings, log: Log): Promise<PrimaryParts> {
  const clock = new SystemClock();
  const { broker, keep } = await createBroker(settings, clock, log);
  const counters = createCounters();
  const trail = new Trail(clock);
  const host = new LinkHost({ broker, clock, log, trail });
  const rules = new Rules(rulesOf(settings));
  const listeners = new Listeners(settings, clock, log);
  const { hooks, lifecycle } = listeners;
  const { graceMs } = settings.presence;
  return {
    settings,
    broker,
    ...(keep !== undefined && { keep }),
    stores: createStores(keep, clock, counters),
    rules,
    relay: new Relay(clock),
    listeners,
    hooks,
    lifecycle,
    attendance: new SharedAttendance({ graceMs, host, rules, lifecycle, counters, clock }),
    host,
    counters,
    trail,
    clock,
    log,
  };
}

/** In the order in which they start; they close in the opposite one. */
function sharedBy(parts: PrimaryParts): readonly Shared[] {
  const { listeners, attendance, stores, trail, clock } = parts;
  const { userTags, blocks, inboxes } = sharedState(parts);
  const publisher = primaryPublisher({ ...parts, overdue: inboxes });
  return [
    listeners,
    attendance,
    new SharedGroups(stores.groups, clock),
    userTags,
    blocks,
    inboxes,
    new SharedTakes(),
    new SharedHolds(),
    new SharedTrail(trail),
    sharedDesk({ ...parts, publisher }),
    new PrimaryIngest({ ...parts, publisher }),
  ];
}

async function closeAll(shared: readonly Shared[]): Promise<void> {
  for (const each of shared.toReversed()) await each.close?.();
}

function startWorker(
  facts: Omit<Beginning, 'config'>,
  { relay, host, clock, log }: PrimaryParts,
  config: PrimaryConfig,
  shared: readonly Shared[],
): LinkedProcess {
  const failed = (call: string, error: unknown): void =>
    log.error('a question of a worker failed', { call, error });
  const { carried } = config;
  return spawnWorker({ beginning: { ...facts, config: carried }, clock, failed }, ({ stream, calls }) => {
    const worker = { id: facts.id, calls };
    const verbs: PrimaryVerbs = {
      serving: async () => {
        await config.catchUp(worker, carried.generation);
        if (stream.isOver) return;
        relay.join(worker);
        for (const each of shared) each.served?.(worker);
      },
    };
    calls.offer('primary', verbs, ['serving']);
    host.accept(stream, worker.id);
    relay.serve(worker);
    for (const each of [config, ...shared]) each.begun(worker);
    stream.onEnded(() => {
      const { fault } = stream;
      if (fault !== undefined) log.error('the link to a worker was cut', { worker: worker.id, error: fault });
      relay.leave(worker.id);
      for (const each of shared) each.gone(worker.id);
    });
  });
}
