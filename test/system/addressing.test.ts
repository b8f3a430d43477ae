/** Users, groups and tags against the real command: 600 sockets, the API over HTTP and over its WebSocket. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

const key = 'a-key-of-these-tests';
const users = 150;
const sessionsPerUser = 4;

let carillon: RunningCarillon;

interface Client {
  readonly socket: WebSocket;
  readonly user: number;
  readonly isRaw: boolean;
  got: string[];
}

const clients: Client[] = [];

beforeAll(async () => {
  const tokens = Object.fromEntries(
    Array.from({ length: users }, (_, user) => [
      `token-${user}`,
      { user: String(user), tags: { vip: user % 10 === 0, city: user % 3 === 0 ? 'sh' : 'bj' } },
    ]),
  );
  carillon = await startCarillon({
    config: {
      api: { keys: [key] },
      auth: { tokens },
      channels: { 'news:*': { subscribe: 'user', history: { size: 10, ttl: '1m' } } },
    },
  });
  for (let at = 0; at < users * sessionsPerUser; at += 50) {
    clients.push(...(await Promise.all(Array.from({ length: 50 }, (_, more) => connect(at + more)))));
  }
}, 60_000);

afterAll(async () => {
  for (const { socket } of clients) socket.terminate();
  await carillon?.stop();
});

/** Every second session of a user is one of the message-center path. */
async function connect(at: number): Promise<Client> {
  const [user, isRaw] = [at % users, Math.floor(at / users) % 2 === 1];
  const url = `${carillon.wsUrl}/${isRaw ? 'message-center' : 'ws'}?token=token-${user}`;
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const client: Client = { socket, user, isRaw, got: [] };
  await once(socket, 'open');
  // An answer says that the token has been judged.
  socket.send('{"op":"ping"}');
  await once(socket, 'message');
  socket.on('message', (data: Buffer) => client.got.push(data.toString()));
  return client;
}

async function api(method: string, params: unknown): Promise<unknown> {
  const response = await fetch(`${carillon.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(params),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** What each got since the last time, once as many have something as are expected. */
async function received(expected: number): Promise<Client[]> {
  for (let round = 0; round < 500 && clients.filter(({ got }) => got.length > 0).length < expected; round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // Whoever should have got nothing would have it by the answer to a ping that follows.
  await Promise.all(
    clients.map(async ({ socket }) => {
      socket.ping();
      await once(socket, 'pong');
    }),
  );
  const those = clients.filter(({ got }) => got.length > 0).map((client) => ({ ...client }));
  for (const client of clients) client.got = [];
  return those;
}

describe('send', () => {
  const vip = ({ user }: Client): boolean => user % 10 === 0;
  test.each<[string, object, (client: Client) => boolean]>([
    ['a user', { user: 7 }, ({ user }) => user === 7],
    ['users', { users: [7, '8', 9999] }, ({ user }) => user === 7 || user === 8],
    ['everybody', { all: true }, () => true],
    ['a tag', { where: 'vip' }, vip],
    ['an expression', { where: 'vip & !city=sh' }, (client) => vip(client) && client.user % 3 !== 0],
    ['what is not', { where: '!(vip | city=sh)' }, (client) => !vip(client) && client.user % 3 !== 0],
  ])('ADR2 to %s reaches exactly those, once', async (_, to, isMeant) => {
    const expected = clients.filter(isMeant);
    expect(await api('send', { to, event: 'note', data: { n: 1 } })).toEqual({ sessions: expected.length });
    const those = await received(expected.length);
    expect(those.map(({ socket }) => socket)).toEqual(expected.map(({ socket }) => socket));
    for (const { got, isRaw } of those)
      expect(got).toEqual([isRaw ? '{"n":1}' : '{"event":"note","data":{"n":1}}']);
  });

  test('ADR7 to a group of users, whose new sessions are in it at once', async () => {
    for (let user = 0; user < users; user += 15) await api('group_join', { group: 'g', user });
    expect(await api('send', { to: { group: 'g' }, data: 1 })).toEqual({ sessions: 40 });
    expect(await received(40)).toHaveLength(40);
    const late = await connect(15);
    expect(await api('send', { to: { group: 'g' }, data: 1, exclude: { users: [0] } })).toEqual({
      sessions: 37,
    });
    expect(await received(36)).toHaveLength(36);
    late.socket.close();
    await once(late.socket, 'close');
    expect(await api('group', { group: 'g' })).toMatchObject({
      counts: { members: 10, sessions: 40, users: 10 },
    });
    await api('group_destroy', { group: 'g' });
    expect(await api('send', { to: { group: 'g' }, data: 1 })).toEqual({ sessions: 0 });
  });

  test('ADR1 a client over plain HTTP gets it too; one of /sub does not', async () => {
    const stream = await fetch(`${carillon.url}/stream?transport=ndjson&token=token-7`);
    const feed = await fetch(`${carillon.url}/sub?channel=news:1&token=token-7`, {
      headers: { Accept: 'text/event-stream' },
    });
    expect(await api('user', { user: 7 })).toMatchObject({
      online: true,
      sessions: { length: sessionsPerUser + 2 },
    });
    expect(await api('send', { to: { user: 7 }, data: 'both?' })).toEqual({ sessions: sessionsPerUser + 1 });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('both?')) text += (await reader?.read())?.value ?? '';
    expect(text.split('\n')).toContain('{"event":"message","data":"both?"}');
    await reader?.cancel();
    await feed.body?.cancel();
    expect(await received(sessionsPerUser)).toHaveLength(sessionsPerUser);
  });
});

test('ADR12 pages of sessions name everybody once', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = (await api('sessions', { limit: 170, ...(cursor !== undefined && { cursor }) })) as {
      sessions: { session: string }[];
      cursor?: string;
    };
    seen.push(...page.sessions.map(({ session }) => session));
    cursor = page.cursor;
  } while (cursor !== undefined && seen.length < 10_000);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBeGreaterThanOrEqual(clients.length);
});

test('API9 API10 one WebSocket carries the same methods, both shapes, and ends with the server', async () => {
  const refused = new WebSocket(`${carillon.wsUrl}/v1/ws`, { headers: { 'X-API-Key': 'wrong' } });
  const [, answer] = await once(refused, 'unexpected-response');
  expect(answer.statusCode).toBe(401);
  refused.on('error', () => {}).terminate();
  const socket = new WebSocket(`${carillon.wsUrl}/v1/ws`, { headers: { 'X-API-Key': key } });
  await once(socket, 'open');
  const answers = new Map<number, unknown>();
  socket.on('message', (data: Buffer) => {
    const { id, i, ...rest } = JSON.parse(data.toString());
    answers.set(id ?? i, rest);
  });
  const large = 'x'.repeat(200_000);
  socket.send(JSON.stringify({ id: 0, method: 'send', params: { to: { user: 3 }, data: large } }));
  for (let id = 1; id <= 2_000; id++) {
    socket.send(JSON.stringify({ id, method: 'publish', params: { channel: 'news:api', data: id } }));
  }
  socket.send(JSON.stringify({ m: 'mesh.publish', p: { c: 'news:api', d: 'hello' }, i: 2_001 }));
  for (let round = 0; round < 1_000 && answers.size < 2_002; round++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(answers.get(0)).toEqual({ result: { sessions: sessionsPerUser } });
  for (let id = 1; id <= 2_000; id++)
    expect(answers.get(id)).toEqual({ result: { offset: id, epoch: expect.any(String) } });
  expect(answers.get(2_001)).toEqual({ E: null, r: { s: 0, f: 0 } });
  expect(await received(sessionsPerUser)).toHaveLength(sessionsPerUser);
  const ended = once(socket, 'close');
  expect(await carillon.stop()).toBe(0);
  const [code] = await ended;
  expect(code).toBe(3001);
});
