/** The only file that knows every part: settings in, running server out. */
import { fileURLToPath } from 'node:url';
import { disconnects, limits } from '@carillon/protocol';
import type { LoadedConfig } from './config/load.ts';
import type { Settings } from './config/settings.ts';
import type { Log } from './core/log.ts';
import type { Node } from './core/node.ts';
import type { HookRuntime } from './hooks/runtime.ts';
import { ApiCounters } from './http/api/counters.ts';
import { servePages } from './http/pages.ts';
import { HttpServers } from './http/servers.ts';
import type { RedisIngest } from './ingest/redis/ingest.ts';
import { abandon } from './server/abandon.ts';
import { startCore } from './server/core.ts';
import { nativeDoor, readiness } from './server/doors.ts';
import { type PrimaryVerbs, placed, type WorkerHome } from './server/home.ts';
import { startHooks } from './server/hooks.ts';
import { ingestOf } from './server/ingest.ts';
import { once } from './server/once.ts';
import { startPrimary } from './server/primary.ts';
import { prepareChange } from './server/reconfiguration.ts';
import { ownReloads, type Reloads, type ReloadsParts, workerReloads } from './server/reloads.ts';
import { deskOf } from './server/rendezvous.ts';
import type { RunningServer, ServerControls } from './server/running.ts';
import { type Telling, tellingOf } from './server/telling.ts';
import { makeTransports, type Transports } from './server/transports.ts';
import { urlOf } from './server/url.ts';
import { verbsOf } from './server/verbs.ts';
import type { ServerWebhooks } from './server/webhooks.ts';
import { workerCount } from './server/worker-count.ts';
import { SystemClock } from './system/clock.ts';
import { version } from './system/version.ts';
import type { OfferedHooks } from './workers/hooks.ts';

export { probeIngest } from './server/ingest.ts';
export { explainChannel } from './server/rules.ts';
export type { RunningServer, ServerControls } from './server/running.ts';

/** @throws {HooksUnusable} @throws {Error} with a `code` as node:net gives it, when an address cannot be listened on. */
export function startServer(
  loaded: LoadedConfig,
  log: Log,
  controls: ServerControls,
): Promise<RunningServer> {
  const isPrimary = controls.home === undefined && workerCount(loaded.settings) > 1;
  if (isPrimary) return startPrimary(loaded, log, controls);
  return startProcess(loaded.settings, log, controls, (parts) => ownReloads(loaded, parts));
}

/** One of the processes of a server, with the settings that are in force. Rejects as {@link startServer} does. */
export function startWorker(
  settings: Settings,
  log: Log,
  controls: ServerControls & { readonly home: WorkerHome },
): Promise<RunningServer> {
  const { home } = controls;
  return startProcess(placed(settings, home.beginning), log, controls, (parts) =>
    workerReloads(settings, home, parts),
  );
}

/** A process that clients connect to: the only one, or a worker. */
async function startProcess(
  settings: Settings,
  log: Log,
  controls: ServerControls,
  reloadsOf: (parts: ReloadsParts) => Reloads,
): Promise<RunningServer> {
  const { load, setLogLevel, home } = controls;
  const clock = new SystemClock();
  const startedAt = clock.now();
  const core = await startCore(settings, clock, log, controls);
  const { node, hooks, webhooks, addresses, counting } = core;
  const desk = deskOf(settings, { publisher: node, clock, log }, home);
  const transports = makeTransports(settings, node, clock, log);
  const { websocket, feeds, native } = transports;
  const counters = new ApiCounters();
  const reloads = reloadsOf({
    load,
    prepare: (next, before) => prepareChange(next, before, { ...core, servers, setLogLevel, clock, log }),
    clock,
    log,
  });
  const verbs = verbsOf(node, home, {
    info: async () => ({ ...(await telling.info()), config: await reloads.info() }),
    webhooks,
    ...(desk !== undefined && { rendezvous: desk }),
  });
  const offered = await startHooks(hooks, settings, node, verbs, log, home?.calls);
  const ingest = await ingestOf(settings, node, { clock, log }, home);
  const measured = { node, transports, ingest, webhooks, hooks, counters };
  const telling = tellingOf({ ...measured, reloads, startedAt, clock }, home);
  const servers: HttpServers = new HttpServers({
    settings: { ...settings, rates: counting.rates },
    version: version(),
    verbs: { ...verbs, reload: () => reloads.reload() },
    authenticator: node.authenticator,
    ...(desk !== undefined && { desk }),
    mayPublish: node.mayPublish.bind(node),
    websocket,
    apiSockets: transports.apiSockets,
    feedTransports: feeds.transports,
    native: nativeDoor(native, node, settings, { home, clock }),
    probe: readiness(node, { home, clock }),
    metrics: telling.metrics,
    addresses,
    ...(counting.holds !== undefined && { holds: counting.holds }),
    clock,
    counters,
    ...(settings.development && { pages: servePages(fileURLToPath(new URL('../public', import.meta.url))) }),
    log,
  });
  await home?.calls.remote<PrimaryVerbs>('primary').serving();
  controls.aboutToServe?.(1);
  const { host, port } = settings;
  const bound = await servers.listen({ host, port, reusePort: home !== undefined });
  return {
    url: urlOf(bound.public),
    apiUrl: urlOf(bound.api),
    port: bound.public.port,
    host: bound.public.host,
    development: settings.development,
    reload: () => reloads.reload(),
    abandon: (graceMs) => abandon(node, transports, servers, graceMs),
    close: once(async () => {
      const endsAt = clock.now() + settings.drainMs;
      webhooks.hurry();
      await shutDown(settings, node, transports, servers, ingest, offered, telling);
      await sayFarewell(webhooks, hooks, Math.max(0, endsAt - clock.now()));
      core.authenticator.close();
    }),
  };
}

/** Listeners close first, so that nobody comes back to this process; clients leave one after another; who stayed is closed. */
async function shutDown(
  { drainMs }: Settings,
  node: Node,
  { websocket, apiSockets, feeds, native }: Transports,
  servers: HttpServers,
  ingest: RedisIngest | undefined,
  offered: OfferedHooks | undefined,
  telling: Telling,
): Promise<void> {
  const graceMs = Math.min(drainMs, limits.closingMs);
  const gone = servers.close(drainMs + graceMs);
  await node.drain(drainMs);
  await Promise.all(
    [websocket, apiSockets, feeds, native].map((transport) => transport.close(disconnects.shutdown, graceMs)),
  );
  await gone;
  await ingest?.close();
  await offered?.leave();
  telling.end();
  await node.close();
}

/** Who was told of the last sessions has a moment to take it in. */
async function sayFarewell(webhooks: ServerWebhooks, hooks: HookRuntime, leftMs: number): Promise<void> {
  await Promise.all([
    hooks.close(Math.max(leftMs, limits.hookFarewellMs)),
    webhooks.close(Math.max(leftMs, limits.webhookFarewellMs)),
  ]);
}
