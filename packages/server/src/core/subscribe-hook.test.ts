import { describe, expect, test } from 'vitest';
import { type CoreHost, keeping, startCore, testRules } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { Held, type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';
import { refusedByHook } from './errors.ts';
import type { Rule } from './rules.ts';

const rules: readonly Rule[] = [
  ...testRules,
  { pattern: 'asked:*', subscribe: 'hook', publish: 'nobody', readHistory: 'hook', retention: keeping },
];

async function start(script: Script): Promise<{ host: CoreHost; hooks: ScriptedHooks }> {
  const hooks = new ScriptedHooks(script);
  return { host: await startCore({ hooks, rules }), hooks };
}

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;

const no = (): never => {
  throw refusedByHook(402, 'pay first');
};

describe('HOK5 the subscribe hook', () => {
  test('is told who wants what, with the data that came along and the channel behind an alias', async () => {
    const { host, hooks } = await start({ subscribe: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    expect(
      await client.ask({ op: 'subscribe', channel: 'h:1', data: { seat: 1.0 } }, [
        { op: 'subscribe', channel: '@user' },
      ]),
    ).toEqual([{ result: true }, [{ result: true }]]);
    const ann = { session: client.session, user: 'ann' };
    expect(hooks.events('subscribe')).toEqual([
      { ...ann, channel: 'h:1', data: '{"seat":1}' },
      { ...ann, channel: 'user:ann' },
    ]);
    await host.node.publish('user:ann', '1');
    expect(await client.messages()).toEqual([{ event: '@user', data: 1, offset: 1 }]);
  });

  test('refuses with its own code and words, and nothing of the channel comes', async () => {
    const { host } = await start({ subscribe: no });
    const client = host.connect();
    expect(await client.ask({ id: 'a', op: 'subscribe', channel: 'h:1' })).toEqual([
      { id: 'a', code: 402, msg: 'pay first' },
    ]);
    await host.node.publish('h:1', '1');
    expect(await client.messages()).toEqual([]);
    expect(host.node.figures()).toMatchObject({ subscriptions: 0, channels: 0 });
  });

  test('comes after the rule, and after what needs no asking', async () => {
    const { host, hooks } = await start({ subscribe: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    expect(
      await client.ask(
        { op: 'subscribe', channel: 'closed' },
        { op: 'subscribe', channel: 'nowhere' },
        { op: 'subscribe', channel: 'h:1' },
      ),
    ).toMatchObject([{ code: 103 }, { code: 102 }, { code: 105 }]);
    expect(hooks.asked).toHaveLength(1);
  });

  test('decides alone where the rule says so, and without it nobody may', async () => {
    const { host, hooks } = await start({ subscribe: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    expect(await client.ask({ op: 'history', channel: 'asked:1' })).toMatchObject([{ code: 103 }]);
    expect(
      await client.ask({ op: 'subscribe', channel: 'asked:1' }, { op: 'history', channel: 'asked:1' }),
    ).toMatchObject([{ result: true }, { result: { publications: [] } }]);
    hooks.script = {};
    expect(await client.ask({ op: 'subscribe', channel: 'asked:2' })).toMatchObject([{ code: 103 }]);
    expect(await host.connect().ask({ op: 'subscribe', channel: 'asked:2' })).toMatchObject([{ code: 1 }]);
  });

  test('is not asked about what the server side subscribes to', async () => {
    const { host, hooks } = await start({ subscribe: no });
    const client = host.connect();
    await host.node.reach.people.subscribe({ session: client.session }, 'asked:1');
    expect(await client.messages()).toMatchObject([{ event: 'asked:1', type: 'subscribed' }]);
    expect(hooks.asked).toEqual([]);
  });

  test('ADR8 when a session becomes somebody else, what only the hook had allowed ends', async () => {
    const { host } = await start({ subscribe: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    await client.ask({ op: 'subscribe', channel: 'asked:1' }, { op: 'subscribe', channel: 'h:1' });
    host.node.reach.people.bind(client.session, 'bob');
    expect(await client.messages()).toEqual([
      { event: 'asked:1', type: 'unsubscribed', code: 103, msg: 'permission denied' },
    ]);
    expect(host.node.subscribers('h:1')).toBe(1);
  });

  test('of a client that became somebody else meanwhile is asked again, about who it is then', async () => {
    const held = new Held<undefined>();
    const { host, hooks } = await start({ subscribe: () => held.wait() });
    const client = host.connect();
    client.send({ id: 1, op: 'subscribe', channel: 'h:1' });
    await host.settle();
    host.node.reach.people.bind(client.session, 'bob');
    held.answer(undefined);
    expect(await client.messages()).toEqual([]);
    held.answer(undefined);
    expect(await client.messages()).toMatchObject([{ id: 1, result: { channel: 'h:1' } }]);
    expect(hooks.events('subscribe').map(({ user }) => user)).toEqual([undefined, 'bob']);
  });

  test('whose client the rules no longer admit when it answers, lets nobody in', async () => {
    const held = new Held<undefined>();
    const { host } = await start({ subscribe: () => held.wait() });
    const client = host.connect({ token: 'token-ann' });
    client.send({ op: 'subscribe', channel: '@user' });
    await host.settle();
    host.node.reach.people.bind(client.session, 'bob');
    held.answer(undefined);
    expect(await client.messages()).toMatchObject([{ code: 103 }]);
    expect(host.node.figures().subscriptions).toBe(0);
  });

  test('whose client is gone when it answers, leaves nothing behind', async () => {
    const held = new Held<undefined>();
    const { host } = await start({ subscribe: () => held.wait() });
    const client = host.connect();
    client.send({ op: 'subscribe', channel: 'h:1' });
    await host.settle();
    client.connection.cut();
    held.answer(undefined);
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, subscriptions: 0, channels: 0 });
  });
});

describe('WS4 what follows a subscribe that is asked about', () => {
  test('waits for it where it is about the same channel', async () => {
    const held = new Held<undefined>();
    const { host } = await start({
      subscribe: ({ channel }) => (channel === 's:1' ? held.wait() : undefined),
    });
    const client = host.connect();
    expect(
      await client.ask(
        { id: 1, op: 'subscribe', channel: 's:1' },
        { id: 2, op: 'publish', channel: 's:1', data: 1 },
        { id: 3, op: 'subscribe', channel: 's:1' },
        { id: 4, op: 'unsubscribe', channel: 's:1' },
        { id: 5, op: 'ping' },
      ),
    ).toEqual([{ id: 5, result: 'pong' }]);
    held.answer(undefined);
    // With ids, they are answered in any order.
    const replies = (await client.messages()).filter((message) => Object.hasOwn(message as object, 'id'));
    expect(replies.toSorted((a, b) => (a as { id: number }).id - (b as { id: number }).id)).toMatchObject([
      { id: 1, result: { channel: 's:1' } },
      { id: 2, result: { offset: 1 } },
      { id: 3, code: 105 },
      { id: 4, result: {} },
    ]);
    expect(host.node.figures().subscriptions).toBe(0);
  });

  test('goes on behind a token for the channel, which does not make it wait for itself', async () => {
    const hooks = new ScriptedHooks({ subscribe: () => undefined });
    const vip: Rule = { ...open, pattern: 'vip:*', subscribe: 'token' };
    const host = await startCore({
      hooks,
      rules: [vip],
      authenticate: async (token) =>
        token === 'ann' ? { user: 'ann' } : { user: 'ann', channels: ['vip:1'] },
    });
    const client = host.connect({ token: 'ann' });
    expect(
      await client.ask(
        { id: 1, op: 'subscribe', channel: 'vip:1', token: 'ticket' },
        { id: 2, op: 'subscribe', channel: 'vip:1', token: 'ticket' },
        { id: 3, op: 'subscribe', channel: 'vip:2', token: 'ticket' },
      ),
    ).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ id: 1, result: expect.anything() }),
        expect.objectContaining({ id: 2, code: 105 }),
        expect.objectContaining({ id: 3, code: 103 }),
      ]),
    );
    expect(hooks.events('subscribe')).toHaveLength(1);
  });

  test('may succeed where the first was refused', async () => {
    let asked = 0;
    const { host } = await start({ subscribe: () => (++asked === 1 ? no() : undefined) });
    const client = host.connect();
    const subscribe = (id: number): object => ({ id, op: 'subscribe', channel: 'h:1' });
    expect(await client.ask(subscribe(1), subscribe(2))).toMatchObject([
      { id: 1, code: 402 },
      { id: 2, result: { channel: 'h:1' } },
    ]);
  });
});

describe('HOK5 a feed', () => {
  function prepare(
    host: CoreHost,
    channels: string[],
    more: Partial<FeedRequest> = {},
  ): Promise<PreparedFeed> {
    return host.node.prepareFeed({ address: '192.0.2.1', headers: {}, channels, ...more });
  }

  test('is asked about channel by channel, under the session that it will have', async () => {
    const { host, hooks } = await start({ subscribe: () => undefined, publish: () => undefined });
    const feed = await prepare(host, ['h:1', 'asked:1', 'h:1'], { token: 'token-ann' });
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(feed.open(connection));
    const [first] = hooks.events('subscribe');
    expect(hooks.events('subscribe')).toEqual([
      { session: first?.session, user: 'ann', channel: 'h:1' },
      { session: first?.session, user: 'ann', channel: 'asked:1' },
    ]);
    expect(await host.node.reach.addressing.disconnect({ sessions: [first?.session ?? ''] })).toBe(1);
  });

  test('of which one channel is refused is refused, and holds nothing', async () => {
    const { host } = await start({ subscribe: ({ channel }) => (channel === 'h:2' ? no() : undefined) });
    await expect(prepare(host, ['h:1', 'h:2'])).rejects.toMatchObject({
      code: 402,
      message: 'pay first',
      status: 403,
    });
    await host.settle();
    expect(host.node.figures().channels).toBe(0);
  });

  test('whose rule leaves it to a hook that is not there is refused', async () => {
    const { host } = await start({});
    await expect(prepare(host, ['asked:1'])).rejects.toMatchObject({ code: 1 });
    await expect(prepare(host, ['asked:1'], { token: 'token-ann' })).rejects.toMatchObject({ code: 103 });
  });
});
