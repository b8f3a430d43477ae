/** A primary with a broker on a real socket, and workers' brokers that are connected to it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinkBroker } from '../brokers/link/broker.ts';
import { LinkHost } from '../brokers/link/host.ts';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import type { BrokerSink, HistoryPage, HistoryQuery, Publication } from '../core/broker.ts';
import { FrameStream } from '../link/frames.ts';
import { randomEpoch } from '../system/ids.ts';
import { RememberingLog } from './remembering-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export class LinkMachine {
  readonly clock = new VirtualClock();
  readonly log = new RememberingLog();
  readonly inner = new CountingBroker({ clock: this.clock, newEpoch: randomEpoch });
  readonly host = new LinkHost({ broker: this.inner, clock: this.clock, log: this.log });
  /** The primary's ends of the links, in the order of coming. */
  readonly streams: FrameStream[] = [];
  readonly sockets: Socket[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-link-'));
  readonly #server = createServer((socket) => {
    const stream = new FrameStream(socket);
    this.sockets.push(socket);
    this.streams.push(stream);
    this.host.accept(stream);
  });

  static async start(): Promise<LinkMachine> {
    const machine = new LinkMachine();
    await machine.host.start();
    machine.#server.listen(machine.#path);
    await once(machine.#server, 'listening');
    return machine;
  }

  get #path(): string {
    return join(this.#folder, 'link');
  }

  async socket(): Promise<Socket> {
    const socket = connect(this.#path);
    await once(socket, 'connect');
    return socket;
  }

  /** A worker whose broker has not started. */
  async worker(): Promise<LinkedBroker> {
    return new LinkedBroker(await this.socket());
  }

  /** So many workers whose brokers have started, linked in this order. */
  async workers(count: number): Promise<LinkedBroker[]> {
    const workers: LinkedBroker[] = [];
    for (let number = 0; number < count; number++) {
      const worker = await this.worker();
      await worker.broker.start(worker);
      await worker.broker.channels({ pattern: '*', limit: 1 });
      workers.push(worker);
    }
    return workers;
  }

  async end(): Promise<void> {
    await this.host.close();
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }
}

class CountingBroker extends MemoryBroker {
  reads = 0;

  override history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    this.reads += 1;
    return super.history(channel, query);
  }
}

/** A worker's broker, and what it was given. */
export class LinkedBroker implements BrokerSink {
  readonly broker: LinkBroker;
  readonly socket: Socket;
  readonly stream: FrameStream;
  /** Of each publication channel, offset and the beginning of its data. */
  readonly seen: string[] = [];
  /** How many publications came at once, each time. */
  readonly batches: number[] = [];
  readonly gaps: string[] = [];
  lost = 0;
  /** What it has to wait for before it takes more. */
  wait: Promise<void> | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.stream = new FrameStream(socket);
    this.broker = new LinkBroker(this.stream);
    this.stream.onEnded(() => {
      this.lost += 1;
    });
  }

  publications(channel: string, batch: readonly Publication[]): void {
    this.batches.push(batch.length);
    for (const { offset, data } of batch) this.seen.push(`${channel} ${offset} ${data.slice(0, 20)}`);
  }

  gap(channel: string): void {
    this.gaps.push(channel);
  }

  room(): Promise<void> | undefined {
    return this.wait;
  }
}
