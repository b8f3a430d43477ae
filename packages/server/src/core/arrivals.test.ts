import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { type CoreHost, type CoreHostOptions, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { Held, type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import type { Identity } from './access.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';
import { refuse, refusedByHook } from './errors.ts';

async function start(
  script: Script,
  options: CoreHostOptions = {},
): Promise<{ host: CoreHost; hooks: ScriptedHooks }> {
  const hooks = new ScriptedHooks(script);
  return { host: await startCore({ hooks, ...options }), hooks };
}

function prepare(host: CoreHost, more: Partial<FeedRequest> = {}): Promise<PreparedFeed> {
  return host.node.prepareFeed({ address: '192.0.2.1', headers: { a: 'b' }, channels: ['h:1'], ...more });
}

const refusals = [
  ['its own words', () => refusedByHook(451, 'not from there'), 3507, 'not from there', 451, 403],
  ['one of our codes', () => refuse('permissionDenied', 'no'), 3507, 'permission denied: no', 103, 403],
  ['being late', () => refuse('notAvailable', 'late'), 3000, 'connection closed', 108, 503],
  ['a bug', () => new TypeError('a bug'), 3000, 'connection closed', 100, 503],
] as const;

describe('HOK8 the connect hook', () => {
  test('is asked before anything that the client sends is looked at', async () => {
    const held = new Held<Identity | undefined>();
    const { host, hooks } = await start({ connect: () => held.wait() });
    const client = host.connect({ headers: { cookie: 'a=b' } });
    client.send({ op: 'subscribe', channel: 'h:1' });
    client.send({ id: 1, op: 'publish', channel: 'h:1', data: 1 });
    client.send({ op: 'ping' });
    await host.settle();
    expect(hooks.asked).toEqual([
      {
        name: 'connect',
        event: { session: client.session, address: '192.0.2.1', headers: { cookie: 'a=b' } },
      },
    ]);
    expect([client.lines(), client.connection.isPaused]).toEqual([[], true]);
    expect((await host.node.history('h:1', {})).top).toBe(0);
    held.answer(undefined);
    expect(await client.messages()).toMatchObject([
      { result: true },
      { id: 1, result: { offset: 1 } },
      { result: 'pong' },
      { event: 'h:1', data: 1 },
    ]);
    expect(client.connection.isPaused).toBe(false);
  });

  test('may say who the client is; a token is not looked at then', async () => {
    let shown = 0;
    const { host } = await start(
      { connect: () => ({ user: 'ann', channels: ['x'] }) },
      {
        anonymous: false,
        authenticate: () => {
          shown += 1;
          return Promise.reject(refuse('unauthorized'));
        },
      },
    );
    for (const client of [host.connect(), host.connect({ token: 'bad' })]) {
      expect(await client.ask({ op: 'subscribe', channel: '@user' })).toEqual([{ result: true }]);
    }
    const feed = await prepare(host, { token: 'bad', channels: ['user:ann'] });
    feed.cancel();
    expect(await host.node.admit({ address: '', headers: {}, token: 'bad' })).toMatchObject({
      admitted: { identity: { user: 'ann' } },
    });
    expect(shown).toBe(0);
    const other = await host.connect().ask({ op: 'auth', token: 'token-bob' });
    expect(other).toMatchObject([{ code: 101 }]);
  });

  test('that says nothing leaves it to the token', async () => {
    const { host, hooks } = await start({ connect: () => undefined }, { anonymous: false });
    const good = host.connect({ token: 'token-ann' });
    const bad = host.connect({ token: 'nonsense' });
    expect(await good.ask({ op: 'subscribe', channel: '@user' })).toEqual([{ result: true }]);
    expect(bad.connection.ended).toEqual({ code: 3500, reason: 'invalid token' });
    await expect(prepare(host, { token: 'nonsense' })).rejects.toMatchObject({ code: 101, status: 401 });
    await expect(prepare(host)).rejects.toMatchObject({ code: 1 });
    expect(hooks.events('connect')).toHaveLength(4);
  });

  test.each(refusals)('that refuses with %s ends a WebSocket', async (_title, error, code, reason) => {
    const { host } = await start({ connect: () => Promise.reject(error()) });
    const client = host.connect({ token: 'token-ann' });
    client.send({ op: 'publish', channel: 'h:1', data: 1 });
    await host.settle();
    expect(client.connection.ended).toEqual({ code, reason });
    expect((await host.node.history('h:1', {})).top).toBe(0);
    expect(host.errors).toEqual(_title === 'a bug' ? ["the hook 'connect' failed"] : []);
  });

  test.each(refusals)(
    'that refuses with %s is a status over HTTP',
    async (_title, error, _end, _reason, code, status) => {
      const { host } = await start({ connect: () => Promise.reject(error()) });
      await expect(prepare(host)).rejects.toMatchObject({ code, status });
      await expect(host.node.admit({ address: '', headers: {} })).rejects.toMatchObject({ code, status });
      expect(host.node.figures()).toMatchObject({ sessions: 0, channels: 0 });
    },
  );

  test('ADR3 hides the client from all the others until it has answered', async () => {
    const held = new Held<Identity | undefined>();
    const { host } = await start({ connect: () => held.wait() });
    const client = host.connect();
    await host.settle();
    expect(await host.node.reach.addressing.send({ all: true }, { data: '1' })).toBe(0);
    held.answer(undefined);
    await host.settle();
    expect(await host.node.reach.addressing.send({ all: true }, { data: '1' })).toBe(1);
    expect(await client.messages()).toEqual([{ event: 'message', data: 1 }]);
  });

  test('ACC4 the time to log in begins with its answer', async () => {
    const held = new Held<Identity | undefined>();
    const { host } = await start({ connect: () => held.wait() }, { anonymous: false });
    const client = host.connect();
    host.clock.advance(limits.authTimeoutMs);
    await host.settle();
    expect(client.connection.ended).toBeUndefined();
    held.answer(undefined);
    await host.settle();
    host.clock.advance(limits.authTimeoutMs - 10);
    expect(client.connection.ended).toBeUndefined();
    host.clock.advance(10);
    expect(client.connection.ended?.code).toBe(3501);
  });

  test('whom it calls by the name of somebody blocked is not let in', async () => {
    const { host } = await start({ connect: () => ({ user: 'ann' }) });
    await host.node.reach.revocation.block({ user: 'ann' });
    const client = host.connect();
    await host.settle();
    expect(client.connection.ended?.code).toBe(3500);
    await expect(prepare(host)).rejects.toMatchObject({ code: 101 });
    await expect(host.node.admit({ address: '', headers: {} })).rejects.toMatchObject({ code: 101 });
  });

  test('of a client that has gone before it answers leaves nothing behind', async () => {
    const held = new Held<Identity | undefined>();
    const { host } = await start({ connect: () => held.wait() });
    const clients = [host.connect(), host.connect({ token: 'token-ann' }), host.connect()];
    for (const client of clients) client.connection.cut();
    held.answer(undefined);
    held.answer(undefined);
    held.answer(refusedByHook(400, 'no'));
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, users: 0 });
  });

  test('is asked once about a client that is let in before its session begins', async () => {
    const { host, hooks } = await start({ connect: () => undefined });
    const request = await host.node.admit({ address: '192.0.2.1', headers: {}, token: 'token-ann' });
    const connection = new FakeConnection(new LineWire());
    const listener = host.node.accept(connection, request);
    connection.listen(listener);
    expect(hooks.events('connect').map(({ session }) => session)).toEqual([listener.session]);
    connection.send('{"op":"subscribe","channel":"@user"}');
    await host.settle();
    expect(connection.read().toString()).toBe('{"result":true}\n');
  });
});
