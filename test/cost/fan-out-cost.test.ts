/** What a fan-out costs, by counting: frames made, writes done, bytes shared. Times are the bench's affair. */
import { describe, expect, test } from 'vitest';
import {
  type CoreHost,
  keeping,
  startCore,
  type TestClient,
} from '../../packages/server/src/testing/core-host.ts';
import { FakeConnection } from '../../packages/server/src/testing/fake-connection.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';

/** Remembers which buffers it was given. */
class WatchedConnection extends FakeConnection {
  readonly buffers: Buffer[] = [];

  override write(bytes: Buffer): boolean {
    this.buffers.push(bytes);
    return super.write(bytes);
  }
}

interface Watched {
  readonly connection: WatchedConnection;
  readonly session: string;
}

let session = 0;

/** A host, and so many subscribers of `channel` that are in step. */
async function audience(
  count: number,
  channel = 'h:1',
  wires: readonly LineWire[] = [new LineWire()],
): Promise<{ host: CoreHost; all: Watched[]; wire: LineWire }> {
  const host = await startCore({ newSessionId: () => `s${++session}` });
  const all: Watched[] = [];
  const [wire = new LineWire()] = wires;
  for (let index = 0; index < count; index++) {
    const connection = new WatchedConnection(wires[index % wires.length] ?? wire);
    connection.listen(host.node.accept(connection, { address: '192.0.2.1', headers: {} }));
    connection.send(JSON.stringify({ op: 'subscribe', channel }));
    all.push({ connection, session: `s${session}` });
  }
  await host.settle();
  await publish(host, channel, 1);
  for (const { connection } of all) connection.buffers.length = 0;
  return { host, all, wire };
}

/** Publishes `count` within one turn. */
async function publish(host: CoreHost, channel: string, count: number, sessions?: string[]): Promise<void> {
  const request = sessions && { exclude: { sessions } };
  await Promise.all(Array.from({ length: count }, (_, at) => host.node.publish(channel, `${at}`, request)));
  await host.settle();
}

describe.each(['h:1', 'n:1'])('a publication in %s', (channel) => {
  test('is made into a frame once for each wire, however many subscribers there are', async () => {
    const wires = [new LineWire({ name: 'x' }), new LineWire({ name: 'y' }), new LineWire({ name: 'z' })];
    const { host } = await audience(30, channel, wires);
    const before = wires.map(({ encoded }) => encoded);
    await publish(host, channel, 7);
    expect(wires.map(({ encoded }, index) => encoded - (before[index] ?? 0))).toEqual([7, 7, 7]);
  });

  test('and all others of its turn cost one write for each subscriber', async () => {
    const { host, all } = await audience(50, channel);
    await publish(host, channel, 64);
    expect(all.map(({ connection }) => connection.buffers.length)).toEqual(Array(50).fill(1));
    await publish(host, channel, 1);
    expect(all.map(({ connection }) => connection.buffers.length)).toEqual(Array(50).fill(2));
  });

  test('reaches everybody as the same bytes in memory', async () => {
    const { host, all } = await audience(50, channel);
    await publish(host, channel, 10);
    expect(new Set(all.map(({ connection }) => connection.buffers[0])).size).toBe(1);
  });

  test('that excludes one costs the others nothing', async () => {
    const { host, all, wire } = await audience(20, channel);
    const before = wire.encoded;
    const [left = all[0], ...others] = all;
    await publish(host, channel, 5, [left?.session ?? '']);
    await publish(host, channel, 1);
    expect(wire.encoded - before).toBe(6);
    expect(new Set(others.map(({ connection }) => connection.buffers[0])).size).toBe(1);
    expect(others.map(({ connection }) => connection.buffers.length)).toEqual(Array(19).fill(2));
    expect(left?.connection.buffers).toHaveLength(1);
  });

  test('is kept no longer than until everybody has it', async () => {
    const { host } = await audience(10, channel);
    await publish(host, channel, 100);
    expect(host.node.figures().laneLogBytes).toBe(0);
  });
});

test('a session in several channels of a turn is written to once', async () => {
  const host = await startCore();
  const clients = Array.from({ length: 5 }, () => host.connect());
  for (const client of clients) {
    await client.ask(['h:1', 'h:2', 'n:3'].map((channel) => ({ op: 'subscribe', channel })));
  }
  const before = clients.map(({ connection }) => connection.writes);
  for (const channel of ['h:1', 'n:3', 'h:2', 'h:1']) void host.node.publish(channel, '1');
  await host.settle();
  expect(clients.map(({ connection }, index) => connection.writes - (before[index] ?? 0))).toEqual([
    1, 1, 1, 1, 1,
  ]);
  for (const client of clients) expect(client.lines().length).toBe(4);
});

test('who comes in step late, with others, shares what they are given', async () => {
  const { host, all, wire } = await audience(40);
  const before = wire.encoded;
  const late = Array.from({ length: 40 }, () => host.connect({ wire }));
  for (const client of late) client.send({ op: 'subscribe', channel: 'h:1' });
  await host.settle();
  await publish(host, 'h:1', 3);
  expect(wire.encoded - before).toBe(3);
  for (const client of late) expect(client.lines()).toHaveLength(4);
  expect(all[0]?.connection.buffers).toHaveLength(1);
});

test('who was slow for a while reads on from frames that are there already', async () => {
  const host = await startCore();
  const wire = new LineWire();
  const fast = host.connect({ wire });
  const slow = Array.from({ length: 10 }, () => host.connect({ wire, capacity: 500 }));
  for (const client of [fast, ...slow]) await client.ask({ op: 'subscribe', channel: 'h:1' });
  for (let turn = 0; turn < 40; turn++) await publish(host, 'h:1', 2);
  for (const client of slow) expect((await client.settledLines()).length).toBe(80);
  expect(wire.encoded).toBe(80);
  expect(host.node.figures().counters.rereads).toBe(0);
});

test('a reply and the publications of its turn are written in their order', async () => {
  const host = await startCore();
  const client = host.connect();
  await client.ask({ op: 'subscribe', channel: 'h:1' });
  const { writes } = client.connection;
  client.send({ op: 'publish', channel: 'h:1', data: 1, id: 1 });
  client.send({ op: 'ping', id: 2 });
  await host.settle();
  expect(client.lines()).toHaveLength(3);
  expect(client.connection.writes - writes).toBeLessThanOrEqual(2);
});

test('an idle subscriber costs no timer and no write', async () => {
  const { host, all } = await audience(10);
  const { timers } = host.clock;
  await host.clock.elapse(keeping.ttlMs);
  expect(host.clock.timers).toBe(timers);
  expect(all.every(({ connection }) => connection.buffers.length === 0)).toBe(true);
});

test('a thousand that come back at once hold no more than what their connections take', async () => {
  const host = await startCore({
    rules: [
      {
        pattern: '*',
        subscribe: 'anyone',
        publish: 'anyone',
        readHistory: 'anyone',
        retention: { size: 1_000, ttlMs: 600_000 },
      },
    ],
  });
  const data = JSON.stringify('x'.repeat(2_000));
  for (let count = 0; count < 1_000; count++) await host.node.publish('a', data);
  const { epoch } = await host.broker.history('a', { limit: 0 });
  const clients: TestClient[] = [];
  for (let count = 0; count < 100; count++) {
    const client = host.connect({ capacity: 10_000 });
    client.send({ op: 'subscribe', channel: 'a', since: { epoch, offset: 0 } });
    clients.push(client);
  }
  await host.settle();
  const pinned = clients.map(({ connection }) => connection.mostPending);
  expect(Math.max(...pinned)).toBeLessThan(300_000);
  expect((await clients[0]?.settledLines())?.length).toBe(1_001);
});
