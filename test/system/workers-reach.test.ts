/** The server side and the clients of two workers, with the real binary: whom it reaches, what it lists, and what a killed worker takes along. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { postAnywhere } from '../support/workers.ts';

const key = 'a-key-for-the-tests-of-workers';
const users = ['0', '1', '2', '3', '4'];
const tagsOf = (user: string): object => ({ vip: Number(user) % 2 === 0, city: user === '1' ? 'sh' : 'bj' });
const config = {
  workers: 2,
  drain: '0s',
  api: { keys: [key] },
  auth: {
    tokens: Object.fromEntries(users.map((user) => [`token-${user}`, { user, tags: tagsOf(user) }])),
  },
  channels: { 'news:*': { subscribe: 'user', history: { size: 10, ttl: '1m' } } },
};
const patient = { timeout: 20_000, interval: 50 };

interface Client {
  readonly listener: Listener;
  readonly user: string;
  readonly session: string;
  readonly worker: string;
}

/** A method of the server API over a connection of its own, so that any worker may be asked. */
async function api<Result = unknown>({ url }: RunningCarillon, method: string, params: object = {}) {
  const { body } = await postAnywhere(`${url}/v1/${method}`, params, { 'X-API-Key': key });
  return ((body as { readonly result?: unknown }).result ?? body) as Result;
}

async function login({ wsUrl }: RunningCarillon, user: string): Promise<Client> {
  const listener = await Listener.open(`${wsUrl}/ws`);
  listener.send(JSON.stringify({ id: 1, op: 'auth', token: `token-${user}` }));
  const [reply] = await listener.until(1);
  const { session } = (JSON.parse(String(reply)) as { result: { session: string } }).result;
  listener.got.length = 0;
  return { listener, user, session, worker: session.split('.')[0] ?? '' };
}

/** Sessions of all users in turns, until each of these users has some at both workers. */
async function crowd(server: RunningCarillon, split: readonly string[]): Promise<Client[]> {
  const clients: Client[] = [];
  const isSplit = (user: string): boolean =>
    new Set(clients.filter((client) => client.user === user).map(({ worker }) => worker)).size === 2;
  for (let round = 0; round < 60 && !(round >= 4 && split.every(isSplit)); round++)
    for (const user of users) clients.push(await login(server, user));
  expect(split.filter((user) => !isSplit(user))).toEqual([]);
  return clients;
}

/** What a client sends after all this, and its answer, come after everything else. */
async function drained(clients: readonly Client[]): Promise<string[][]> {
  for (const { listener } of clients) listener.send('{"id":"last","op":"ping"}');
  return Promise.all(
    clients.map(async ({ listener: { got }, listener }) => {
      const last = '{"id":"last","result":"pong"}';
      for (let count = 1; !got.includes(last); count++) await listener.until(Math.max(count, got.length + 1));
      return got.splice(0).slice(0, -1).map(String);
    }),
  );
}

describe('with the clients of both workers', () => {
  let server: RunningCarillon;
  let clients: Client[];
  beforeAll(async () => {
    server = await startCarillon({ config });
    clients = await crowd(server, ['0', '1']);
  });
  afterAll(async () => {
    for (const { listener } of clients ?? []) listener[Symbol.dispose]();
    await server?.stop();
  });

  test('ADR1 ADR2 ADR15 whoever is meant gets it once, is counted once, and nobody else gets it', async () => {
    const [first, second, third] = clients as [Client, Client, Client];
    const other = clients.find(({ worker }) => worker !== first.worker) ?? second;
    await api(server, 'group_join', { group: 'g', user: '1' });
    await api(server, 'group_join', { group: 'g', session: other.session });
    for (const client of [first, other]) {
      client.listener.send('{"op":"subscribe","channel":"news:1"}');
      await client.listener.until(1);
      client.listener.got.length = 0;
    }
    const named = new Set([first, third, other]);
    const cases: [object, (client: Client) => boolean][] = [
      [{ all: true }, () => true],
      [{ user: '0' }, ({ user }) => user === '0'],
      [{ users: ['0', '3', 'nobody'] }, ({ user }) => user === '0' || user === '3'],
      [{ sessions: [...named].map(({ session }) => session) }, (client) => named.has(client)],
      [{ session: other.session }, (client) => client === other],
      [{ groups: ['g', 'none'] }, (client) => client.user === '1' || client === other],
      [{ channel: 'news:1' }, (client) => client === first || client === other],
      [{ where: 'vip & !city=sh' }, ({ user }) => Number(user) % 2 === 0],
    ];
    for (const [to, isMeant] of cases) {
      for (let asked = 0; asked < 4; asked++) {
        const meant = clients.filter(isMeant).length;
        expect([to, await api(server, 'send', { to, data: asked })]).toEqual([to, { sessions: meant }]);
      }
      const got = await drained(clients);
      const sent = [0, 1, 2, 3].map((data) => `{"event":"message","data":${data}}`);
      expect([to, got]).toEqual([to, clients.map((client) => (isMeant(client) ? sent : []))]);
    }
  });

  test('ADR12 ADR15 the list of sessions is the same at each worker, each session once, whoever is asked for the next page', async () => {
    for (let asked = 0; asked < 4; asked++) {
      const listed: { session: string; user: string }[] = [];
      let cursor: string | undefined;
      do {
        const page = await api<{ sessions: typeof listed; total: number; cursor?: string }>(
          server,
          'sessions',
          { limit: 7, cursor },
        );
        expect(page.total).toBe(clients.length);
        listed.push(...page.sessions);
        cursor = page.cursor;
      } while (cursor !== undefined && listed.length <= clients.length);
      expect(listed.map(({ session, user }) => [session, user])).toEqual(
        clients.map(({ session, user }) => [session, user]),
      );
    }
  });

  test('ADR9 ADR13 ADR15 a session is known at each worker, and so are users, groups and channels', async () => {
    const [first] = clients as [Client];
    const own = clients.filter(({ user }) => user === first.user).map(({ session }) => session);
    const byUser = new Set(clients.map(({ user }) => user));
    for (const user of byUser) await api(server, 'group_join', { group: 'all', user });
    await api(server, 'subscribe', { user: first.user, channel: 'given' });
    for (let asked = 0; asked < 6; asked++) {
      const context = { asked };
      const { session } = first;
      expect(await api(server, 'context_set', { session, context })).toEqual({ session, context });
      expect(await api(server, 'context_get', { session })).toEqual({ session, context });
      expect(await api(server, 'session', { session })).toMatchObject({ session, user: first.user });
      expect(await api(server, 'user', { user: first.user })).toEqual({ online: true, sessions: own });
      const counts = { members: users.length, sessions: clients.length, users: users.length };
      expect(await api(server, 'group', { group: 'all' })).toMatchObject({ counts });
      expect(await api(server, 'channels', { pattern: 'given' })).toMatchObject({
        channels: [{ channel: 'given', sessions: own.length }],
      });
      expect(await api(server, 'mesh/publish', { c: 'given', d: '1' })).toEqual({
        E: null,
        r: { s: own.length, f: 0 },
      });
      expect(await api(server, 'session', { session: '1.nobody' })).toMatchObject({ error: { code: 108 } });
    }
    expect(await api(server, 'unsubscribe', { user: first.user, channel: 'given' })).toEqual({
      sessions: own.length,
    });
    await drained(clients);
  });

  test('ADR11 ADR15 ADR16 who is disconnected, and what a killed worker had, is in no list and no group any more', async () => {
    const gone = clients.filter(({ user }) => user === '4');
    const to = { user: '4' };
    expect(await api(server, 'disconnect', { to, code: 4500 })).toEqual({ sessions: gone.length });
    expect(await Promise.all(gone.map(({ listener }) => listener.closed))).toEqual(gone.map(() => 4500));
    clients = clients.filter(({ user }) => user !== '4');
    for (const { session } of clients) await api(server, 'group_join', { group: 'own', session });
    const [killed] = clients as [Client];
    const left = clients.filter(({ worker }) => worker !== killed.worker);
    process.kill(pidOf(server, killed.worker), 'SIGKILL');
    await killed.listener.closed;
    const names = left.map(({ session }) => session);
    await expect
      .poll(() => api(server, 'sessions').catch(() => undefined), patient)
      .toMatchObject({ sessions: names.map((session) => ({ session })), total: names.length });
    await expect
      .poll(() => api(server, 'group', { group: 'own' }).catch(() => undefined), patient)
      .toMatchObject({ members: names.map((session) => ({ session })) });
    // The worker in its place is asked, too.
    const survivor = left[0]?.worker;
    await expect.poll(() => workerOfNext(server), patient).not.toBe(survivor);
    const more = await crowd(server, ['0']);
    clients = [...left, ...more];
    await expect.poll(() => api(server, 'sessions'), patient).toMatchObject({ total: clients.length });
    expect(await api(server, 'send', { to: { all: true }, data: 1 })).toEqual({ sessions: clients.length });
    expect((await drained(clients)).map((lines) => lines.length)).toEqual(clients.map(() => 1));
  });
});

describe('with a server of its own', () => {
  let server: RunningCarillon | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'carillon-reach-'));
  afterEach(async () => {
    await server?.stop();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('ADR7 users stay in their groups over a restart where there is a data directory', async () => {
    const durable = { ...config, dataDir: join(folder, 'data') };
    server = await startCarillon({ config: durable });
    for (const user of ['0', 'away']) await api(server, 'group_join', { group: 'g', user });
    await server.stop();
    server = await startCarillon({ config: durable });
    using client = (await login(server, '0')).listener;
    for (let asked = 0; asked < 4; asked++)
      expect(await api(server, 'group', { group: 'g' })).toMatchObject({
        members: [{ user: '0' }, { user: 'away' }],
        counts: { members: 2, sessions: 1, users: 1 },
      });
    expect(await api(server, 'send', { to: { group: 'g' }, data: 'hello' })).toEqual({ sessions: 1 });
    expect(await client.until(1)).toEqual(['{"event":"message","data":"hello"}']);
  });

  test('ADR15 RUN10 a hook at one worker reaches the clients of all', async () => {
    const hooks = `export default {
      call: ({ data }, carillon) => carillon.send({ all: true }, data),
    };`;
    writeFileSync(join(folder, 'hooks.ts'), hooks);
    server = await startCarillon({ config: { ...config, hooks: join(folder, 'hooks.ts') } });
    const clients = await crowd(server, ['0']);
    const callers = clients.slice(0, 6);
    for (const { listener } of callers) listener.send('{"op":"call","method":"tell","data":1}');
    await Promise.all(
      clients.map(({ listener }, at) => listener.until(callers.length + (at < callers.length ? 1 : 0))),
    );
    const sent = callers.map(() => '{"event":"message","data":1}');
    const reply = `{"result":{"sessions":${clients.length}}}`;
    expect((await drained(clients)).map((lines) => lines.toSorted())).toEqual(
      clients.map((_, at) => (at < callers.length ? [...sent, reply] : sent)),
    );
    for (const { listener } of clients) listener[Symbol.dispose]();
  });
});

/** The worker that a connection comes to now; it leaves again. */
async function workerOfNext(server: RunningCarillon): Promise<string> {
  const { listener, worker } = await login(server, '0');
  listener[Symbol.dispose]();
  await listener.closed;
  return worker;
}

/** The process of a worker of this server. */
function pidOf({ pid }: RunningCarillon, worker: string): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const found = children.find((child) => {
    const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0').filter(Boolean);
    return words.at(-2) === 'worker' && Number(words.at(-1)).toString(36) === worker;
  });
  if (found === undefined) throw new Error(`there is no worker ${worker}`);
  return found;
}
