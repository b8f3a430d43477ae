import { expect, test } from 'vitest';
import { type CoreHost, startCore, type TestClient } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Identity } from './access.ts';
import type { Target } from './addressing.ts';
import { parseWhere } from './where.ts';

const tagsOf: Readonly<Record<string, Identity['tags']>> = {
  ann: { vip: true, city: 'sh' },
  bob: { city: 'sh' },
  cat: { vip: true, city: 'bj' },
};

/** A token is a user's name; the user has the tags of the table. */
function start(anonymous = true): Promise<CoreHost> {
  return startCore({
    anonymous,
    authenticate: async (user) => ({ user, ...(tagsOf[user] && { tags: tagsOf[user] }) }),
  });
}

async function login(host: CoreHost, user?: string): Promise<TestClient> {
  const client = host.connect(user === undefined ? {} : { token: user });
  await host.settle();
  return client;
}

async function send(host: CoreHost, to: Target, data = '1', rest = {}): Promise<number> {
  const count = await host.node.reach.addressing.send(to, { data, ...rest });
  await host.settle();
  return count;
}

const got = (clients: readonly TestClient[]): number[] => clients.map((client) => client.lines().length);

test('ADR1 what is sent arrives as an event, as it was written, and is counted', async () => {
  const host = await start();
  const ann = await login(host, 'ann');
  expect(await send(host, { users: ['ann'] }, '{"n":9007199254740993}', { event: 'order' })).toBe(1);
  expect(await send(host, { sessions: [ann.session] })).toBe(1);
  expect(ann.lines()).toEqual([
    '{"event":"order","data":{"n":9007199254740993}}',
    '{"event":"message","data":1}',
  ]);
});

test('ADR2 every way to say whom it is for reaches each of them once', async () => {
  const host = await start();
  const { people } = host.node.reach;
  const clients = [];
  for (const user of ['ann', 'ann', 'bob', 'cat', undefined]) clients.push(await login(host, user));
  const [first, second, third] = clients;
  await third?.ask({ op: 'subscribe', channel: 'n:1' });
  await people.join('g', { user: 'ann' });
  await people.join('g', { session: second?.session ?? '' });
  await people.join('h', { session: third?.session ?? '' });
  got(clients);
  const cases: [Target, number[]][] = [
    [{ all: true }, [1, 1, 1, 1, 1]],
    [{ sessions: [first?.session ?? '', first?.session ?? '', 'gone'] }, [1, 0, 0, 0, 0]],
    [{ users: ['ann', 'cat', 'ann', 'nobody'] }, [1, 1, 0, 1, 0]],
    [{ groups: ['g', 'h', 'none'] }, [1, 1, 1, 0, 0]],
    [{ channel: 'n:1' }, [0, 0, 1, 0, 0]],
    [{ where: parseWhere('vip & !city=bj') }, [1, 1, 0, 0, 0]],
    [{ where: parseWhere('!vip') }, [0, 0, 1, 0, 1]],
  ];
  for (const [to, expected] of cases) {
    const count = await send(host, to);
    expect([to, got(clients), count]).toEqual([to, expected, expected.filter((one) => one > 0).length]);
  }
});

test('ADR3 nobody is no error', async () => {
  const host = await start();
  const nobody: Target[] = [
    { all: true },
    { sessions: ['s'] },
    { users: ['u'] },
    { groups: ['g'] },
    { channel: 'c' },
    { where: parseWhere('t') },
  ];
  for (const to of nobody) expect(await send(host, to)).toBe(0);
});

test('ADR3 who has yet to authenticate is not everybody, but can be named', async () => {
  const host = await start(false);
  const ann = await login(host, 'ann');
  const stranger = await login(host);
  expect(await send(host, { all: true })).toBe(1);
  expect(await send(host, { where: parseWhere('!nothing') })).toBe(1);
  expect(await send(host, { sessions: [stranger.session] })).toBe(1);
  expect(got([ann, stranger])).toEqual([2, 1]);
});

test('ADR4 the excluded are neither reached nor counted', async () => {
  const host = await start();
  const clients = [];
  for (const user of ['ann', 'ann', 'bob']) clients.push(await login(host, user));
  const [first] = clients;
  expect(await send(host, { all: true }, '1', { exclude: { sessions: [first?.session ?? ''] } })).toBe(2);
  expect(await send(host, { all: true }, '1', { exclude: { users: ['ann'], sessions: ['x'] } })).toBe(1);
  expect(got(clients)).toEqual([0, 1, 2]);
});

test('ADR1 feeds take no events, so they are not counted', async () => {
  const host = await start();
  const request = { address: '192.0.2.1', headers: {}, channels: ['n:1'], token: 'ann' };
  const feed = await host.node.prepareFeed(request);
  const connection = new FakeConnection(new LineWire({ isBare: true }));
  connection.listen(feed.open(connection));
  const ann = await login(host, 'ann');
  await ann.ask({ op: 'subscribe', channel: 'n:1' });
  for (const to of [{ all: true }, { users: ['ann'] }, { channel: 'n:1' }] as const)
    expect(await send(host, to)).toBe(1);
  expect(connection.readable).toBe(0);
  expect(await host.node.reach.directory.user('ann')).toHaveLength(2);
  expect(await host.node.reach.addressing.disconnect({ users: ['ann'] })).toBe(2);
  expect(connection.ended?.code).toBe(3503);
});

test('a session that does not read is told to end, and is not counted when it did', async () => {
  const host = await start();
  const slow = host.connect({ token: 'ann', capacity: 10 });
  await host.settle();
  const data = JSON.stringify('x'.repeat(1_000_000));
  const counts = [];
  for (let at = 0; at < 6; at++) counts.push(await send(host, { users: ['ann'] }, data));
  expect(counts).toEqual([1, 1, 1, 1, 1, 0]);
  expect(slow.connection.ended?.code).toBe(3008);
});

test('ADR7 sessions that come are in the groups and have the tags of their users at once', async () => {
  const host = await start();
  const { people, directory } = host.node.reach;
  await people.join('g', { user: 'ann' });
  await people.tag({ user: 'ann' }, { level: 3 });
  const ann = await login(host, 'ann');
  expect(await send(host, { groups: ['g'] })).toBe(1);
  expect(await send(host, { where: parseWhere('level=3 & vip') })).toBe(1);
  expect(await directory.session(ann.session)).toEqual({
    session: ann.session,
    user: 'ann',
    tags: { vip: true, city: 'sh', level: 3 },
    wire: 'line',
    groups: ['g'],
    channels: [],
  });
  ann.connection.cut();
  expect(await send(host, { groups: ['g'] })).toBe(0);
  expect((await directory.group('g')).members).toEqual([{ user: 'ann' }]);
});

test('ADR7 a session leaves its groups when it ends', async () => {
  const host = await start();
  const { people, directory } = host.node.reach;
  const ann = await login(host, 'ann');
  await people.join('g', { session: ann.session });
  expect((await directory.group('g')).counts).toEqual({ members: 1, sessions: 1, users: 1 });
  ann.connection.cut();
  expect(await directory.groups({})).toEqual({ groups: [], total: 0 });
});

test('ADR6 what is said of a session wins over its user, and that over the token; untag takes away all three', async () => {
  const host = await start();
  const { people, directory } = host.node.reach;
  const { session } = await login(host, 'ann');
  const tags = async (): Promise<unknown> => (await directory.session(session)).tags;
  await people.tag({ user: 'ann' }, { city: 'gz', level: 1 });
  await people.tag({ session }, { level: 2 });
  expect(await tags()).toEqual({ vip: true, city: 'gz', level: 2 });
  await people.untag({ session }, ['level', 'vip']);
  expect(await tags()).toEqual({ city: 'gz' });
  await people.untag({ user: 'ann' }, ['city', 'level', 'never']);
  expect(await tags()).toEqual({});
  await people.tag({ session }, { vip: true });
  expect(await tags()).toEqual({ vip: true });
  expect(await send(host, { where: parseWhere('city | level') })).toBe(0);
});

test('ADR6 tags that come and go do not add up', async () => {
  const host = await start();
  const { people } = host.node.reach;
  const { session } = await login(host, 'ann');
  for (let at = 0; at < 200; at++) {
    await people.tag({ session }, { [`order${at}`]: true });
    await people.tag({ user: 'ann' }, { [`order${at}`]: true });
    await people.untag({ session }, [`order${at}`]);
    await people.untag({ user: 'ann' }, [`order${at}`]);
  }
  expect(await send(host, { where: parseWhere('order199 | order0') })).toBe(0);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`t${at}`, true]));
  await expect(people.tag({ session }, many)).rejects.toThrow('at most 64 tags');
});

test("ADR8 bind makes a session a user's and ends what that user may not read", async () => {
  const host = await start();
  const { people } = host.node.reach;
  const client = await login(host, 'ann');
  await client.ask(...['user:ann', 'n:1', 'h:1'].map((channel) => ({ op: 'subscribe', channel })));
  people.bind(client.session, 'bob');
  expect(await client.messages()).toEqual([
    { event: 'user:ann', type: 'unsubscribed', code: 103, msg: 'permission denied' },
  ]);
  expect([await send(host, { users: ['ann'] }), await send(host, { users: ['bob'] })]).toEqual([0, 1]);
  expect(() => people.unbind(client.session, 'ann')).toThrow("the session is the user 'bob'");
  people.unbind(client.session, 'bob');
  people.unbind(client.session, undefined);
  people.unbind('gone', 'bob');
  expect(await send(host, { users: ['bob'] })).toBe(0);
});

test('ADR8 a session that becomes nobody loses everything where only clients with a token are admitted', async () => {
  const host = await start(false);
  const { people } = host.node.reach;
  const client = await login(host, 'ann');
  await client.ask({ op: 'subscribe', channel: 'n:1' });
  await people.subscribe({ session: client.session }, 'closed');
  people.unbind(client.session, undefined);
  const [subscribed, ended] = await client.messages();
  expect(subscribed).toMatchObject({ event: 'closed', type: 'subscribed' });
  expect(ended).toEqual({ event: 'n:1', type: 'unsubscribed', code: 1, msg: 'Not Auth' });
  await host.node.publish('closed', '1');
  expect(await client.messages()).toEqual([{ event: 'closed', data: 1, offset: 1 }]);
});

test('ADR10 the server side subscribes and unsubscribes; the client is told both, and nothing follows', async () => {
  const host = await start();
  const { people } = host.node.reach;
  const clients = [await login(host, 'ann'), await login(host, 'ann')];
  await host.node.publish('h:1', '0');
  await clients[0]?.ask({ op: 'subscribe', channel: 'h:1' });
  expect(await people.subscribe({ user: 'ann' }, 'h:1')).toBe(2);
  await host.node.publish('h:1', '1');
  const epoch = expect.any(String);
  expect(await clients[0]?.messages()).toEqual([{ event: 'h:1', data: 1, offset: 2 }]);
  expect(await clients[1]?.messages()).toEqual([
    { event: 'h:1', type: 'subscribed', epoch, offset: 1, recoverable: true },
    { event: 'h:1', data: 1, offset: 2 },
  ]);
  expect(people.unsubscribe({ user: 'ann' }, 'h:1')).toBe(2);
  expect(people.unsubscribe({ user: 'ann' }, 'h:1')).toBe(0);
  await host.node.publish('h:1', '2');
  for (const client of clients)
    expect(await client.messages()).toEqual([
      { event: 'h:1', type: 'unsubscribed', code: 3503, msg: 'unsubscribed by the server' },
    ]);
  expect(await people.subscribe({ user: 'nobody' }, 'h:1')).toBe(0);
});

test('ADR12 pages of sessions name each once, whoever comes and goes between', async () => {
  const host = await start();
  const { directory } = host.node.reach;
  const clients = [];
  for (const user of ['ann', 'bob', 'ann', 'cat', 'ann']) clients.push(await login(host, user));
  const ids = clients.map(({ session }) => session);
  const first = await directory.sessions({ all: true }, { limit: 2 });
  expect([first.sessions.map(({ session }) => session), first.total]).toEqual([ids.slice(0, 2), 5]);
  clients[0]?.connection.cut();
  const cursor = first.cursor ?? '';
  const second = await directory.sessions({ all: true }, { limit: 10, cursor });
  expect([second.sessions.map(({ session }) => session), second.cursor]).toEqual([ids.slice(2), undefined]);
  const ofAnn = await directory.sessions({ users: ['ann'] }, { cursor });
  expect(ofAnn.sessions.map(({ session }) => session)).toEqual([ids[2], ids[4]]);
  expect(await directory.sessions({ where: parseWhere('city=sh') }, { limit: 0 })).toEqual({
    sessions: [],
    total: 3,
  });
  await expect(directory.sessions({ all: true }, { cursor: 'x' })).rejects.toMatchObject({ code: 107 });
});

test('ADR13 what needs a session says that there is none', async () => {
  const host = await start();
  const { people, directory } = host.node.reach;
  const none = expect.objectContaining({ code: 108, status: 404 });
  const needs = [
    () => people.join('g', { session: 'gone' }),
    () => people.subscribe({ session: 'gone' }, 'n:1'),
    () => directory.session('gone'),
    async () => people.bind('gone', 'ann'),
    async () => people.tag({ session: 'gone' }, { vip: true }),
    async () => people.contextOf('gone'),
    async () => people.setContext('gone', '{}'),
    async () => people.updateContext('gone', '{}'),
  ];
  for (const need of needs) await expect(need()).rejects.toEqual(none);
  expect(people.unsubscribe({ session: 'gone' }, 'n:1')).toBe(0);
  await people.untag({ session: 'gone' }, ['vip']);
  await people.leave('g', { session: 'gone' });
});
