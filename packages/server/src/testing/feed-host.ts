/** Every transport of a server on real sockets, before a real node with the memory broker, in time that tests move. */
import { disconnects } from '@carillon/protocol';
import { FixedTokens } from '../auth/fixed-tokens.ts';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import type { Hooks } from '../core/hooks.ts';
import { Node, type NodeOptions } from '../core/node.ts';
import { Rules } from '../core/rules.ts';
import { ApiCounters } from '../http/api/counters.ts';
import { HttpServers, type HttpSettings } from '../http/servers.ts';
import { verbsOf } from '../server/verbs.ts';
import { HttpFeeds } from '../transports/http/feeds.ts';
import { NativeHttp } from '../transports/http/native-transport.ts';
import { WebSocketTransport } from '../transports/websocket/transport.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Time stands still, but turns of the event loop end. */
class TurnClock extends VirtualClock {
  override atTurnEnd(task: () => void): void {
    setImmediate(task);
  }
}

export interface FeedHost {
  readonly port: number;
  readonly node: Node;
  readonly clock: VirtualClock;
  readonly feeds: HttpFeeds;
  readonly native: NativeHttp;
  readonly websocket: WebSocketTransport;
  /** What was logged as an error. */
  readonly errors: string[];
  stop(): Promise<void>;
}

export interface FeedHostOptions {
  readonly settings?: Partial<HttpSettings>;
  /** Default true. */
  readonly anonymous?: boolean;
  /** What the application decides; nothing by default. */
  readonly hooks?: Hooks;
  readonly lifecycle?: NodeOptions['lifecycle'];
  /** Publications that the channels `open:*` keep. */
  readonly size?: number;
}

const base: HttpSettings = {
  development: false,
  api: { keys: ['key'] },
  origins: ['https://listed.example'],
  hosts: [],
  trustProxy: [],
  websocket: { path: '/ws', rawPaths: ['/message-center'] },
  paths: [{ path: '/room', channel: 'open:{room}' }],
  limits: { connectionsPerAddress: 10_000, channelsPerConnection: 128, apiBodyBytes: 1_048_576 },
};
/** Bytes of a client's frame. */
export const maxFrameBytes = 65_536;
const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;

/** The tokens `token-of-7` and `token-of-8` are of those users. Channels: `open:*` with history, `plain:*` without, `user:{uid}` of its owner. */
export async function startFeeds({
  settings,
  anonymous = true,
  size = 1_000,
  hooks,
  lifecycle,
}: FeedHostOptions = {}): Promise<FeedHost> {
  const clock = new TurnClock();
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message) };
  const users = ['7', '8'].map((user) => [`token-of-${user}`, { user }] as const);
  const authenticator = new FixedTokens(users, anonymous);
  let made = 0;
  const node = new Node({
    broker: new MemoryBroker({ clock, newEpoch: () => `epoch${++made}` }),
    rules: new Rules([
      { pattern: 'open:*', ...open, retention: { size, ttlMs: 600_000 } },
      { pattern: 'plain:*', ...open },
      { pattern: 'user:{uid}', subscribe: 'owner', publish: 'owner', readHistory: 'owner' },
    ]),
    authenticator,
    clock,
    log,
    newSessionId: () => `session${++made}`,
    channelsPerConnection: 128,
    laneLogBytes: 1_048_576,
    ...(hooks !== undefined && { hooks }),
    ...(lifecycle !== undefined && { lifecycle }),
  });
  await node.start();
  const prepareFeed = node.prepareFeed.bind(node);
  const times = { pingIntervalMs: 25_000, pongTimeoutMs: 10_000, stallTimeoutMs: 60_000 };
  const websocket = new WebSocketTransport({
    accept: node.accept.bind(node),
    prepareFeed,
    clock,
    log,
    settings: { ...times, maxFrameBytes },
  });
  const feeds = new HttpFeeds({ prepareFeed, clock, stallTimeoutMs: times.stallTimeoutMs });
  const native = new NativeHttp({
    accept: node.accept.bind(node),
    clock,
    stallTimeoutMs: times.stallTimeoutMs,
  });
  const servers = new HttpServers({
    settings: { ...base, ...settings },
    version: '0.0.0-test',
    verbs: verbsOf(node, undefined, { info: () => ({}) }),
    authenticator: node.authenticator,
    mayPublish: node.mayPublish.bind(node),
    websocket,
    feedTransports: feeds.transports,
    native: { sessions: native, admit: node.admit.bind(node), maxFrameBytes },
    probe: async () => {},
    metrics: { contentType: 'text/plain', text: async () => '' },
    clock,
    counters: new ApiCounters(),
    log,
  });
  const { port } = (await servers.listen({ host: '127.0.0.1', port: 0 })).public;
  return {
    port,
    node,
    clock,
    feeds,
    native,
    websocket,
    errors,
    async stop() {
      const closed = servers.close(500);
      const ended = Promise.all([
        websocket.close(disconnects.shutdown, 200),
        feeds.close(disconnects.shutdown, 200),
        native.close(disconnects.shutdown, 200),
      ]);
      clock.advance(200);
      await ended;
      await closed;
      await node.close();
    },
  };
}
