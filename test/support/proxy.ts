/** A hostile HTTP proxy: what stands between a client and a server in bad networks, one vice at a time or all of them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** `pass` lets through; `refuse` answers 502; `swallow` never answers. */
export type Treatment = 'pass' | 'refuse' | 'swallow';

export interface Hostility {
  /** What happens to WebSockets; `cut` lets the upgrade through and cuts it at once. */
  readonly upgrades: Treatment | 'cut';
  /** What happens to endless answers; `buffer` passes an answer on when it is complete. */
  readonly streams: Treatment | 'buffer';
  /** What happens to long-polls. */
  readonly polls: Treatment;
  /** Each part of a message is late by so many milliseconds, in both directions. */
  readonly delayMs: number;
  /** Every answer and every WebSocket is cut when it is this old. */
  readonly cutAfterMs: number;
  /** Everything is cut once so many bytes went to clients. Counts once. */
  readonly cutAfterBytes: number;
}

const friendly: Hostility = {
  upgrades: 'pass',
  streams: 'pass',
  polls: 'pass',
  delayMs: 0,
  cutAfterMs: Number.POSITIVE_INFINITY,
  cutAfterBytes: Number.POSITIVE_INFINITY,
};

export class HostileProxy {
  /** Upgrades, streams and polls that clients asked for. */
  readonly asked = { upgrades: 0, streams: 0, polls: 0 };
  /** How often `cut`, by hand or by bytes, had anything to cut. */
  cuts = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #open = new Set<Duplex>();
  #hostility = friendly;
  #bytesLeft = Number.POSITIVE_INFINITY;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((req, res) => this.#request(req, res));
    this.#server.on('upgrade', (req, socket, head) => this.#upgrade(req, socket, head));
    this.#server.on('connection', (socket) => socket.on('error', ignore));
  }

  /** Listens on a free loopback port, and passes on to the port `target` what its hostility lets through. */
  static async start(target: number, hostility: Partial<Hostility> = {}): Promise<HostileProxy> {
    const proxy = new HostileProxy(target);
    proxy.become(hostility);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Without a slash at the end. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Changes what happens from now on; what is not named is friendly. Connections that are open stay. */
  become(hostility: Partial<Hostility>): void {
    this.#hostility = { ...friendly, ...hostility };
    this.#bytesLeft = this.#hostility.cutAfterBytes;
  }

  /** Cuts everything that is open. */
  cut(): void {
    this.#bytesLeft = Number.POSITIVE_INFINITY;
    if (this.#open.size > 0) this.cuts += 1;
    for (const socket of [...this.#open]) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    this.#server.closeAllConnections();
    await closed;
  }

  #request(req: IncomingMessage, res: ServerResponse): void {
    const treatment = this.#treatment(req);
    this.#hold(req.socket, res);
    if (treatment === 'swallow') return;
    if (treatment === 'refuse') {
      res.writeHead(502).end('bad gateway');
      return;
    }
    const { method, url, headers } = req;
    const options = { host: '127.0.0.1', port: this.#target, method, path: url, headers, agent: false };
    const onward = request(options, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      if (treatment !== 'buffer') res.flushHeaders();
      const buffered: Buffer[] = [];
      answer.on('data', (bytes: Buffer) => {
        if (treatment === 'buffer') buffered.push(bytes);
        else this.#late(() => this.#give(res, bytes));
      });
      answer.on('end', () => this.#late(() => res.end(Buffer.concat(buffered))));
      answer.on('error', () => req.socket.destroy());
    });
    onward.on('error', () => req.socket.destroy());
    res.on('close', () => onward.destroy());
    req.on('data', (bytes: Buffer) => this.#late(() => onward.write(bytes)));
    req.on('end', () => this.#late(() => onward.end()));
    req.on('error', ignore);
  }

  #upgrade(req: IncomingMessage, near: Duplex, head: Buffer): void {
    this.asked.upgrades += 1;
    near.on('error', ignore);
    this.#hold(near, near);
    const { upgrades } = this.#hostility;
    if (upgrades === 'refuse') near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
    if (upgrades === 'refuse' || upgrades === 'swallow') return;
    const far: Socket = connect(this.#target, '127.0.0.1', () => {
      const lines = req.rawHeaders.flatMap((name, at) =>
        at % 2 === 0 ? `${name}: ${req.rawHeaders[at + 1]}` : [],
      );
      far.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      far.write(head);
    });
    far.on('error', ignore);
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.on('data', (bytes) => this.#late(() => far.write(bytes)));
    far.on('data', (bytes) => {
      this.#late(() => this.#give(near, bytes));
      if (upgrades === 'cut') this.#late(() => near.destroy());
    });
  }

  #treatment({ url = '', method }: IncomingMessage): Treatment | 'buffer' {
    const isPoll = /transport=longpoll|[?&]ack=/.test(url);
    if (isPoll) {
      this.asked.polls += 1;
      return this.#hostility.polls;
    }
    if (method !== 'GET' || !/^\/stream\b/.test(url)) return 'pass';
    this.asked.streams += 1;
    return this.#hostility.streams;
  }

  /** Keeps a socket in view until `what` goes over it is over. */
  #hold(socket: Duplex, what: Duplex | ServerResponse): void {
    this.#open.add(socket);
    const { cutAfterMs } = this.#hostility;
    const timer = Number.isFinite(cutAfterMs) ? setTimeout(() => socket.destroy(), cutAfterMs) : undefined;
    what.once('close', () => {
      clearTimeout(timer);
      this.#open.delete(socket);
    });
  }

  #give(to: Duplex | ServerResponse, bytes: Buffer): void {
    const isLast = bytes.length > this.#bytesLeft;
    const given = isLast ? bytes.subarray(0, this.#bytesLeft) : bytes;
    this.#bytesLeft -= given.length;
    to.write(given, () => isLast && this.cut());
  }

  #late(act: () => void): void {
    const { delayMs } = this.#hostility;
    if (delayMs === 0) act();
    else setTimeout(act, delayMs);
  }
}

/** A cut shows in many places; `close` follows each. */
function ignore(): void {}
