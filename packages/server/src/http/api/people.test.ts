import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type HttpHost, startHttp } from '../../testing/http-host.ts';
import { endOf, until } from '../../testing/websocket-peer.ts';
import { apiMethods } from './methods.ts';

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp({ anonymous: true });
});
afterAll(() => host.stop());

const methods = new Map(
  apiMethods({ debug() {}, info() {}, warn() {}, error() {} }).map((method) => [method.name, method]),
);

/** The result, which is what the method's schema says. */
async function api(name: string, params: unknown): Promise<unknown> {
  const { status, text } = await host.api(name, params);
  const { result } = JSON.parse(text) as { result: unknown };
  expect([name, status, methods.get(name)?.result.safeParse(result).error]).toEqual([name, 200, undefined]);
  return result;
}

interface Client {
  readonly socket: WebSocket;
  readonly got: string[];
  readonly session: string;
}

async function connect(path = '/ws', token?: string): Promise<Client> {
  const query = token === undefined ? '' : `?token=${token}`;
  const socket = new WebSocket(`ws://127.0.0.1:${host.port}${path}${query}`, { perMessageDeflate: false });
  const got: string[] = [];
  socket.on('message', (data: Buffer) => got.push(data.toString()));
  await once(socket, 'open');
  // Its token is judged when a command is answered.
  socket.send('{"op":"ping"}');
  await until(() => got.length === 1);
  got.length = 0;
  const { sessions } = (await api('sessions', {})) as { sessions: { session: string }[] };
  return { socket, got, session: sessions.at(-1)?.session ?? '' };
}

async function leave(...clients: readonly Client[]): Promise<void> {
  for (const { socket } of clients) socket.terminate();
  await until(() => host.node.figures().sessions === 0);
}

describe('send', () => {
  test('ADR1 each wire has its form: an event, or the data alone', async () => {
    const native = await connect();
    const raw = await connect('/message-center');
    const to = { sessions: [native.session, raw.session] };
    expect(await api('send', { to, data: { n: 1 } })).toEqual({ sessions: 2 });
    expect(await api('send', { to, event: 'order', data: 'text' })).toEqual({ sessions: 2 });
    await until(() => native.got.length + raw.got.length === 4);
    expect(native.got).toEqual(['{"event":"message","data":{"n":1}}', '{"event":"order","data":"text"}']);
    expect(raw.got).toEqual(['{"n":1}', 'text']);
    await leave(native, raw);
  });

  test('ADR1 data keeps its form', async () => {
    const client = await connect();
    const body = `{"to":{"all":true},"data":{ "b" : 9007199254740993, "a":1.0 }}`;
    const headers = { 'X-API-Key': 'key-of-the-tests', 'Content-Type': 'application/json' };
    expect((await host.call('/v1/send', { method: 'POST', body, headers })).text).toBe(
      '{"result":{"sessions":1}}',
    );
    await until(() => client.got.length === 1);
    expect(client.got).toEqual(['{"event":"message","data":{"b":9007199254740993,"a":1.0}}']);
    await leave(client);
  });

  test('NAM3 a user may be written as a number', async () => {
    const client = await connect('/ws', 'token-of-7');
    expect(await api('send', { to: { user: 7 }, data: 1 })).toEqual({ sessions: 1 });
    expect(await api('send', { to: { users: ['7', 8] }, data: 1 })).toEqual({ sessions: 1 });
    expect(await api('send', { to: { all: true }, data: 1, exclude: { users: [7] } })).toEqual({
      sessions: 0,
    });
    expect(await api('user', { user: 7 })).toEqual({ online: true, sessions: [client.session] });
    await leave(client);
    expect(await api('user', { user: 7 })).toEqual({ online: false, sessions: [] });
  });
});

describe('one client', () => {
  test('ADR7 ADR6 ADR9 what is kept about it', async () => {
    const { session, ...client } = await connect('/ws', 'token-of-7');
    expect(await api('group_join', { group: 'g', session })).toEqual({});
    await api('group_join', { group: 'h', user: 7 });
    await api('tag', { session, tags: { vip: true } });
    await api('tag', { user: 7, tags: { level: 3, city: 'sh' } });
    await api('untag', { user: 7, tags: { city: true } });
    expect(await api('session', { session })).toEqual({
      session,
      user: '7',
      tags: { vip: true, level: 3 },
      wire: 'websocket/native',
      groups: ['g', 'h'],
      channels: [],
    });
    const counts = { members: 1, sessions: 1, users: 1 };
    expect(await api('groups', {})).toEqual({
      groups: [
        { group: 'g', ...counts },
        { group: 'h', ...counts },
      ],
      total: 2,
    });
    expect(await api('groups', { limit: 1 })).toMatchObject({ cursor: '1' });
    expect(await api('group', { group: 'h' })).toEqual({ group: 'h', members: [{ user: '7' }], counts });
    await api('group_leave', { group: 'g', session });
    await api('group_destroy', { group: 'h' });
    await api('untag', { session, tags: ['vip'] });
    expect(await api('session', { session })).toMatchObject({ tags: { level: 3 }, groups: [] });
    expect(await api('context_set', { session, context: { a: 1, b: 2 } })).toEqual({
      session,
      context: { a: 1, b: 2 },
    });
    expect(await api('context_update', { session, context: { a: null, c: 3 } })).toEqual({
      session,
      context: { b: 2, c: 3 },
    });
    expect(await api('context_get', { session })).toEqual({ session, context: { b: 2, c: 3 } });
    await api('untag', { user: 7, tags: ['level'] });
    await leave({ session, ...client });
  });

  test('ADR8 ADR10 whose it is, and what it is subscribed to', async () => {
    const client = await connect();
    const { session, got } = client;
    expect(await api('bind', { session, user: 9 })).toEqual({});
    expect(await api('subscribe', { user: '9', channel: 'closed:x' })).toEqual({ sessions: 1 });
    await api('publish', { channel: 'closed:x', data: 1 });
    await until(() => got.length === 2);
    expect(got.map((text) => JSON.parse(text))).toEqual([
      { event: 'closed:x', type: 'subscribed', epoch: expect.any(String), offset: 0, recoverable: true },
      { event: 'closed:x', data: 1, offset: 1 },
    ]);
    expect(await api('sessions', { to: { channel: 'closed:x' } })).toMatchObject({ total: 1 });
    expect(await api('unsubscribe', { session, channel: 'closed:x' })).toEqual({ sessions: 1 });
    await until(() => got.length === 3);
    expect(got[2]).toBe(
      '{"event":"closed:x","type":"unsubscribed","code":3503,"msg":"unsubscribed by the server"}',
    );
    expect(await api('unbind', { session, user: 9 })).toEqual({});
    expect(await api('user', { user: 9 })).toEqual({ online: false, sessions: [] });
    await leave(client);
  });

  test.each([
    [{}, '3503 force disconnect'],
    [{ code: 4001, reason: 'elsewhere' }, '4001 elsewhere'],
    [{ code: 3000 }, '3000 '],
    [{ reason: 'bye' }, '3503 bye'],
  ])('ADR11 disconnect %j', async (how, expected) => {
    const client = await connect();
    const end = endOf(client.socket);
    expect(await api('disconnect', { to: { session: client.session }, ...how })).toEqual({ sessions: 1 });
    expect(await end).toBe(expected);
    await leave(client);
  });

  test("ADR11 a user's other devices can be logged out", async () => {
    const clients = [await connect('/ws', 'token-of-7'), await connect('/ws', 'token-of-7')];
    const exclude = { sessions: [clients[1]?.session] };
    expect(await api('disconnect', { to: { user: 7 }, exclude })).toEqual({ sessions: 1 });
    expect(await api('user', { user: 7 })).toEqual({ online: true, sessions: exclude.sessions });
    await leave(...clients);
  });
});

describe('refusals', () => {
  const ways = "must have exactly one of 'all', 'session', 'sessions', 'user'";
  test.each([
    ['send', { to: {}, data: 1 }, 400, 107, ways],
    ['send', { to: { all: true, user: 'u' }, data: 1 }, 400, 107, ways],
    ['send', { to: { all: false }, data: 1 }, 400, 107, "'to.all' must be true"],
    ['send', { data: 1 }, 400, 107, "'to' is required"],
    ['send', { to: { user: 'u' } }, 400, 107, "'data' is required"],
    [
      'send',
      { to: { userz: 'u' }, data: 1 },
      400,
      107,
      "'to.userz' is not a known field; did you mean 'user'?",
    ],
    ['send', { to: { users: [] }, data: 1 }, 400, 107, "'to.users' must have at least 1 element"],
    [
      'send',
      { to: { users: [1.5] }, data: 1 },
      400,
      107,
      "'to.users[0]' must be a string, since it is no whole number",
    ],
    ['send', { to: { user: true }, data: 1 }, 400, 107, "'to.user' must be a string or a whole number"],
    [
      'send',
      { to: { where: 'a &' }, data: 1 },
      400,
      107,
      "'to.where' needs a tag, '!' or '(' at character 4",
    ],
    [
      'send',
      { to: { where: 'a'.repeat(1_025) }, data: 1 },
      400,
      107,
      "'to.where' must not be longer than 1024",
    ],
    ['send', { to: { channel: 'a b' }, data: 1 }, 400, 107, "'to.channel' must not"],
    ['send', { to: { all: true }, event: '$server', data: 1 }, 400, 107, "'event' must not begin with '$'"],
    [
      'disconnect',
      { to: { all: true }, code: 1000 },
      400,
      107,
      "'code' must be a whole number from 3000 to 4999",
    ],
    [
      'disconnect',
      { to: { all: true }, reason: 'ü'.repeat(62) },
      400,
      107,
      "'reason' must not be longer than 123 bytes",
    ],
    ['subscribe', { channel: 'c' }, 400, 107, "must have either 'session' or 'user'"],
    [
      'subscribe',
      { channel: 'c', user: 'u', session: 's' },
      400,
      107,
      "must have either 'session' or 'user'",
    ],
    ['subscribe', { channel: 'c', session: 'gone' }, 404, 108, "there is no session 'gone'"],
    ['sessions', { limit: 1_001 }, 400, 107, "'limit' must be a whole number from 0 to 1000"],
    ['sessions', { cursor: '-1' }, 400, 107, "'cursor' is not one that an earlier page gave"],
    ['context_set', { session: 's', context: [] }, 400, 107, "'context' must be an object"],
    ['context_get', { session: 'gone' }, 404, 108, "there is no session 'gone'"],
    [
      'tag',
      { user: 'u', tags: { vip: null } },
      400,
      107,
      "'tags.vip' must be a string, a number or a boolean",
    ],
    ['untag', { user: 'u', tags: 'vip' }, 400, 107, "'tags' must be an array of 1 to 64 tag names"],
    ['bind', { session: 'gone', user: 1 }, 404, 108, "there is no session 'gone'"],
  ])('%s %j: %i %i %s', async (method, params, status, code, message) => {
    const answer = await host.api(method, params);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      status,
      { error: { code, message: expect.stringContaining(message) } },
    ]);
  });
});
