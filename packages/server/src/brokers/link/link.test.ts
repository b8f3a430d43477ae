/** Workers and the primary over real sockets: the contract of brokers, and what only several can show. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BrokerSink, Publication } from '../../core/broker.ts';
import { FrameReader, FrameStream, frame, kinds } from '../../link/frames.ts';
import { randomEpoch } from '../../system/ids.ts';
import { RememberingLog } from '../../testing/remembering-log.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { brokerContract } from '../broker.contract.ts';
import { MemoryBroker } from '../memory/broker.ts';
import { LinkBroker } from './broker.ts';
import { LinkHost } from './host.ts';
import { readPublications } from './messages.ts';

/** A primary on a Unix socket, and workers that are connected to it. */
class Machine {
  readonly clock = new VirtualClock();
  readonly log = new RememberingLog();
  readonly inner = new MemoryBroker({ clock: this.clock, newEpoch: randomEpoch });
  readonly host = new LinkHost(this.inner, this.log);
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-link-'));
  readonly #server = createServer((socket) => this.host.accept(new FrameStream(socket)));

  static async start(): Promise<Machine> {
    const machine = new Machine();
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

  async worker(): Promise<Worker> {
    return new Worker(await this.socket());
  }

  async end(): Promise<void> {
    await this.host.close();
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }
}

class Worker implements BrokerSink {
  readonly broker: LinkBroker;
  readonly socket: Socket;
  readonly seen: string[] = [];
  readonly gaps: string[] = [];
  lost = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    this.broker = new LinkBroker({
      stream: new FrameStream(socket),
      lost: () => {
        this.lost += 1;
      },
    });
  }

  publications(channel: string, batch: readonly Publication[]): void {
    for (const { offset, data } of batch) this.seen.push(`${channel} ${offset} ${data.slice(0, 20)}`);
  }

  gap(channel: string): void {
    this.gaps.push(channel);
  }
}

const kept = { retention: { size: 100, ttlMs: 60_000 } };
const machines: Machine[] = [];

async function start(count: number): Promise<{ machine: Machine; workers: Worker[] }> {
  const machine = await Machine.start();
  machines.push(machine);
  const workers: Worker[] = [];
  for (let number = 0; number < count; number++) {
    const worker = await machine.worker();
    await worker.broker.start(worker);
    workers.push(worker);
  }
  return { machine, workers };
}

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.end();
});

brokerContract('a worker, over the link', async () => {
  const machine = await Machine.start();
  const { broker } = await machine.worker();
  return { broker, elapse: (ms) => machine.clock.elapse(ms), end: () => machine.end() };
});

describe('several workers', () => {
  test('see one order, whoever publishes', async () => {
    const { workers } = await start(3);
    await Promise.all(workers.map(({ broker }) => broker.subscribe('a')));
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => workers[index % 3]?.broker.publish('a', String(index), kept)),
    );
    await vi.waitFor(() => expect(workers.map(({ seen }) => seen.length)).toEqual([300, 300, 300]));
    const [first, ...others] = workers.map(({ seen }) => seen);
    for (const other of others) expect(other).toEqual(first);
    expect(first?.map((line) => Number(line.split(' ')[1]))).toEqual(
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
  });

  test('get only what they subscribed to, and nothing after they unsubscribed', async () => {
    const { workers } = await start(2);
    const [one, two] = workers as [Worker, Worker];
    await one.broker.subscribe('a');
    await two.broker.subscribe('b');
    for (const channel of ['a', 'b', 'c']) await one.broker.publish(channel, '1', kept);
    await two.broker.unsubscribe('b');
    await one.broker.publish('b', '2', kept);
    await one.broker.subscribe('b');
    await one.broker.publish('b', '3', kept);
    await vi.waitFor(() => expect(one.seen).toEqual(['a 1 1', 'b 3 3']));
    expect(two.seen).toEqual(['b 1 1']);
  });

  test('a worker that ends takes only its own interest along', async () => {
    const { machine, workers } = await start(2);
    const [one, two] = workers as [Worker, Worker];
    await Promise.all([
      one.broker.subscribe('a'),
      two.broker.subscribe('a'),
      one.broker.subscribe('only one'),
    ]);
    one.socket.destroy();
    await vi.waitFor(() => expect(one.lost).toBe(1));
    await two.broker.publish('a', '1', kept);
    await vi.waitFor(() => expect(two.seen).toEqual(['a 1 1']));
    await expect(one.broker.publish('a', '2', kept)).rejects.toMatchObject({ code: 108 });
    // Nobody holds the channel any more, so it is not listed.
    await vi.waitFor(async () =>
      expect(await machine.inner.channels({ pattern: 'only one', limit: 1 })).toEqual([]),
    );
  });

  test('what a worker asked when the primary went is refused, and it is told once', async () => {
    const { machine, workers } = await start(1);
    const [one] = workers as [Worker];
    const asked = one.broker.history('a', { limit: 1 });
    one.socket.destroy();
    await expect(asked).rejects.toMatchObject({ code: 108 });
    await vi.waitFor(() => expect(one.lost).toBe(1));
    expect(machine.log.lines).toEqual([]);
  });

  test('one that does not read gets a gap for each channel instead of more than its bound, and delays nobody', async () => {
    const { workers } = await start(2);
    const [slow, quick] = workers as [Worker, Worker];
    for (const { broker } of workers) await Promise.all([broker.subscribe('a'), broker.subscribe('b')]);
    slow.socket.pause();
    const data = JSON.stringify('x'.repeat(1_000_000));
    const count = Math.ceil(limits.linkWaitingBytes / 1_000_000) + 20;
    for (let number = 1; number <= count; number++) await quick.broker.publish('a', data, kept);
    await quick.broker.publish('b', '1', kept);
    await vi.waitFor(() => expect(quick.seen).toHaveLength(count + 1));
    slow.socket.resume();
    await vi.waitFor(() => expect(slow.gaps.toSorted()).toEqual(['a', 'b']));
    expect(slow.seen.length).toBeLessThan(count);
    await quick.broker.publish('a', '"after"', kept);
    await vi.waitFor(() => expect(slow.seen.at(-1)).toBe(`a ${count + 1} "after"`));
    expect((await slow.broker.history('a', { limit: 100 })).publications).toHaveLength(count + 1);
  });
});

describe('frames', () => {
  test('are found again however the stream is cut', () => {
    const sent = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(70_000, 'b'), Buffer.from('ü')];
    const stream = Buffer.concat(sent.map((body) => frame(kinds.gap, body)));
    for (const size of [1, 2, 3, 5, 7, 4_096, stream.length]) {
      const reader = new FrameReader();
      const found: Buffer[] = [];
      for (let from = 0; from < stream.length; from += size) {
        reader.push(stream.subarray(from, from + size));
        for (let next = reader.next(); next !== undefined; next = reader.next())
          found.push(Buffer.from(next.body));
      }
      expect(found).toEqual(sent);
    }
  });

  test('NAM4 carry data as it was written', async () => {
    const { machine } = await start(0);
    const socket = await machine.socket();
    const frames: Buffer[] = [];
    const reader = new FrameReader();
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let next = reader.next(); next !== undefined; next = reader.next())
        if (next.kind === kinds.publications) frames.push(next.body);
    });
    const worker = new LinkBroker({ stream: new FrameStream(socket), lost: () => {} });
    await worker.subscribe('ü');
    const data = ['{"b":12345678901234567890,"a":"é 🎈"}', '"\\u2028"'];
    for (const text of data) await worker.publish('ü', text, { ...kept, exclude: { users: ['u'] } });
    const read = frames.map(readPublications);
    expect(read.map(({ channel }) => channel)).toEqual(['ü', 'ü']);
    expect(read.flatMap(({ batch }) => batch)).toMatchObject(
      data.map((text, index) => ({ offset: index + 1, data: text, exclude: { users: ['u'] } })),
    );
  });
});
