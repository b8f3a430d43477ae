import { describe, expect, test } from 'vitest';
import { keeping, memoryBroker, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Broker, BrokerSink } from './broker.ts';
import type { ConnectionListener } from './connection.ts';
import { createCounters } from './figures.ts';
import { Hub } from './hub.ts';
import { Registry } from './registry.ts';

/** A broker that only remembers what it was asked, and answers when the test says so. */
class ScriptedBroker implements Broker {
  readonly asked: string[] = [];
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /** Answers the oldest request that waits; with an error, if there is one. */
  async answer(error?: Error): Promise<void> {
    const next = this.#waiting.shift();
    if (error === undefined) next?.resolve();
    else next?.reject(error);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  #ask(what: string): Promise<void> {
    this.asked.push(what);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  subscribe(channel: string): Promise<void> {
    return this.#ask(`subscribe ${channel}`);
  }
  unsubscribe(channel: string): Promise<void> {
    return this.#ask(`unsubscribe ${channel}`);
  }
  start(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  publish(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  answered(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  history(): Promise<never> {
    return Promise.reject(new Error('not asked for here'));
  }
  removeHistory(): Promise<void> {
    return Promise.resolve();
  }
  channels(): Promise<[]> {
    return Promise.resolve([]);
  }
}

function scripted(): { hub: Hub; broker: ScriptedBroker } {
  const broker = new ScriptedBroker();
  const hub = new Hub({
    broker,
    clock: new VirtualClock(),
    registry: new Registry(),
    counters: createCounters(),
    laneLogBytes: 1_000,
    reread() {},
  });
  return { hub, broker };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe('the broker is asked', () => {
  test('once for a channel, however many hold it, and told when the last lets go', async () => {
    const { hub, broker } = scripted();
    const [first, second] = [hub.hold('a'), hub.hold('a')];
    await settle();
    expect(second).toBe(first);
    expect(broker.asked).toEqual(['subscribe a']);
    await broker.answer();
    hub.release(first);
    await settle();
    expect(hub.channelCount).toBe(1);
    hub.release(first);
    await settle();
    expect(broker.asked).toEqual(['subscribe a', 'unsubscribe a']);
    expect(hub.channelCount).toBe(0);
  });

  test('to subscribe again only when the unsubscribe is done', async () => {
    const { hub, broker } = scripted();
    const first = hub.hold('a');
    await settle();
    await broker.answer();
    hub.release(first);
    await settle();
    const second = hub.hold('a');
    let isReady = false;
    void second.ready.then(() => {
      isReady = true;
    });
    await settle();
    expect(broker.asked).toEqual(['subscribe a', 'unsubscribe a']);
    await broker.answer();
    expect(broker.asked).toEqual(['subscribe a', 'unsubscribe a', 'subscribe a']);
    expect(isReady).toBe(false);
    await broker.answer();
    expect(isReady).toBe(true);
  });

  test('to unsubscribe only when the subscribe is done, and never when it failed', async () => {
    const { hub, broker } = scripted();
    hub.release(hub.hold('a'));
    hub.release(hub.hold('b'));
    await settle();
    expect(broker.asked).toEqual(['subscribe a', 'subscribe b']);
    await broker.answer(new Error('no'));
    await broker.answer();
    expect(broker.asked).toEqual(['subscribe a', 'subscribe b', 'unsubscribe b']);
  });

  test('again for a channel after it could not be delivered', async () => {
    const { hub, broker } = scripted();
    const failed = hub.hold('a');
    await settle();
    await broker.answer(new Error('no'));
    await expect(failed.ready).rejects.toThrow('no');
    hub.release(failed);
    const again = hub.hold('a');
    await settle();
    await broker.answer();
    await expect(again.ready).resolves.toBeUndefined();
  });
});

describe('what comes for a channel', () => {
  test('that nobody holds is dropped', async () => {
    const host = await startCore();
    await host.node.publish('h:1', '1');
    await host.settle();
    expect(host.node.figures()).toMatchObject({ channels: 0, laneLogBytes: 0 });
  });

  test('of a subscription that is being given up is not mixed with that of the next', async () => {
    const clock = new VirtualClock();
    const inner = memoryBroker(clock);
    let sink: BrokerSink | undefined;
    let leave: (() => void) | undefined;
    const broker: Broker = {
      start: (given) => {
        sink = given;
        return inner.start({ publications() {}, gap() {} });
      },
      close: () => inner.close(),
      subscribe: (channel) => inner.subscribe(channel),
      unsubscribe: () =>
        new Promise((resolve) => {
          leave = resolve;
        }),
      publish: (...args) => inner.publish(...args),
      answered: (...args) => inner.answered(...args),
      history: (...args) => inner.history(...args),
      removeHistory: (channel) => inner.removeHistory(channel),
      channels: (...args) => inner.channels(...args),
    };
    const host = await startCore({ broker, clock });
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'n:1' }, { op: 'unsubscribe', channel: 'n:1' });
    client.send({ op: 'subscribe', channel: 'n:1' });
    await host.settle();
    sink?.publications('n:1', [{ offset: 0, data: '"old"' }], '');
    sink?.gap('n:1');
    leave?.();
    await host.settle();
    sink?.publications('n:1', [{ offset: 0, data: '"new"' }], '');
    expect(await client.messages()).toEqual([{ result: true }, { event: 'n:1', data: 'new' }]);
  });

  test('reaches each subscriber under the name that it used, on its own wire', async () => {
    const host = await startCore();
    const bare = host.connect({ wire: new LineWire({ isBare: true }) });
    const alias = host.connect({ token: 'token-ann' });
    const name = host.connect({ token: 'token-ann' });
    await alias.ask({ op: 'subscribe', channel: '@user' });
    await name.ask({ op: 'subscribe', channel: 'user:ann' });
    await bare.ask({ op: 'subscribe', channel: 'n:1' });
    await host.node.publish('user:ann', '1');
    await host.node.publish('n:1', '{"a":1}');
    expect(await alias.messages()).toEqual([{ event: '@user', data: 1, offset: 1 }]);
    expect(await name.messages()).toEqual([{ event: 'user:ann', data: 1, offset: 1 }]);
    expect(await bare.messages()).toEqual([{ a: 1 }]);
    expect(host.node.subscribers('user:ann')).toBe(2);
  });
});

/** Counts what was published, delivered and told. */
test('the figures count what happened', async () => {
  const host = await startCore();
  const wire = new LineWire({ name: 'test' });
  for (let count = 0; count < 3; count++)
    await host.connect({ wire }).ask({ op: 'subscribe', channel: 'h:1' });
  for (let count = 0; count < 4; count++) await host.node.publish('h:1', '1');
  await host.settle();
  const { counters, ...rest } = host.node.figures();
  expect(rest).toMatchObject({ sessions: 3, channels: 1, subscriptions: 3, laneLogBytes: 0 });
  expect(counters.publications).toBe(4);
  expect(counters.deliveries.get('test')).toBe(12);
  expect(counters.deliveredBytes).toBe(12 * '{"event":"h:1","data":1,"offset":1}\n'.length);
});

describe('a busy node', () => {
  test('gathers for a millisecond after a wide flush, and a quiet one never waits', async () => {
    const host = await startCore();
    const clients = Array.from({ length: 300 }, () => host.connect());
    for (const client of clients) client.send({ op: 'subscribe', channel: 'h:1' });
    await host.settle();
    for (const client of clients) client.lines();
    const publish = async (): Promise<void> => {
      await host.node.publish('h:1', '1');
      await host.clock.elapse(0);
    };
    const received = (): number => clients[0]?.lines().length ?? 0;
    await publish();
    expect(received()).toBe(1);
    await publish();
    expect(received()).toBe(0);
    await publish();
    expect(received()).toBe(0);
    await host.clock.elapse(1);
    expect(received()).toBe(2);
    await host.clock.elapse(1);
    await publish();
    expect(received()).toBe(1);
  });

  test('does not pin more than one write in a connection of many channels', async () => {
    const host = await startCore();
    const client = host.connect({ capacity: 1_000 });
    const channels = Array.from({ length: 20 }, (_, index) => `h:${index}`);
    for (const channel of channels) await client.ask({ op: 'subscribe', channel });
    for (const channel of channels) await host.node.publish(channel, '1');
    await client.messages();
    const data = JSON.stringify('x'.repeat(50_000));
    for (const channel of channels) void host.node.publish(channel, data);
    expect(await client.messages()).toHaveLength(20);
    expect(client.connection.mostPending).toBeLessThan(300_000);
  });
});

/** Takes a tick of the clock for every write, as a slow kernel would. */
class TickingConnection extends FakeConnection {
  static ticks = 0;

  override write(bytes: Buffer): boolean {
    TickingConnection.ticks += 1;
    return super.write(bytes);
  }
}

test('a very wide flush lets others have a turn in between', async () => {
  const clock = new VirtualClock();
  const now = clock.now.bind(clock);
  // Every hundred writes take a millisecond.
  clock.now = () => now() + Math.floor(TickingConnection.ticks / 100);
  const turns: number[] = [];
  const atTurnEnd = clock.atTurnEnd.bind(clock);
  clock.atTurnEnd = (task) =>
    atTurnEnd(() => {
      const before = TickingConnection.ticks;
      task();
      if (TickingConnection.ticks > before) turns.push(TickingConnection.ticks - before);
    });
  const host = await startCore({ clock });
  const wire = new LineWire();
  const listeners: ConnectionListener[] = [];
  for (let count = 0; count < 3_000; count++) {
    const connection = new TickingConnection(wire);
    const listener = host.node.accept(connection, { address: '192.0.2.1', headers: {} });
    listener.received('{"op":"subscribe","channel":"h:1"}');
    listeners.push(listener);
  }
  await host.settle();
  await host.node.publish('h:1', '1');
  await host.settle();
  turns.length = 0;
  await host.node.publish('h:1', '2');
  await host.clock.elapse(10);
  expect(turns.reduce((sum, writes) => sum + writes, 0)).toBe(3_000);
  expect(turns.length).toBeGreaterThan(3);
  expect(Math.max(...turns)).toBeLessThanOrEqual(1_024);
  expect(keeping.size).toBeGreaterThan(2);
});
