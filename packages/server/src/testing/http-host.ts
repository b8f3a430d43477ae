/** The HTTP side on real sockets, before a real node with the memory broker and the WebSocket transport. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { FixedTokens } from '../auth/fixed-tokens.ts';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import type { Log } from '../core/log.ts';
import { Node } from '../core/node.ts';
import { RendezvousDesk, rendezvousRule } from '../core/rendezvous.ts';
import { MemoryRendezvousStore } from '../core/rendezvous-store.ts';
import { type Rule, Rules } from '../core/rules.ts';
import { ApiCounters } from '../http/api/counters.ts';
import type { WebhookVerbs } from '../http/api/method.ts';
import { type HttpOptions, HttpServers, type HttpSettings } from '../http/servers.ts';
import { verbsOf } from '../server/verbs.ts';
import { WebSocketTransport } from '../transports/websocket/transport.ts';
import { VirtualClock } from './virtual-clock.ts';

export const apiKey = 'key-of-the-tests';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** The port to ask; that of the public listener by default. */
  readonly port?: number;
}

export interface HttpHost {
  readonly port: number;
  readonly apiPort: number;
  readonly node: Node;
  readonly clock: VirtualClock;
  readonly counters: ApiCounters;
  readonly servers: HttpServers;
  /** What was logged as an error. */
  readonly errors: string[];
  /** One request on a connection of its own. */
  call(path: string, call?: Call): Promise<Answer>;
  /** A request of the server API, with the key. */
  api(method: string, params: unknown, headers?: Call['headers']): Promise<Answer>;
  stop(): Promise<void>;
}

const defaults: HttpSettings = {
  development: false,
  api: { keys: [apiKey] },
  origins: [],
  hosts: [],
  trustProxy: [],
  websocket: { path: '/ws', rawPaths: ['/message-center'] },
  paths: [],
  rendezvous: { path: '/rendezvous' },
  limits: { connectionsPerAddress: 1_000, channelsPerConnection: 128, apiBodyBytes: 65_536 },
};

const retention = { size: 100, ttlMs: 600_000 };
const noCounts = {
  connections: 0,
  sessions: 0,
  users: 0,
  channels: 0,
  subscriptions: 0,
  publications: 0,
  deliveries: 0,
};
const noFigures = { id: 0, pid: 1, ...noCounts, cpuSeconds: 0, memoryBytes: 0 };

/** So long may each state of a rendezvous last. */
export const rendezvousTtlMs = 120_000;
const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const rules: readonly Rule[] = [
  { pattern: 'open:*', ...open, retention },
  { pattern: 'plain:*', ...open },
  { pattern: 'user:{uid}', subscribe: 'owner', publish: 'owner', readHistory: 'owner', retention },
  {
    pattern: 'inbox:{uid}',
    subscribe: 'owner',
    publish: 'nobody',
    readHistory: 'owner',
    retention,
    inbox: {},
  },
  rendezvousRule(rendezvousTtlMs),
  { pattern: 'closed:*', subscribe: 'nobody', publish: 'nobody', readHistory: 'nobody', retention },
];

export interface HttpHostOptions {
  readonly settings?: Partial<HttpSettings>;
  readonly anonymous?: boolean;
  /** Any free one by default. */
  readonly port?: number;
  readonly webhooks?: WebhookVerbs;
  readonly rest?: Partial<Omit<HttpOptions, 'settings'>>;
}

/** Time stands still, but turns of the event loop end. */
class TurnClock extends VirtualClock {
  override atTurnEnd(task: () => void): void {
    setImmediate(task);
  }
}

export async function startHttp({
  settings,
  anonymous = false,
  port: wanted = 0,
  webhooks,
  rest,
}: HttpHostOptions = {}): Promise<HttpHost> {
  const clock = new TurnClock();
  const errors: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void errors.push(message) };
  const { node, websocket, desk } = makeParts(clock, log, anonymous);
  await node.start();
  const counters = new ApiCounters();
  const servers = new HttpServers({
    settings: { ...defaults, ...settings },
    version: '0.0.0-test',
    verbs: verbsOf(node, undefined, {
      info: () => ({ version: '0.0.0-test', pid: 1, uptime: 2, workers: [noFigures], totals: noCounts }),
      rendezvous: desk,
      ...(webhooks !== undefined && { webhooks }),
    }),
    desk,
    authenticator: node.authenticator,
    mayPublish: node.mayPublish.bind(node),
    websocket,
    apiSockets: websocket,
    probe: async () => {},
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'carillon_sessions 0\n' },
    clock,
    counters,
    log,
    ...rest,
  });
  const bound = await servers.listen({ host: '127.0.0.1', port: wanted });
  const port = bound.public.port;
  const call: HttpHost['call'] = (path, options = {}) => exchange({ port, ...options }, path);
  return {
    port,
    apiPort: bound.api.port,
    node,
    clock,
    counters,
    servers,
    errors,
    call,
    api: (method, params, headers = {}) =>
      call(`/v1/${method}`, {
        method: 'POST',
        body: JSON.stringify(params),
        headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json', ...headers },
      }),
    async stop() {
      const closed = servers.close(100);
      await websocket.close({ code: 3001, reason: 'shutdown' }, 100);
      await closed;
      await node.close();
    },
  };
}

function makeParts(clock: VirtualClock, log: Log, anonymous: boolean) {
  let made = 0;
  const authenticator = new FixedTokens([['token-of-7', { user: '7' }]], anonymous);
  const node = new Node({
    broker: new MemoryBroker({ clock, newEpoch: () => `epoch${++made}` }),
    rules: new Rules(rules),
    authenticator,
    clock,
    log,
    newSessionId: () => `session${++made}`,
    channelsPerConnection: 128,
    laneLogBytes: 1_048_576,
  });
  const websocket = new WebSocketTransport({
    accept: node.accept.bind(node),
    prepareFeed: node.prepareFeed.bind(node),
    clock,
    log,
    settings: {
      pingIntervalMs: 25_000,
      pongTimeoutMs: 10_000,
      stallTimeoutMs: 60_000,
      maxFrameBytes: 65_536,
    },
  });
  const desk = new RendezvousDesk({
    store: new MemoryRendezvousStore({ open: 50, perAddress: 3 }),
    publisher: node,
    clock,
    log,
    newId: () => `id${++made}`,
    ttlMs: rendezvousTtlMs,
  });
  return { node, websocket, desk };
}

function exchange({ port, method = 'GET', headers = {}, body }: Call, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          text: Buffer.concat(chunks).toString(),
        });
      });
      res.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
