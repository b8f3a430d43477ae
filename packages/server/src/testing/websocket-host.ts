/** A real HTTP server with the WebSocket transport on it, and a listener that echoes; nothing of the core. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Disconnect } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import type { Connection, ConnectionListener } from '../core/connection.ts';
import type { Accept, ConnectRequest, FeedRequest, PrepareFeed } from '../core/entry.ts';
import { base64Frame } from '../transports/websocket/frame.ts';
import { WebSocketTransport } from '../transports/websocket/transport.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Sends back what it gets, reads nothing while its answers are pending, and remembers what it was told. */
export class EchoListener implements ConnectionListener {
  readonly connection: Connection;
  readonly request: ConnectRequest | FeedRequest;
  readonly told: string[] = [];
  readonly #waiting: { readonly told: string; readonly resolve: () => void }[] = [];

  constructor(connection: Connection, request: ConnectRequest | FeedRequest) {
    this.connection = connection;
    this.request = request;
  }

  received(text: string): void {
    this.#tell(text.length <= 40 ? `text ${text}` : `text of ${text.length}`);
    if (!this.connection.write(this.connection.wire.message(text))) this.connection.pause();
  }

  receivedBytes(bytes: Buffer): void {
    this.#tell(`bytes of ${bytes.length}`);
    if (!this.connection.write(base64Frame(bytes.toString('base64')))) this.connection.pause();
  }

  drained(): void {
    this.#tell('drained');
    this.connection.resume();
  }

  closed({ code, reason = '' }: Partial<Disconnect> = {}): void {
    this.#tell(code === undefined ? 'closed' : `closed ${code} ${reason}`.trimEnd());
  }

  /** Resolves once it has been told this. */
  until(told: string): Promise<void> {
    if (this.told.includes(told)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ told, resolve }));
  }

  #tell(what: string): void {
    this.told.push(what);
    for (const { told, resolve } of this.#waiting) if (told === what) resolve();
  }
}

export interface HostOptions {
  readonly maxFrameBytes?: number;
  readonly cookieName?: string;
  readonly clock?: Clock;
  /** In place of an echo. */
  readonly accept?: Accept;
  readonly prepareFeed?: PrepareFeed;
}

export interface WebSocketHost {
  readonly port: number;
  /** Without the path. */
  readonly url: string;
  readonly transport: WebSocketTransport;
  readonly clock: VirtualClock;
  /** One for each connection that was opened, in their order. */
  readonly listeners: EchoListener[];
  /** What was logged as an error. */
  readonly errors: string[];
  /** Resolves with the listener of connection `index`, once it is there. */
  listener(index: number): Promise<EchoListener>;
  stop(): Promise<void>;
}

/** Serves the native protocol on every path but `/raw`, `/sub` and `/json`. Ping 25 s, pong 10 s, stall 60 s, close 5 s, in the time of `clock`. */
export async function startHost(options: HostOptions = {}): Promise<WebSocketHost> {
  const clock = new VirtualClock();
  const listeners: EchoListener[] = [];
  const errors: string[] = [];
  const arrivals: (() => void)[] = [];
  const echo = (connection: Connection, request: ConnectRequest | FeedRequest): EchoListener => {
    const listener = new EchoListener(connection, request);
    listeners.push(listener);
    for (const arrived of arrivals.splice(0)) arrived();
    return listener;
  };
  const silent = (): void => {};
  const transport = new WebSocketTransport({
    accept: options.accept ?? echo,
    prepareFeed:
      options.prepareFeed ??
      ((request) =>
        Promise.resolve({
          recovered: undefined,
          cursor: '',
          isBehind: false,
          open: (connection) => echo(connection, request),
          cancel: silent,
        })),
    clock: options.clock ?? clock,
    log: { debug: silent, info: silent, warn: silent, error: (message) => errors.push(message) },
    settings: {
      pingIntervalMs: 25_000,
      pongTimeoutMs: 10_000,
      stallTimeoutMs: 60_000,
      maxFrameBytes: options.maxFrameBytes ?? 65_536,
    },
    ...(options.cookieName === undefined ? {} : { cookieName: options.cookieName }),
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const path = (request.url ?? '').split('?')[0];
    if (path === '/raw') transport.upgradeRaw(request, socket, head, '192.0.2.1');
    else if (path === '/sub') transport.upgradeFeed(request, socket, head, '192.0.2.1', { channels: ['a'] });
    else if (path === '/json') {
      transport.upgradeFeed(request, socket, head, '192.0.2.1', { channels: ['a', 'b'], format: 'json' });
    } else transport.upgradeNative(request, socket, head, '192.0.2.1');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `ws://127.0.0.1:${port}`,
    transport,
    clock,
    listeners,
    errors,
    async listener(index) {
      for (;;) {
        const listener = listeners[index];
        if (listener !== undefined) return listener;
        await new Promise<void>((resolve) => arrivals.push(resolve));
      }
    },
    async stop() {
      const closed = transport.close({ code: 3001, reason: 'shutdown' }, 0);
      clock.advance(10_000);
      await closed;
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
