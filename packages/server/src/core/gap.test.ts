import { describe, expect, test } from 'vitest';
import { type CoreHost, memoryBroker, startCore } from '../testing/core-host.ts';
import { HeldBroker } from '../testing/held-broker.ts';
import { LineWire } from '../testing/line-wire.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Broker, BrokerSink } from './broker.ts';

interface Message {
  readonly type?: string;
  readonly offset?: number;
}

async function publishMany(host: CoreHost, channel: string, count: number, data = '1'): Promise<void> {
  for (let published = 0; published < count; published++) await host.node.publish(channel, data);
}

async function epochOf(host: CoreHost, channel = 'h:1'): Promise<string> {
  return (await host.broker.history(channel, { limit: 0 })).epoch;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

async function startHeld(options: object = {}): Promise<{ host: CoreHost; broker: HeldBroker }> {
  const clock = new VirtualClock();
  const broker = new HeldBroker(memoryBroker(clock));
  return { host: await startCore({ broker, clock, ...options }), broker };
}

describe('a gap that the broker tells', () => {
  test('in which nothing was lost is not told on', async () => {
    const { host, broker } = await startHeld();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    await publishMany(host, 'h:1', 2);
    broker.gap('h:1');
    await publishMany(host, 'h:1', 2);
    expect(((await client.messages()) as Message[]).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect(host.node.figures().counters.gaps).toBe(0);
  });

  test('is filled from history, before what comes after it', async () => {
    const { host, broker } = await startHeld();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    await publishMany(host, 'h:1', 2);
    broker.isDeaf = true;
    await publishMany(host, 'h:1', 3);
    broker.isDeaf = false;
    broker.gap('h:1');
    void host.node.publish('h:1', '1');
    expect(((await client.messages()) as Message[]).map(({ offset }) => offset)).toEqual(numbers(1, 6));
  });

  test('is told where history has lost it as well', async () => {
    const { host, broker } = await startHeld();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    await publishMany(host, 'h:1', 2);
    await client.messages();
    broker.isDeaf = true;
    await publishMany(host, 'h:1', 3);
    await host.node.removeHistory('h:1');
    await publishMany(host, 'h:1', 1);
    broker.isDeaf = false;
    broker.gap('h:1');
    const epoch = await epochOf(host);
    expect(await client.messages()).toEqual([
      { event: 'h:1', type: 'gap', epoch, from: 3, to: 5 },
      { event: 'h:1', data: 1, offset: 6 },
    ]);
  });

  test('that comes while history is asked makes what was read before worthless', async () => {
    const { host, broker } = await startHeld();
    await publishMany(host, 'h:1', 2);
    const other = host.connect();
    await other.ask({ op: 'subscribe', channel: 'h:1' });
    const epoch = await epochOf(host);
    broker.isHeld = true;
    const client = host.connect();
    client.send({ op: 'subscribe', channel: 'h:1', since: { epoch, offset: 0 }, id: 1 });
    await host.settle();
    broker.isDeaf = true;
    await publishMany(host, 'h:1', 3);
    broker.isDeaf = false;
    broker.gap('h:1');
    await publishMany(host, 'h:1', 2);
    broker.isHeld = false;
    broker.release();
    const messages = (await client.messages()) as Message[];
    expect(messages.slice(1).map(({ offset }) => offset)).toEqual(numbers(1, 7));
    expect(((await other.messages()) as Message[]).map(({ offset }) => offset)).toEqual(numbers(3, 7));
  });

  test('REC11 in a channel without history it is told without numbers, once, and nothing comes twice', async () => {
    const { host, broker } = await startHeld();
    const [fast, slow] = [host.connect(), host.connect({ capacity: 60 })];
    for (const client of [fast, slow]) await client.ask({ op: 'subscribe', channel: 'n:1' });
    await publishMany(host, 'n:1', 4);
    await host.settle();
    const before = await fast.messages();
    expect(before).toHaveLength(4);
    broker.gap('n:1');
    await publishMany(host, 'n:1', 1, '"after"');
    expect(await fast.messages()).toEqual([
      { event: 'n:1', type: 'gap' },
      { event: 'n:1', data: 'after' },
    ]);
    const late = (await slow.messages()) as Message[];
    expect(late.filter(({ type }) => type === 'gap')).toHaveLength(1);
    expect(late.at(-1)).toEqual({ event: 'n:1', data: 'after' });
  });

  test('ends all connections that have no words for it, and only those', async () => {
    const { host, broker } = await startHeld();
    const bare = new LineWire({ isBare: true });
    const mute = [host.connect({ wire: bare }), host.connect({ wire: bare })];
    const wire = new LineWire();
    const others = [host.connect({ wire }), host.connect({ wire })];
    for (const client of [...mute, ...others]) await client.ask({ op: 'subscribe', channel: 'n:1' });
    broker.gap('n:1');
    for (const client of others) {
      expect(await client.messages()).toEqual([{ event: 'n:1', type: 'gap' }]);
      expect(client.connection.ended).toBeUndefined();
    }
    expect(mute.map(({ connection }) => connection.ended?.code)).toEqual([3008, 3008]);
    expect(host.node.subscribers('n:1')).toBe(2);
  });
});

test('REC10 a change of epoch is told with the new one, and everything of it follows', async () => {
  const clock = new VirtualClock();
  let inner = memoryBroker(clock);
  const sinks: BrokerSink[] = [];
  const broker = new Proxy({} as Broker, {
    get: (_, name: keyof Broker) =>
      name === 'start'
        ? (sink: BrokerSink) => {
            sinks.push(sink);
            return inner.start(sink);
          }
        : (...args: never[]) => (inner[name] as (...given: never[]) => unknown)(...args),
  });
  const host = await startCore({ broker, clock });
  const client = host.connect();
  await client.ask({ op: 'subscribe', channel: 'h:1' });
  await publishMany(host, 'h:1', 7);
  await client.messages();
  inner = memoryBroker(clock);
  const [sink] = sinks;
  if (sink !== undefined) await inner.start(sink);
  await inner.publish('h:1', '"unheard"', { retention: { size: 9, ttlMs: 60_000 } });
  sink?.gap('h:1');
  await publishMany(host, 'h:1', 2);
  const epoch = await epochOf(host);
  const messages = (await client.messages()) as Message[];
  expect(messages[0]).toEqual({ event: 'h:1', type: 'gap', epoch, from: 1, to: 0 });
  expect(messages.slice(1).map(({ offset }) => offset)).toEqual([1, 2, 3]);
  await publishMany(host, 'h:1', 1);
  expect(((await client.messages()) as Message[]).map(({ offset }) => offset)).toEqual([4]);
});
