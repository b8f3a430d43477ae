/** The only file that knows every part: settings in, running server out. */
import { fileURLToPath } from 'node:url';
import { disconnects } from '@carillon/protocol';
import { FixedTokens } from './auth/fixed-tokens.ts';
import { MemoryBroker } from './brokers/memory/broker.ts';
import type { LoadedConfig } from './config/load.ts';
import type { ChannelSettings, Settings } from './config/settings.ts';
import type { Log } from './core/log.ts';
import { Node } from './core/node.ts';
import { type Rule, Rules } from './core/rules.ts';
import { ApiCounters } from './http/api/counters.ts';
import type { Verbs } from './http/api/method.ts';
import { servePages } from './http/pages.ts';
import { HttpServers } from './http/servers.ts';
import { SystemClock } from './system/clock.ts';
import { randomEpoch, randomId } from './system/ids.ts';
import { version } from './system/version.ts';
import { Metrics } from './telemetry/metrics.ts';
import { WebSocketTransport } from './transports/websocket/transport.ts';

/** A server that accepts connections. */
export interface RunningServer {
  /** Where clients reach it, for example `http://127.0.0.1:6790`. */
  readonly url: string;
  readonly port: number;
  /** Where the server API is; the same as `url` unless `api.listen` moved it. */
  readonly apiUrl: string;
  readonly development: boolean;
  /**
   * Stops accepting, ends every connection with 3001 and waits for them, at most as long as `drain` says.
   * Later calls wait for the same end.
   */
  close(): Promise<void>;
}

/** @throws {Error} with a `code` as node:net gives it, when an address cannot be listened on. */
export async function startServer(
  { settings }: Pick<LoadedConfig, 'settings'>,
  log: Log,
): Promise<RunningServer> {
  const clock = new SystemClock();
  const startedAt = clock.now();
  const broker = new MemoryBroker({
    clock,
    newEpoch: randomEpoch,
    maxBytes: settings.limits.memoryHistoryBytes,
  });
  const { tokens, anonymous, cookie } = settings.auth;
  const authenticator = new FixedTokens(tokens, anonymous);
  const { channelsPerConnection, laneLogBytes, publishesPerSecond } = settings.limits;
  const node = new Node({
    broker,
    rules: new Rules(settings.channels.map(toRule)),
    authenticator,
    clock,
    log,
    newSessionId: randomId,
    channelsPerConnection,
    laneLogBytes,
    ...(publishesPerSecond !== undefined && { publishesPerSecond }),
  });
  await node.start();
  const websocket = new WebSocketTransport({
    accept: node.accept.bind(node),
    prepareFeed: node.prepareFeed.bind(node),
    clock,
    log,
    settings: settings.websocket,
    ...(cookie !== undefined && { cookieName: cookie }),
  });
  const counters = new ApiCounters();
  const servers = new HttpServers({
    settings,
    version: version(),
    verbs: verbsOf(node, () => info(node, websocket, clock.now() - startedAt)),
    authenticator,
    mayPublish: node.mayPublish.bind(node),
    websocket,
    probe: node.probe.bind(node),
    metrics: new Metrics(() => ({
      ...node.figures(),
      connections: new Map([['websocket', websocket.connections]]),
      apiRequests: counters.read(),
    })),
    counters,
    ...(settings.development && { pages: servePages(fileURLToPath(new URL('../public', import.meta.url))) }),
    log,
  });
  const bound = await servers.listen({ host: settings.host, port: settings.port });
  return {
    url: urlOf(bound.public),
    apiUrl: urlOf(bound.api),
    port: bound.public.port,
    development: settings.development,
    close: once(() => shutDown(settings, node, websocket, servers)),
  };
}

/** Listeners close first, so that nobody comes back to this process. */
async function shutDown(
  { drainMs }: Settings,
  node: Node,
  websocket: WebSocketTransport,
  servers: HttpServers,
): Promise<void> {
  const gone = servers.close(drainMs);
  await websocket.close(disconnects.shutdown, drainMs);
  await gone;
  await node.close();
}

function toRule({ pattern, subscribe, publish, readHistory, history }: ChannelSettings): Rule {
  return { pattern, subscribe, publish, readHistory, ...(history !== undefined && { retention: history }) };
}

function verbsOf(node: Node, info: Verbs['info']): Verbs {
  return {
    publish: node.publish.bind(node),
    history: node.history.bind(node),
    removeHistory: node.removeHistory.bind(node),
    channels: node.channels.bind(node),
    subscribers: node.subscribers.bind(node),
    info,
  };
}

function info(node: Node, websocket: WebSocketTransport, uptimeMs: number): object {
  const { sessions, users, channels, subscriptions, counters } = node.figures();
  const { pid } = process;
  const { connections } = websocket;
  const { publications } = counters;
  const worker = { id: 0, pid, connections, sessions, users, channels, subscriptions, publications };
  return {
    version: version(),
    pid,
    uptime: Math.floor(uptimeMs / 1_000),
    engine: 'memory',
    workers: [worker],
  };
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
