/** Workers and the primary over real sockets: the contract of brokers, and what only several can show. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FrameReader, frame, kinds } from '../../link/frame-reader.ts';
import { FrameStream } from '../../link/frames.ts';
import { type LinkedBroker, LinkMachine } from '../../testing/link-machine.ts';
import { brokerContract } from '../broker.contract.ts';
import { LinkBroker } from './broker.ts';
import { readPublications } from './messages.ts';

const kept = { retention: { size: 100, ttlMs: 60_000 } };
const machines: LinkMachine[] = [];

async function start(count: number): Promise<{ machine: LinkMachine; workers: LinkedBroker[] }> {
  const machine = await LinkMachine.start();
  machines.push(machine);
  return { machine, workers: await machine.workers(count) };
}

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.end();
});

brokerContract('a worker, over the link', async () => {
  const machine = await LinkMachine.start();
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
    const [one, two] = workers as [LinkedBroker, LinkedBroker];
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
    const [one, two] = workers as [LinkedBroker, LinkedBroker];
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
    const [one] = workers as [LinkedBroker];
    const asked = one.broker.history('a', { limit: 1 });
    one.socket.destroy();
    await expect(asked).rejects.toMatchObject({ code: 108 });
    await vi.waitFor(() => expect(one.lost).toBe(1));
    expect(machine.log.lines).toEqual([]);
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
    const worker = new LinkBroker(new FrameStream(socket));
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
