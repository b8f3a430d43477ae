/** What is kept about users, with the real binary and two workers: tags, blocks and inboxes hold wherever a session is. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Backend } from '../../packages/server/src/testing/backend.ts';
import { freePort, type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { atEveryWorker, postAnywhere } from '../support/workers.ts';

const key = 'a-key-for-the-tests-of-workers';
const folder = mkdtempSync(join(tmpdir(), 'carillon-workers-state-'));
/** Each test has a user of its own. */
const users = Array.from({ length: 10 }, (_, index) => `u${index}`);
const config = {
  workers: 2,
  drain: '0s',
  dataDir: join(folder, 'data'),
  api: { keys: [key] },
  auth: {
    tokens: Object.fromEntries(users.map((user) => [`token-${user}`, { user, tags: { city: 'sh' } }])),
  },
  channels: {
    'user:{uid}': { subscribe: 'owner', inbox: true },
    'desk:{uid}': { subscribe: 'owner', inbox: { overdue: '1s' } },
  },
};

let backend: Backend;
let port = 0;
let carillon: RunningCarillon;
let user = '';
beforeAll(async () => {
  backend = await Backend.start((res) => void res.writeHead(204).end());
  port = await freePort();
  await start();
});
afterAll(async () => {
  await carillon?.stop();
  await backend?.stop();
  rmSync(folder, { recursive: true, force: true });
});
async function start(): Promise<void> {
  const hooks = { inboxOverdue: { url: backend.url } };
  const webhooks = [{ url: backend.url, events: ['inboxOverdue'] }];
  carillon = await startCarillon({ config: { ...config, hooks, webhooks }, port });
}
beforeEach(() => {
  user = users.pop() ?? '';
});

/** A method of the server API, at any worker. */
async function api(method: string, params: object = {}): Promise<unknown> {
  const { body } = await postAnywhere(`${carillon.url}/v1/${method}`, params, { 'X-API-Key': key });
  return (body as { readonly result?: unknown }).result ?? body;
}

/** The same call, often enough that every worker has answered it. */
async function atAny(method: string, params: object): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let round = 0; round < 8; round++) answers.push(await api(method, params));
  return answers;
}

/** The answers to `auth` of connections enough that each worker has had some. */
async function logins(token: string): Promise<unknown[]> {
  const replies: unknown[] = [];
  for (let round = 0; round < 8; round++) {
    using client = await Listener.open(`${carillon.wsUrl}/ws`);
    client.send(JSON.stringify({ op: 'auth', token }));
    const [reply] = await client.until(1);
    replies.push(JSON.parse(String(reply)));
  }
  return replies;
}

const eight = (answer: unknown): unknown[] => Array(8).fill(answer);
const push = (text: string): Promise<unknown> => api('inbox_push', { channel: `user:${user}`, data: text });
const refused = { code: 101, msg: 'unauthorized: the user is blocked: spam' };

describe('two sessions of a user at different workers', () => {
  test('INB9 what one acknowledges, the other one is told', async () => {
    await push('first');
    await push('second');
    using sessions = await atEveryWorker(carillon, 2, `token-${user}`);
    const replies = await sessions.send({ id: 1, op: 'subscribe', channel: '@user' }, 3);
    for (const [reply] of replies) expect(reply).toMatchObject({ result: { offset: 2, unread: 2 } });
    const [one, two] = sessions.all;
    const told = two?.until(4);
    one?.send('{"op":"ack","channel":"@user","offset":1}');
    const ack = { event: '@user', type: 'ack', device: 'default', offset: 1, unread: 1 };
    expect(JSON.parse(String((await told)?.at(3)))).toEqual(ack);
    expect((await one?.until(4))?.slice(3)).toEqual(['{"result":true}']);
    const unread = (await atAny('inbox_unread', { channel: `user:${user}` })) as {
      readonly unread: number;
    }[];
    expect(unread.map((answer) => answer.unread)).toEqual(eight(1));
    const both = Promise.all([one?.until(5), two?.until(5)]);
    expect(await api('inbox_mark', { channel: `user:${user}`, offset: 2, all: true })).toEqual({ unread: 0 });
    for (const got of await both)
      expect(JSON.parse(String(got?.at(4)))).toEqual({ event: '@user', type: 'ack', offset: 2, unread: 0 });
  });

  test('ADR6 have the tags of the user when that is answered', async () => {
    using _sessions = await atEveryWorker(carillon, 2, `token-${user}`);
    for (let round = 0; round < 10; round++) {
      const tag = `${user}-${round}`;
      await api('tag', { user, tags: { [tag]: true } });
      expect(await api('send', { to: { where: tag }, data: 1 })).toEqual({ sessions: 2 });
      await api('untag', { user, tags: [tag] });
      expect(await api('send', { to: { where: tag }, data: 1 })).toEqual({ sessions: 0 });
    }
    await api('untag', { user, tags: ['city'] });
    expect(await api('send', { to: { where: 'city' }, data: 1 })).toEqual({ sessions: 0 });
  });

  test('ACC16 are both ended by a block, which holds at every worker', async () => {
    using sessions = await atEveryWorker(carillon, 2, `token-${user}`);
    expect(await api('block', { user, reason: 'spam', expires: 600 })).toEqual({ sessions: 2 });
    for (const { closed } of sessions.all) expect(await closed).toBe(3500);
    expect(await logins(`token-${user}`)).toEqual(eight(refused));
    expect(await api('unblock', { user })).toEqual({});
    expect(await logins(`token-${user}`)).toEqual(eight({ result: true }));
  });

  test('ACC16 whoever is blocked is listed from one place', async () => {
    const blocked = Array.from({ length: 5 }, (_, index) => `t${index}`);
    for (const jti of blocked) await api('block', { jti, expires: 600 });
    for (let round = 0; round < 5; round++) {
      const found: unknown[] = [];
      let cursor: string | undefined;
      do {
        const page = (await api('blocked', { limit: 2, ...(cursor !== undefined && { cursor }) })) as Page;
        found.push(...page.blocked.map(({ jti }) => jti));
        expect(page.total).toBe(5);
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(found).toEqual(blocked);
    }
    for (const jti of blocked) await api('unblock', { jti });
  });
});

test('INB8 what nobody acknowledges is told once, to the hook of one worker and to the webhook', async () => {
  const told = (): unknown[] =>
    backend.requests.flatMap(({ body }) => JSON.parse(body)).flatMap(({ event, events }) => event ?? events);
  const pushed = async (uid: string, messages: number): Promise<void> => {
    for (let count = 0; count < messages; count++) await api('publish', { channel: `desk:${uid}`, data: 1 });
  };
  await pushed('a', 8);
  await pushed('b', 1);
  const patient = { timeout: 10_000, interval: 50 };
  await vi.waitFor(() => expect(told()).toHaveLength(4), patient);
  await pushed('c', 1);
  await vi.waitFor(() => expect(told().length).toBeGreaterThan(5), patient);
  for (const [uid, unread] of [
    ['a', 8],
    ['b', 1],
    ['c', 1],
  ]) {
    const event = expect.objectContaining({ user: uid, channel: `desk:${uid}`, offset: 1, unread });
    expect(told().filter((each) => event.asymmetricMatch(each))).toHaveLength(2);
  }
  expect(told()).toHaveLength(6);
});

interface Page {
  readonly blocked: readonly { readonly jti?: string }[];
  readonly total: number;
  readonly cursor?: string;
}

const workers = (): number[] =>
  readFileSync(`/proc/${carillon.pid}/task/${carillon.pid}/children`, 'utf8').trim().split(' ').map(Number);

/** A session at a worker that was not there when the others were. */
async function atNewWorker(token: string, before: ReadonlySet<string>): Promise<string> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const session = await sessionOf(token).catch(() => undefined);
    if (session !== undefined && !before.has(session.split('.')[0] ?? '')) return session;
    await sleep(50);
  }
  throw new Error('no new worker came');
}

const open: Listener[] = [];
afterAll(() => {
  for (const client of open) client[Symbol.dispose]();
});

/** A session that stays until the end of the tests. */
async function sessionOf(token: string): Promise<string> {
  const client = await Listener.open(`${carillon.wsUrl}/ws`);
  open.push(client);
  client.send(JSON.stringify({ id: 1, op: 'auth', token }));
  const [reply] = await client.until(1);
  return (JSON.parse(String(reply)) as { readonly result: { readonly session: string } }).result.session;
}

describe('what is kept', () => {
  test('ADR6 ACC16 is with the worker that takes the place of one that was killed', async () => {
    const other = users.pop() ?? '';
    await api('tag', { user, tags: { vip: true } });
    await api('block', { user: other, reason: 'spam' });
    const before = new Set<string>();
    for (let round = 0; round < 20; round++)
      before.add((await sessionOf(`token-${user}`)).split('.')[0] ?? '');
    expect(before.size).toBe(2);
    const [victim] = workers();
    process.kill(victim ?? 0, 'SIGKILL');
    const session = await atNewWorker(`token-${user}`, before);
    expect(await api('session', { session })).toMatchObject({ user, tags: { vip: true, city: 'sh' } });
    expect(await logins(`token-${other}`)).toEqual(eight(refused));
    expect(await api('block', { user })).toEqual({ sessions: await sessionsLeft() });
    await api('unblock', { user });
    await api('unblock', { user: other });
  });

  /** Those of the user that were neither at the worker that died nor ended themselves. */
  async function sessionsLeft(): Promise<number> {
    const codes = await Promise.all(open.map(({ closed }) => closed));
    return codes.filter((code) => code === 3500).length;
  }

  test('INB9 ADR6 ACC16 outlives a restart of all, with a data directory', async () => {
    await push('first');
    await push('second');
    await api('inbox_mark', { channel: `user:${user}`, device: 'phone', offset: 1 });
    await api('tag', { user, tags: { vip: true } });
    await api('block', { jti: 'stolen' });
    await api('block', { user: users[0] ?? '', reason: 'spam' });
    expect(await carillon.stop()).toBe(0);
    await start();
    using sessions = await atEveryWorker(carillon, 2, `token-${user}`);
    expect(await api('send', { to: { where: 'vip & city=sh' }, data: 1 })).toEqual({ sessions: 2 });
    expect(await api('inbox_unread', { channel: `user:${user}` })).toMatchObject({
      ...{ unread: 1, offset: 2 },
      devices: [{ device: 'phone', offset: 1, unread: 1 }],
    });
    const { blocked, total } = (await api('blocked')) as Page;
    expect(total).toBe(2);
    expect(blocked).toContainEqual(expect.objectContaining({ jti: 'stolen' }));
    expect(blocked).toContainEqual(expect.objectContaining({ user: users[0], reason: 'spam' }));
    expect(await logins(`token-${users[0]}`)).toEqual(eight(refused));
    expect(await api('block', { user })).toEqual({ sessions: sessions.all.length });
  });
});
