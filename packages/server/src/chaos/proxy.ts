/** A TCP proxy on loopback that cuts: what a bad network does to connections. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Cut } from './plan.ts';
import { random } from './random.ts';

/** More connections at once than any run makes; further ones are refused. */
const mostLinks = 10_000;

export class CuttingProxy {
  readonly port: number;
  /** Connections that were cut. */
  cuts = 0;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #made = 0;

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (near) => this.#join(near, target));
  }

  /** Listens on a free loopback port, and passes everything on to the port `target`. */
  static async start(target: number): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.maxConnections = mostLinks;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new CuttingProxy(server, address.port, target);
  }

  /** Which connections it meets follows from `which` and the order in which they were made. */
  cut({ share, afterBytes, which }: Pick<Cut, 'share' | 'afterBytes' | 'which'>): void {
    for (const link of this.#links) {
      const draw = random(which, String(link.number));
      if (draw(100) >= share) continue;
      link.cutAfter(afterBytes === 0 ? 0 : 1 + draw(afterBytes), draw(2) === 0);
    }
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const link of this.#links) link.end();
    await closed;
  }

  #join(near: Socket, target: number): void {
    const link = new Link(
      near,
      connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }),
      this.#made,
      {
        cut: () => {
          this.cuts += 1;
        },
        gone: () => this.#links.delete(link),
      },
    );
    this.#made += 1;
    this.#links.add(link);
  }
}

interface LinkEvents {
  cut(): void;
  gone(): void;
}

/** One connection: the client's socket and the one to the server. */
class Link {
  readonly number: number;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #events: LinkEvents;
  /** Bytes towards the client until the cut; Infinity: none is wanted. */
  #untilCut = Number.POSITIVE_INFINITY;
  #hard = false;

  constructor(near: Socket, far: Socket, number: number, events: LinkEvents) {
    this.#near = near;
    this.#far = far;
    this.number = number;
    this.#events = events;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        // What was read before is still handed on.
        other.end();
        if (near.destroyed && far.destroyed) events.gone();
      });
      socket.on('end', () => other.end());
      socket.on('drain', () => other.resume());
    }
    near.on('data', (bytes) => {
      if (!far.write(bytes)) near.pause();
    });
    far.on('data', (bytes) => this.#pass(bytes));
  }

  /** `hard`: by a reset, which also takes what is on its way; else by an end in the midst of it. */
  cutAfter(bytes: number, hard: boolean): void {
    this.#untilCut = bytes;
    this.#hard = hard;
    if (bytes === 0) this.#cut();
  }

  end(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  #pass(bytes: Buffer): void {
    if (bytes.length < this.#untilCut) {
      this.#untilCut -= bytes.length;
      if (!this.#near.write(bytes)) this.#far.pause();
      return;
    }
    this.#near.write(bytes.subarray(0, this.#untilCut), () => this.#cut());
    this.#far.removeAllListeners('data');
    this.#far.resume();
  }

  #cut(): void {
    if (this.#near.destroyed) return;
    this.#events.cut();
    if (this.#hard) this.#near.resetAndDestroy();
    else this.#near.destroy();
    this.#far.resetAndDestroy();
  }
}
