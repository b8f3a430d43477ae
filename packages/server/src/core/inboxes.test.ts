import { describe, expect, test } from 'vitest';
import { type CoreHost, keeping, startCore, type TestClient } from '../testing/core-host.ts';
import type { Rule } from './rules.ts';

const owned = { subscribe: 'owner', publish: 'nobody', readHistory: 'owner' } as const;
const inboxRule: Rule = { pattern: 'user:{uid}', ...owned, retention: keeping, inbox: {} };
const rules: readonly Rule[] = [
  inboxRule,
  { pattern: 'h:*', subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone', retention: keeping },
];
const ok = { result: true };

const start = (more: readonly Rule[] = []): Promise<CoreHost> => startCore({ rules: [...rules, ...more] });

/** A connection of a device; without a name, of the one that has none. */
async function device(host: CoreHost, name?: string, user = 'ann'): Promise<TestClient> {
  const client = host.connect();
  const auth = { op: 'auth', token: `token-${user}`, ...(name !== undefined && { device: name }) };
  expect(await client.ask(auth)).toEqual([ok]);
  return client;
}

async function push(host: CoreHost, ...data: readonly number[]): Promise<void> {
  for (const each of data) await host.node.publish('user:ann', String(each));
}

const event = (offset: number, name = 'user:ann') => ({ event: name, data: offset, offset });
const subscribe = { op: 'subscribe', channel: 'user:ann', id: 1 };
const ack = (offset: number, rest: object = {}) => ({ op: 'ack', channel: 'user:ann', offset, ...rest });

describe('INB2 a device that comes back', () => {
  test('gets what it has not acknowledged, in order, after the reply; INB3 which counts it', async () => {
    const host = await start();
    await push(host, 1, 2, 3);
    const first = await device(host, 'phone');
    const { epoch } = await host.broker.history('user:ann', { limit: 0 });
    expect(await first.ask(subscribe)).toEqual([
      {
        id: 1,
        result: { channel: 'user:ann', epoch, offset: 3, recovered: false, recoverable: true, unread: 3 },
      },
      ...[event(1), event(2), event(3)],
    ]);
    expect(await first.ask(ack(2))).toEqual([ok]);
    await push(host, 4);
    first.connection.cut();
    await push(host, 5);
    const again = await device(host, 'phone');
    expect(await again.ask(subscribe)).toMatchObject([
      { result: { offset: 5, recovered: true, unread: 3 } },
      ...[event(3), event(4), event(5)],
    ]);
    await push(host, 6);
    expect(await again.messages()).toEqual([event(6)]);
  });

  test('and has acknowledged everything, gets nothing', async () => {
    const host = await start();
    await push(host, 1, 2);
    const client = await device(host);
    await client.ask(ack(2));
    expect(await client.ask(subscribe)).toMatchObject([{ result: { recovered: true, unread: 0 } }]);
  });

  test('gets everything that is kept where its cursor is of another epoch', async () => {
    const ttlMs = 365 * 86_400_000;
    const host = await startCore({ rules: [{ ...inboxRule, retention: { size: 100, ttlMs } }] });
    await push(host, 1);
    const client = await device(host, 'phone');
    await client.ask(ack(1));
    client.connection.cut();
    await host.broker.removeHistory('user:ann');
    // Longer than an empty channel's position is remembered, and not as long as the cursor is.
    await host.clock.elapse(2 * 86_400_000);
    await push(host, 7, 8);
    const again = await device(host, 'phone');
    expect(await again.ask(subscribe)).toMatchObject([
      { result: { offset: 2, recovered: false, unread: 2 } },
      { data: 7, offset: 1 },
      { data: 8, offset: 2 },
    ]);
  });

  test('is told that something is gone which it had not acknowledged, and only then', async () => {
    const host = await start([
      { ...inboxRule, pattern: 'few:{uid}', retention: { size: 2, ttlMs: 600_000 } },
    ]);
    const [left, kept] = [await device(host, 'left'), await device(host, 'kept')];
    for (const data of ['1', '2', '3']) await host.node.publish('few:ann', data);
    await left.ask({ ...ack(1), channel: 'few:ann' });
    await kept.ask({ ...ack(2), channel: 'few:ann' });
    await host.node.publish('few:ann', '4');
    const few = { ...subscribe, channel: 'few:ann' };
    const two = [{ offset: 3 }, { offset: 4 }];
    expect(await left.ask(few)).toMatchObject([{ result: { recovered: false, unread: 2 } }, ...two]);
    expect(await kept.ask(few)).toMatchObject([{ result: { recovered: true, unread: 2 } }, ...two]);
  });

  test('and says itself where to start, is taken at its word; INB3 unread counts by the cursor', async () => {
    const host = await start();
    await push(host, 1, 2, 3, 4);
    const client = await device(host);
    await client.ask(ack(1));
    const { epoch } = await host.broker.history('user:ann', { limit: 0 });
    expect(await client.ask({ ...subscribe, since: { epoch, offset: 3 } })).toMatchObject([
      { result: { recovered: true, unread: 3 } },
      event(4),
    ]);
    await client.ask({ op: 'unsubscribe', channel: 'user:ann' });
    expect(await client.ask({ ...subscribe, last: 2 })).toMatchObject([
      { result: { recovered: false, unread: 3 } },
      ...[event(3), event(4)],
    ]);
  });

  test('under an alias, and through batches', async () => {
    const host = await start();
    await push(host, 1, 2);
    const client = await device(host, 'phone');
    const frames = [
      { op: 'subscribe', channel: '@user', id: 1 },
      { op: 'ack', channel: '@user', offset: 1, id: 2 },
    ];
    expect(await client.ask(frames)).toMatchObject([
      [
        { id: 1, result: { channel: '@user', unread: 2 } },
        { id: 2, result: true },
      ],
      ...[event(1, '@user'), event(2, '@user')],
    ]);
  });
});

describe('INB1 whose inbox it is', () => {
  test('a client without a name for its device is the device default', async () => {
    const host = await start();
    await push(host, 1);
    await (await device(host)).ask(ack(1));
    const named = await device(host, 'default');
    expect(await named.ask(subscribe)).toMatchObject([{ result: { unread: 0 } }]);
  });

  test('others who may subscribe have no cursor, and cannot acknowledge', async () => {
    const host = await start([{ ...inboxRule, pattern: 'desk:{uid}', subscribe: 'user' }]);
    await host.node.publish('desk:ann', '1');
    const bob = await device(host, undefined, 'bob');
    const desk = { op: 'subscribe', channel: 'desk:ann', id: 1 };
    const [reply, ...others] = await bob.ask(desk);
    expect(reply).toMatchObject({ result: { offset: 1, recovered: false } });
    expect(reply).not.toHaveProperty('result.unread');
    expect(others).toEqual([]);
    expect(await bob.ask({ ...ack(1), channel: 'desk:ann' })).toMatchObject([{ code: 103 }]);
    expect(await (await device(host)).ask(desk)).toMatchObject([{ result: { unread: 1 } }, { offset: 1 }]);
  });
});

describe('INB4 ack', () => {
  test('is answered with true, an older one too, and changes nothing then', async () => {
    const host = await start();
    await push(host, 1, 2, 3);
    const client = await device(host);
    expect(await client.ask(ack(3, { id: 7 }), ack(1), ack(0))).toEqual([{ id: 7, result: true }, ok, ok]);
    expect(await client.ask(subscribe)).toMatchObject([{ result: { unread: 0 } }]);
    expect(host.node.figures().counters.acks).toBe(1);
  });

  test.each([
    [ack(4), 112, 'its newest offset 3'],
    [ack(1, { epoch: 'other' }), 112, 'newest offset 3'],
    [{ ...ack(1), channel: 'h:1' }, 108, "no inbox; its rule needs 'inbox: true'"],
    [{ ...ack(1), channel: 'user:bob' }, 103, ''],
    [{ ...ack(1), channel: 'none' }, 102, ''],
    [ack(-1), 107, "'offset' must be a whole number from 0"],
    [ack(1.5), 107, "'offset'"],
    [{ op: 'ack', channel: 'user:ann' }, 107, "'offset'"],
    [{ op: 'ack', offset: 1 }, 107, "'channel'"],
    [ack(1, { epoch: 5 }), 107, "'epoch' must be a string"],
  ])('%j is %i and changes nothing', async (command, code, detail) => {
    const host = await start();
    await push(host, 1, 2, 3);
    await host.node.publish('h:1', '1');
    const client = await device(host);
    expect(await client.ask(command)).toEqual([{ code, msg: expect.stringContaining(detail) }]);
    expect(await client.ask(subscribe)).toMatchObject([{ result: { unread: 3 } }, {}, {}, {}]);
  });

  test('without a user is 1', async () => {
    const host = await start();
    expect(await host.connect().ask(ack(0))).toMatchObject([{ code: 1 }]);
    expect(await host.connect().ask({ ...ack(0), channel: '@user' })).toMatchObject([{ code: 1 }]);
  });
});

describe('INB5 the other devices', () => {
  test('are told who acknowledged how far, and what is unread everywhere', async () => {
    const host = await start();
    const phone = await device(host, 'phone');
    const laptop = await device(host, 'laptop');
    const tab = await device(host, 'phone');
    const away = await device(host, 'watch');
    const bob = await device(host, 'phone', 'bob');
    await phone.ask(subscribe);
    await laptop.ask({ ...subscribe, channel: '@user' });
    await tab.ask(subscribe);
    await push(host, 1, 2, 3);
    for (const client of [phone, laptop, tab]) await client.messages();
    expect(await phone.ask(ack(2))).toEqual([ok]);
    const told = { type: 'ack', device: 'phone', offset: 2, unread: 1 };
    expect(await laptop.messages()).toEqual([{ event: '@user', ...told }]);
    expect(await tab.messages()).toEqual([{ event: 'user:ann', ...told }]);
    // Further back than the furthest: the badge is as before.
    expect(await laptop.ask(ack(1))).toEqual([ok]);
    expect(await phone.messages()).toEqual([
      { event: 'user:ann', type: 'ack', device: 'laptop', offset: 1, unread: 1 },
    ]);
    // What moves nothing is told to nobody.
    await phone.ask(ack(2));
    expect([await laptop.messages(), await away.messages(), await bob.messages()]).toEqual([[], [], []]);
  });
});

describe('a subscribe that ends while the cursor is asked for', () => {
  test('by the end of its connection leaves nothing behind', async () => {
    const host = await start();
    await push(host, 1);
    const client = await device(host);
    client.send(subscribe);
    client.connection.cut();
    await host.settle();
    expect(host.node.figures()).toMatchObject({ subscriptions: 0, sessions: 0 });
  });

  test('by an unsubscribe right behind it, runs after it', async () => {
    const host = await start();
    await push(host, 1);
    const client = await device(host);
    const answers = await client.ask(subscribe, { op: 'unsubscribe', channel: 'user:ann', id: 2 });
    expect(answers).toMatchObject([{ id: 1 }, { id: 2, result: {} }]);
    expect(host.node.figures().subscriptions).toBe(0);
  });
});
