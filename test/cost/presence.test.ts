/** What presence costs, by counting: frames made, writes done. */
import { expect, test } from 'vitest';
import { CoreHost } from '../../packages/server/src/testing/core-host.ts';
import { FakeConnection } from '../../packages/server/src/testing/fake-connection.ts';
import { LineWire } from '../../packages/server/src/testing/line-wire.ts';

/** Counts what it makes of events. */
class CountingWire extends LineWire {
  messages = 0;

  override message(text: string): Buffer {
    this.messages += 1;
    return super.message(text);
  }
}

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const retention = { size: 10, ttlMs: 60_000 };

/** A host, and so many subscribers of `room` on each of the wires, all in step. */
async function audience(
  count: number,
  wires: readonly LineWire[],
): Promise<{ host: CoreHost; connections: readonly FakeConnection[] }> {
  const host = new CoreHost({
    rules: [{ pattern: 'room', ...open, presence: { announces: true }, retention }],
  });
  await host.node.start();
  const connections: FakeConnection[] = [];
  for (const wire of wires) {
    for (let index = 0; index < count; index++) connections.push(enter(host, wire));
  }
  await host.settle();
  await host.node.publish('room', '0');
  await host.settle();
  for (const connection of connections) connection.read();
  return { host, connections };
}

function enter(host: CoreHost, wire: LineWire): FakeConnection {
  const connection = new FakeConnection(wire);
  connection.listen(host.node.accept(connection, { address: '192.0.2.1', headers: {} }));
  connection.send('{"op":"subscribe","channel":"room"}');
  return connection;
}

test.each([10, 300])(
  'PRE5 a join among %i subscribers of each wire is made into a frame once for each',
  async (count) => {
    const wires = [new CountingWire({ name: 'x' }), new CountingWire({ name: 'y' })];
    const { host, connections } = await audience(count, wires);
    for (const wire of wires) wire.messages = 0;
    const before = connections.map(({ writes }) => writes);
    enter(host, new CountingWire({ name: 'z' }));
    await host.settle();
    expect(wires.map(({ messages }) => messages)).toEqual([1, 1]);
    expect(connections.map(({ writes }, index) => writes - (before[index] ?? 0))).toEqual(
      connections.map(() => 1),
    );
  },
);

test('PRE5 what comes, goes and is published in one turn is one write for each subscriber', async () => {
  const wire = new CountingWire();
  const { host, connections } = await audience(100, [wire]);
  const before = connections.map(({ writes }) => writes);
  wire.messages = 0;
  const others = Array.from({ length: 20 }, () => enter(host, new CountingWire({ name: 'z' })));
  void host.node.publish('room', '1');
  // What promises have ready still belongs to this turn.
  await new Promise((resolve) => setImmediate(resolve));
  for (const other of others) other.send('{"op":"unsubscribe","channel":"room"}');
  await new Promise((resolve) => setImmediate(resolve));
  await host.settle();
  expect(wire.messages).toBe(40);
  expect(connections.map(({ writes }, index) => writes - (before[index] ?? 0))).toEqual(
    connections.map(() => 1),
  );
});

test('PRE6 however many are waited for, it is one timer', async () => {
  const { host, connections } = await audience(200, [new CountingWire()]);
  const { timers } = host.clock;
  for (const connection of connections.slice(1)) connection.cut();
  expect(host.clock.timers).toBe(timers + 1);
});
