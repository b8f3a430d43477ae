import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { type CoreHost, memoryBroker, startCore, type TestClient } from '../testing/core-host.ts';
import { HeldBroker } from '../testing/held-broker.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';

interface Message {
  readonly id?: number;
  readonly event?: string;
  readonly type?: string;
  readonly offset?: number;
  readonly result?: { readonly epoch: string; readonly offset: number; readonly recovered: boolean };
}

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;

async function publishMany(host: CoreHost, channel: string, count: number, data = '1'): Promise<void> {
  for (let published = 0; published < count; published++) await host.node.publish(channel, data);
}

async function epochOf(host: CoreHost, channel = 'h:1'): Promise<string> {
  return (await host.broker.history(channel, { limit: 0 })).epoch;
}

/** Subscribes, and gives the result and the offsets that follow. */
async function subscribe(
  client: TestClient,
  fields: object,
): Promise<{ result: Message['result']; offsets: (number | undefined)[]; messages: Message[] }> {
  const messages = (await client.ask({ op: 'subscribe', channel: 'h:1', id: 1, ...fields })) as Message[];
  const [first, ...rest] = messages;
  return { result: first?.result, offsets: rest.map(({ offset }) => offset), messages: rest };
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

async function startHeld(options: object = {}): Promise<{ host: CoreHost; broker: HeldBroker }> {
  const clock = new VirtualClock();
  const broker = new HeldBroker(memoryBroker(clock));
  return { host: await startCore({ broker, clock, ...options }), broker };
}

describe('since', () => {
  test.each([
    [0, true, numbers(1, 5)],
    [3, true, [4, 5]],
    [5, true, []],
  ])('REC3 %i of 5: recovered %s', async (offset, recovered, offsets) => {
    const host = await startCore();
    await publishMany(host, 'h:1', 5);
    const epoch = await epochOf(host);
    const given = await subscribe(host.connect(), { since: { epoch, offset } });
    expect(given.result).toEqual({ channel: 'h:1', epoch, offset: 5, recovered, recoverable: true });
    expect(given.offsets).toEqual(offsets);
  });

  test('REC4 beyond what is kept is not recovered, and gives what is kept', async () => {
    const host = await startCore({
      rules: [{ pattern: '*', ...open, retention: { size: 3, ttlMs: 60_000 } }],
    });
    await publishMany(host, 'h:1', 10);
    const epoch = await epochOf(host);
    for (const [offset, recovered] of [
      [6, false],
      [7, true],
    ] as const) {
      const given = await subscribe(host.connect(), { since: { epoch, offset } });
      expect([given.result?.recovered, given.offsets]).toEqual([recovered, [8, 9, 10]]);
    }
  });

  test('REC4 of another epoch, or above the top, is not recovered, and gives everything that is kept', async () => {
    const host = await startCore();
    await publishMany(host, 'h:1', 3);
    const epoch = await epochOf(host);
    for (const since of [
      { epoch: 'another', offset: 2 },
      { epoch, offset: 4 },
    ]) {
      const given = await subscribe(host.connect(), { since });
      expect([given.result?.recovered, given.offsets]).toEqual([false, [1, 2, 3]]);
    }
  });

  test('REC4 the top of an emptied history is recovered, anything below is not', async () => {
    const host = await startCore();
    await publishMany(host, 'h:1', 3);
    await host.node.removeHistory('h:1');
    const epoch = await epochOf(host);
    const at = async (offset: number): Promise<unknown> => {
      const { result, offsets } = await subscribe(host.connect(), { since: { epoch, offset } });
      return [result?.recovered, offsets];
    };
    expect([await at(3), await at(2)]).toEqual([
      [true, []],
      [false, []],
    ]);
  });

  test('REC3 the reply comes first, then the replay, then what is live, without gap or repeat', async () => {
    const host = await startCore();
    await publishMany(host, 'h:1', 5);
    const client = host.connect();
    const epoch = await epochOf(host);
    client.send({ op: 'subscribe', channel: 'h:1', since: { epoch, offset: 2 }, id: 1 });
    for (let published = 0; published < 4; published++) void host.node.publish('h:1', '1');
    await host.settle();
    void host.node.publish('h:1', '1');
    const messages = (await client.messages()) as Message[];
    expect(messages[0]?.id).toBe(1);
    expect(messages.slice(1).map(({ offset }) => offset)).toEqual(numbers(3, 10));
  });

  test('a history of many pages is read to its end, also where nobody else listens', async () => {
    const retention = { size: 5_000, ttlMs: 600_000 };
    const host = await startCore({ rules: [{ pattern: '*', ...open, retention }] });
    await publishMany(host, 'h:1', 2_500);
    const epoch = await epochOf(host);
    const given = await subscribe(host.connect(), { since: { epoch, offset: 0 } });
    expect(given.result?.recovered).toBe(true);
    expect(given.offsets).toEqual(numbers(1, 2_500));
  });

  test('pages of many bytes are read as the connection takes them', async () => {
    const host = await startCore();
    await publishMany(host, 'h:1', 60, JSON.stringify('x'.repeat(20_000)));
    const epoch = await epochOf(host);
    const client = host.connect({ capacity: 30_000 });
    client.send({ op: 'subscribe', channel: 'h:1', id: 1, since: { epoch, offset: 0 } });
    await host.settle();
    expect(client.connection.pending).toBeGreaterThan(0);
    await publishMany(host, 'h:1', 3);
    const messages = (await client.messages()) as Message[];
    expect(messages.slice(1).map(({ offset }) => offset)).toEqual(numbers(1, 63));
    expect(client.connection.mostPending).toBeLessThan(limits.joinedWriteBytes + 30_000);
  });
});

describe('REC5 last', () => {
  test.each([
    [2, [4, 5]],
    [5, numbers(1, 5)],
    [9, numbers(1, 5)],
  ])('%i of 5', async (last, offsets) => {
    const host = await startCore();
    await publishMany(host, 'h:1', 5);
    const given = await subscribe(host.connect(), { last });
    expect([given.result?.recovered, given.result?.offset, given.offsets]).toEqual([false, 5, offsets]);
  });

  test('counts back from the offset that the reply tells, though more was published meanwhile', async () => {
    const { host, broker } = await startHeld();
    await publishMany(host, 'h:1', 5);
    const client = host.connect();
    broker.isHeld = true;
    client.send({ op: 'subscribe', channel: 'h:1', last: 2, id: 1 });
    await host.settle();
    await publishMany(host, 'h:1', 1);
    broker.release();
    await host.settle();
    broker.isHeld = false;
    broker.release();
    const [reply, ...events] = (await client.messages()) as Message[];
    expect(reply?.result?.offset).toBe(6);
    expect(events.map(({ offset }) => offset)).toEqual([5, 6]);
  });
});

describe('REC8 exclusions', () => {
  test('hold in the replay, of the session before and of the user too', async () => {
    const host = await startCore();
    const former = host.connect({ token: 'token-ann' });
    await former.ask({ op: 'subscribe', channel: 'h:1' });
    await host.node.publish('h:1', '1', { exclude: { sessions: [former.session] } });
    await host.node.publish('h:1', '2', { exclude: { users: ['ann'] } });
    await host.node.publish('h:1', '3');
    expect((await former.messages()) as Message[]).toEqual([{ event: 'h:1', data: 3, offset: 3 }]);
    former.connection.cut();
    const since = { epoch: await epochOf(host), offset: 0 };
    const back = host.connect({ token: 'token-ann' });
    const given = await subscribe(back, { since, session: former.session });
    expect([given.result?.recovered, given.offsets]).toEqual([true, [3]]);
    const other = await subscribe(host.connect(), { since });
    expect(other.offsets).toEqual([1, 2, 3]);
  });

  test('of the session before hold for what is published later, too', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1', session: 'before' });
    await publishMany(host, 'h:1', 1);
    await host.node.publish('h:1', '2', { exclude: { sessions: ['before'] } });
    await publishMany(host, 'h:1', 1);
    expect(((await client.messages()) as Message[]).map(({ offset }) => offset)).toEqual([1, 3]);
  });

  test('hold for a user who was known only after the subscribe', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    await client.ask({ op: 'auth', token: 'token-ann' });
    await host.node.publish('h:1', '1', { exclude: { users: ['ann'] } });
    expect(await client.messages()).toEqual([]);
  });
});

describe('while history is asked', () => {
  test('what is published meanwhile is held, and given once', async () => {
    const { host, broker } = await startHeld();
    await publishMany(host, 'h:1', 3);
    const epoch = await epochOf(host);
    broker.isHeld = true;
    const client = host.connect();
    client.send({ op: 'subscribe', channel: 'h:1', since: { epoch, offset: 1 }, id: 1 });
    await host.settle();
    await publishMany(host, 'h:1', 3);
    await host.settle();
    expect(client.lines()).toEqual([]);
    broker.isHeld = false;
    broker.release();
    const messages = (await client.messages()) as Message[];
    expect(messages.slice(1).map(({ offset }) => offset)).toEqual(numbers(2, 6));
  });

  test('more than the lane keeps meanwhile is read from history', async () => {
    const { host, broker } = await startHeld({ laneLogBytes: 200 });
    await publishMany(host, 'h:1', 3);
    const epoch = await epochOf(host);
    broker.isHeld = true;
    const client = host.connect();
    client.send({ op: 'subscribe', channel: 'h:1', since: { epoch, offset: 1 }, id: 1 });
    await host.settle();
    for (let turn = 0; turn < 50; turn++) {
      await publishMany(host, 'h:1', 1);
      await host.settle();
    }
    expect(host.node.figures().laneLogBytes).toBeLessThanOrEqual(200);
    broker.isHeld = false;
    broker.release();
    const messages = (await client.messages()) as Message[];
    expect(messages.slice(1).map(({ offset }) => offset)).toEqual(numbers(2, 53));
  });

  test('a client that goes away leaves nothing behind', async () => {
    const { host, broker } = await startHeld();
    broker.isHeld = true;
    const client = host.connect();
    client.send({ op: 'subscribe', channel: 'h:1' });
    await host.settle();
    client.connection.cut();
    broker.release();
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, channels: 0, subscriptions: 0 });
    expect(host.errors).toEqual([]);
  });
});

test('a history that cannot be read ends the connection with 3010', async () => {
  const { host, broker } = await startHeld({ laneLogBytes: 100 });
  const client = host.connect({ capacity: 100 });
  await client.ask({ op: 'subscribe', channel: 'h:1' });
  for (let turn = 0; turn < 20; turn++) {
    await publishMany(host, 'h:1', 1);
    await host.settle();
  }
  broker.failing = new Error('gone');
  await client.messages();
  expect(client.connection.ended).toEqual({ code: 3010, reason: 'insufficient state' });
  expect(host.errors).toHaveLength(1);
});

test('a subscribe whose history cannot be read is an error, and no subscription', async () => {
  const { host, broker } = await startHeld();
  broker.failing = new Error('gone');
  const client = host.connect();
  expect(await client.ask({ op: 'subscribe', channel: 'h:1' })).toMatchObject([{ code: 100 }]);
  expect(host.node.subscribers('h:1')).toBe(0);
  broker.failing = undefined;
  expect(await client.ask({ op: 'subscribe', channel: 'h:1' })).toEqual([{ result: true }]);
});

test('a client that was away from many channels gets all of them back, and is not called slow', async () => {
  const retention = { size: 50, ttlMs: 600_000 };
  const host = await startCore({ rules: [{ pattern: '*', ...open, retention }] });
  const channels = Array.from({ length: 60 }, (_, index) => `c${index}`);
  const data = JSON.stringify('x'.repeat(10_000));
  for (const channel of channels) await publishMany(host, channel, 30, data);
  const client = host.connect({ capacity: 100_000 });
  for (const [id, channel] of channels.entries()) {
    const since = { epoch: await epochOf(host, channel), offset: 0 };
    client.send({ op: 'subscribe', channel, since, id });
  }
  const messages = (await client.messages()) as Message[];
  expect(client.connection.ended).toBeUndefined();
  expect(messages.filter(({ id }) => id !== undefined)).toHaveLength(60);
  for (const channel of channels) {
    const offsets = messages.filter(({ event }) => event === channel).map(({ offset }) => offset);
    expect(offsets).toEqual(numbers(1, 30));
  }
  expect(client.connection.mostPending).toBeLessThan(limits.joinedWriteBytes * 2);
});
