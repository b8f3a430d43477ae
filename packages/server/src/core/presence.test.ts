import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import {
  type CoreHost,
  type CoreHostOptions,
  keeping,
  startCore,
  type TestClient,
} from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';
import type { Rule } from './rules.ts';

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const announces = { announces: true };
const rules: readonly Rule[] = [
  { pattern: 'p:*', ...open, presence: announces, retention: keeping },
  { pattern: 'q:*', ...open, presence: announces },
  { pattern: 'list:*', ...open, presence: { announces: false } },
  { pattern: 'none', ...open },
  { pattern: 'user:{uid}', ...open, subscribe: 'owner', presence: announces },
  { pattern: 'staff', ...open, presence: announces, readPresence: 'nobody' },
];

/** `ann` is the user ann, `ann/x` the user ann with the info "x". */
function identity(token: string): Promise<Identity> {
  const [user = '', info] = token.split('/');
  if (user === 'wrong') return Promise.reject(refuse('unauthorized'));
  return Promise.resolve({ user, ...(info !== undefined && { info }) });
}

function start(options: CoreHostOptions = {}): Promise<CoreHost> {
  return startCore({ rules, authenticate: identity, ...options });
}

/** A client that has logged in and subscribed; what it got so far is read. */
async function enter(host: CoreHost, token: string | undefined, channel = 'p:1'): Promise<TestClient> {
  const client = host.connect(token === undefined ? {} : { token });
  expect((await client.ask({ op: 'subscribe', channel }))[0]).toEqual({ result: true });
  return client;
}

async function members(host: CoreHost, channel = 'p:1'): Promise<string[]> {
  const { members: all } = await host.node.presence.list(channel);
  return all.map(({ session, user }) => `${session} ${user ?? '-'}`);
}

function leave(session: string, user: string, more: object = {}): object {
  return { event: 'p:1', type: 'leave', member: { session, user, ...more } };
}

function join(session: string, user: string, more: object = {}): object {
  return { event: 'p:1', type: 'join', member: { session, user, ...more } };
}

describe('the list', () => {
  test('PRE1 PRE2 has every session that is subscribed, in the order of their coming', async () => {
    const host = await start();
    const ann = await enter(host, 'ann/Ann');
    await enter(host, undefined);
    const feed = await host.node.prepareFeed({ address: '', headers: {}, token: 'bob', channels: ['p:1'] });
    expect(await members(host)).toEqual(['session-1 ann', 'session-2 -']);
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(feed.open(connection));
    const result = {
      members: [
        { session: 'session-1', user: 'ann', info: 'Ann' },
        { session: 'session-2' },
        { session: 'session-3', user: 'bob' },
      ],
    };
    await ann.messages();
    expect(await ann.ask({ op: 'presence', channel: 'p:1' })).toEqual([{ result }]);
    expect(await ann.ask({ id: 'x', op: 'presence', channel: 'p:1' })).toEqual([{ id: 'x', result }]);
  });

  test('PRE1 lists the asker when its subscribe came before, in a batch, or side by side', async () => {
    const host = await start();
    const ask = { op: 'presence', channel: 'p:1' };
    const subscribe = { op: 'subscribe', channel: 'p:1' };
    const batch = await host.connect().ask([subscribe, ask]);
    expect(batch).toEqual([[{ result: true }, { result: { members: [{ session: 'session-1' }] } }]]);
    const other = host.connect();
    const [, listed] = await other.ask({ id: 1, ...subscribe }, { id: 2, ...ask });
    expect(listed).toMatchObject({ id: 2, result: { members: [{}, { session: 'session-2' }] } });
  });

  test('PRE2 of a large channel names those who came first, and counts all', async () => {
    const host = await start();
    for (let count = 0; count < limits.listedMembers + 5; count++) {
      host.connect({ token: `u${count % 7}` }).send({ op: 'subscribe', channel: 'list:1' });
    }
    await host.settle();
    const [reply] = await host.connect().ask({ op: 'presence', channel: 'list:1' });
    const { result } = reply as { result: { members: unknown[] } };
    expect(result).toMatchObject({ sessions: 1_005, users: 7 });
    expect(result.members).toHaveLength(1_000);
    expect(result.members.at(-1)).toEqual({ session: 'session-1000', user: `u${999 % 7}` });
  });

  test('PRE2 of members with much info ends at its bound of bytes', async () => {
    const host = await start();
    const info = 'i'.repeat(200_000);
    for (let count = 0; count < 8; count++) await enter(host, `u${count}/${info}`, 'list:1');
    const [reply] = await host.connect().ask({ op: 'presence', channel: 'list:1' });
    const { result } = reply as { result: { members: unknown[] } };
    expect(result.members).toHaveLength(5);
    expect(result).toMatchObject({ sessions: 8, users: 8 });
  });

  test('PRE3 the numbers count each user once, and sessions without one as sessions alone', async () => {
    const host = await start();
    for (const token of ['ann', 'ann', 'bob', undefined]) await enter(host, token, 'list:1');
    const client = host.connect();
    expect(await client.ask({ op: 'presence_stats', channel: 'list:1' })).toEqual([
      { result: { sessions: 4, users: 2 } },
    ]);
    expect(await client.ask({ op: 'presence_stats', channel: 'list:2' })).toEqual([
      { result: { sessions: 0, users: 0 } },
    ]);
    expect(host.node.figures().presenceMembers).toBe(4);
  });

  test.each([
    ['a channel without presence', 'none', 108],
    ['a channel that no rule knows', 'unknown', 102],
    ['who may not', 'staff', 103],
    ['a bad name', 'a b', 107],
    ['no name', undefined, 107],
  ])('PRE4 %s is refused', async (_, channel, code) => {
    const host = await start();
    const client = host.connect({ token: 'ann' });
    for (const op of ['presence', 'presence_stats']) {
      expect(await client.ask({ op, channel })).toMatchObject([{ code }]);
    }
    await expect(host.node.presence.list('none')).rejects.toMatchObject({ code: 108 });
    await expect(host.node.presence.stats('unknown')).rejects.toMatchObject({ code: 108 });
    await expect(host.node.presence.list('staff')).resolves.toMatchObject({ sessions: 0 });
  });

  test('PRE4 @user is the own channel, and somebody else’s is refused', async () => {
    const host = await start();
    const ann = await enter(host, 'ann', '@user');
    const [reply] = await ann.ask({ op: 'presence', channel: '@user' });
    expect(reply).toEqual({ result: { members: [{ session: 'session-1', user: 'ann' }] } });
    expect(await ann.ask({ op: 'presence', channel: 'user:bob' })).toMatchObject([{ code: 103 }]);
  });

  test('PRE6 changes at once: with a close, a cut, an unsubscribe, a disconnect', async () => {
    const host = await start();
    const [a, b, c] = [await enter(host, 'a'), await enter(host, 'b'), await enter(host, 'c')];
    await enter(host, 'd');
    a.connection.cut();
    expect(await members(host)).toEqual(['session-2 b', 'session-3 c', 'session-4 d']);
    await b.ask({ op: 'unsubscribe', channel: 'p:1' });
    expect(await members(host)).toEqual(['session-3 c', 'session-4 d']);
    await host.node.reach.addressing.disconnect({ sessions: ['session-4'] }, { code: 3503, reason: '' });
    expect(await members(host)).toEqual(['session-3 c']);
    c.connection.cut();
    expect(await members(host)).toEqual([]);
  });

  test('PRE10 says who a session is now', async () => {
    const host = await start();
    const client = await enter(host, undefined, 'list:1');
    expect(await members(host, 'list:1')).toEqual(['session-1 -']);
    await client.ask({ op: 'auth', token: 'ann' });
    expect(await members(host, 'list:1')).toEqual(['session-1 ann']);
    await client.ask({ op: 'refresh', token: 'ann/new' });
    expect((await host.node.presence.list('list:1')).members).toEqual([
      { session: 'session-1', user: 'ann', info: 'new' },
    ]);
    host.node.reach.people.bind('session-1', 'bob');
    expect(await host.node.presence.stats('list:1')).toEqual({ sessions: 1, users: 1 });
    host.node.reach.people.unbind('session-1', undefined);
    expect(await members(host, 'list:1')).toEqual(['session-1 -']);
    expect(await host.node.presence.stats('list:1')).toEqual({ sessions: 1, users: 0 });
  });
});

describe('events', () => {
  test('PRE5 tell the others who comes and who goes, in order with what is published', async () => {
    const host = await start();
    const ann = await enter(host, 'ann/A');
    const raw = host.connect({ token: 'raw', wire: new LineWire({ name: 'raw' }) });
    await raw.ask({ op: 'subscribe', channel: 'p:1' });
    expect(await ann.messages()).toEqual([join('session-2', 'raw')]);
    const bob = host.connect({ token: 'bob' });
    const publish = { op: 'publish', channel: 'p:1', data: 'hello' };
    const replies = await bob.ask({ op: 'subscribe', channel: 'p:1' }, publish, {
      op: 'unsubscribe',
      channel: 'p:1',
    });
    const hello = { event: 'p:1', data: 'hello', offset: 1 };
    // Its own coming is no news to it.
    expect(replies).not.toContainEqual(join('session-3', 'bob'));
    expect(await ann.messages()).toEqual([join('session-3', 'bob'), hello, leave('session-3', 'bob')]);
    expect(await raw.messages()).toEqual([join('session-3', 'bob'), hello, leave('session-3', 'bob')]);
  });

  test('PRE5 reach subscribers under their alias, and no feeds', async () => {
    const host = await start();
    const ann = await enter(host, 'ann', '@user');
    const feed = await host.node.prepareFeed({
      address: '',
      headers: {},
      token: 'ann',
      channels: ['user:ann'],
    });
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(feed.open(connection));
    const member = { session: 'session-2', user: 'ann' };
    expect(await ann.messages()).toEqual([{ event: '@user', type: 'join', member }]);
    await enter(host, 'ann', 'user:ann');
    expect(connection.read().toString()).toBe('');
  });

  test('PRE5 are not told where the rule only lists', async () => {
    const host = await start();
    const ann = await enter(host, 'ann', 'list:1');
    const bob = await enter(host, 'bob', 'list:1');
    bob.connection.cut();
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([]);
    expect(host.node.figures().counters.presenceEvents.size).toBe(0);
  });

  test('PRE6 a connection that is gone is told after the grace', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const bob = await enter(host, 'bob/B');
    await ann.messages();
    const { timers } = host.clock;
    bob.connection.cut();
    expect(await members(host)).toEqual(['session-1 ann']);
    await host.clock.elapse(4_900);
    expect(await ann.messages()).toEqual([]);
    await host.clock.elapse(600);
    expect(await ann.messages()).toEqual([leave('session-2', 'bob', { info: 'B' })]);
    expect(host.clock.timers).toBe(timers);
  });

  test('PRE6 a grace of 0 waits for nobody', async () => {
    const host = await start({ graceMs: 0 });
    const ann = await enter(host, 'ann');
    (await enter(host, 'bob')).connection.cut();
    expect(await ann.messages()).toEqual([join('session-2', 'bob'), leave('session-2', 'bob')]);
  });

  test('PRE7 a user who is back within the grace is not told of, and goes by all its names', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    let bob = await enter(host, 'bob/B');
    await ann.messages();
    bob.connection.cut();
    await host.clock.elapse(4_000);
    bob = await enter(host, 'bob/B');
    await host.clock.elapse(20_000);
    expect(await ann.messages()).toEqual([]);
    expect(await members(host)).toEqual(['session-1 ann', 'session-3 bob']);
    bob.connection.cut();
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([leave('session-3', 'bob', { info: 'B', former: ['session-2'] })]);
  });

  test('PRE7 without a user, the subscribe that names the former session is that one back', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const first = await enter(host, undefined);
    await ann.messages();
    first.connection.cut();
    const second = host.connect();
    await second.ask({ op: 'subscribe', channel: 'p:1', session: first.session });
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([]);
    second.connection.cut();
    const stranger = await enter(host, undefined);
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([
      { event: 'p:1', type: 'join', member: { session: stranger.session } },
      { event: 'p:1', type: 'leave', member: { session: second.session, former: [first.session] } },
    ]);
  });

  test('PRE7 nobody takes the place of another user, or of the same one with other info', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const bob = await enter(host, 'bob/1');
    await ann.messages();
    bob.connection.cut();
    const eve = host.connect({ token: 'eve' });
    await eve.ask({ op: 'subscribe', channel: 'p:1', session: bob.session });
    expect(await ann.messages()).toEqual([join('session-3', 'eve')]);
    await enter(host, 'bob/2');
    expect(await ann.messages()).toEqual([
      leave('session-2', 'bob', { info: '1' }),
      join('session-4', 'bob', { info: '2' }),
    ]);
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([]);
  });

  test('PRE7 of two tabs of a user, the one that stays away is told', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const tabs = [await enter(host, 'bob'), await enter(host, 'bob')];
    await ann.messages();
    for (const tab of tabs) tab.connection.cut();
    const back = host.connect({ token: 'bob' });
    await back.ask({ op: 'subscribe', channel: 'p:1', session: 'session-2' });
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([leave('session-3', 'bob')]);
  });

  test('PRE7 the sessions that an event names have a bound', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    let bob = await enter(host, 'bob');
    await ann.messages();
    const told: unknown[] = [];
    for (let reload = 0; reload < 2 * limits.formerSessions; reload++) {
      // Whoever asks may know the session that it is at the time.
      told.push(...(await ann.ask({ op: 'presence', channel: 'p:1' })).slice(1));
      bob.connection.cut();
      bob = await enter(host, 'bob');
      told.push(...(await ann.messages()));
    }
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({
      type: 'leave',
      member: { session: 'session-18', former: { length: 16 } },
    });
    expect(told[1]).toMatchObject({ type: 'join', member: { session: 'session-19' } });
  });

  test('PRE8 a list that was asked for while somebody was away is made true by what follows', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const bob = await enter(host, 'bob');
    await ann.messages();
    bob.connection.cut();
    const carl = await enter(host, 'carl');
    const [list] = await carl.ask({ op: 'presence', channel: 'p:1' });
    expect(list).toMatchObject({ result: { members: [{ user: 'ann' }, { user: 'carl' }] } });
    await enter(host, 'bob');
    const told = [leave('session-2', 'bob'), join('session-4', 'bob')];
    expect(await carl.messages()).toEqual(told);
    expect(await ann.messages()).toEqual([join('session-3', 'carl'), ...told]);
  });

  test('PRE10 somebody else, or other info, is told', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const client = await enter(host, undefined);
    await ann.messages();
    for (const token of ['bob', 'bob/B']) client.send({ op: 'auth', token });
    const anonymous = { event: 'p:1', type: 'leave', member: { session: 'session-2' } };
    const told = [anonymous, join('session-2', 'bob'), join('session-2', 'bob', { info: 'B' })];
    expect(await ann.messages()).toEqual(told);
    const done = { result: true };
    expect(await client.messages()).toEqual([done, done, ...told]);
  });

  test('PRE10 a subscription that ends with the change of its user is told once as both', async () => {
    const host = await start();
    const ann = await enter(host, 'ann', '@user');
    const tab = await enter(host, 'ann', '@user');
    await ann.messages();
    host.node.reach.people.bind(tab.session, 'bob');
    const left = { event: '@user', type: 'leave', member: { session: tab.session, user: 'ann' } };
    expect((await ann.messages())[0]).toEqual(left);
    expect(await members(host, 'user:ann')).toEqual(['session-1 ann']);
  });

  test('PRE11 polls that nobody has logged in to are not announced, those of users are as one', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const poll = new LineWire({ isBare: true, isBrief: true });
    for (const token of [undefined, 'bob', undefined, 'bob']) {
      const request = { address: '', headers: {}, channels: ['p:1'], ...(token !== undefined && { token }) };
      const connection = new FakeConnection(poll);
      connection.listen((await host.node.prepareFeed(request)).open(connection));
      expect(await host.node.presence.stats('p:1')).toEqual({
        sessions: 2,
        users: token === undefined ? 1 : 2,
      });
      connection.cut();
    }
    expect(await ann.messages()).toEqual([join('session-3', 'bob')]);
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([leave('session-5', 'bob', { former: ['session-3'] })]);
  });

  test('PRE11 who asked while such a poll was there is told that it left', async () => {
    const host = await start();
    const ann = await enter(host, 'ann');
    const connection = new FakeConnection(new LineWire({ isBare: true, isBrief: true }));
    connection.listen(
      (await host.node.prepareFeed({ address: '', headers: {}, channels: ['p:1'] })).open(connection),
    );
    await ann.ask({ op: 'presence', channel: 'p:1' });
    connection.cut();
    await host.clock.elapse(6_000);
    expect(await ann.messages()).toEqual([{ event: 'p:1', type: 'leave', member: { session: 'session-2' } }]);
  });
});

describe('a channel that is too full', () => {
  test('PRE11 stops announcing and says so, and so when it begins again', async () => {
    const host = await start({ graceMs: 0 });
    const ann = await enter(host, 'ann', 'q:1');
    const others: TestClient[] = [];
    for (let count = 1; count < limits.announcedMembers; count++) {
      const other = host.connect();
      other.send({ op: 'subscribe', channel: 'q:1' });
      others.push(other);
      if (count % 100 === 0) await ann.messages();
    }
    await ann.messages();
    const gap = { event: 'q:1', type: 'gap' };
    others.push(await enter(host, undefined, 'q:1'), await enter(host, undefined, 'q:1'));
    expect(await ann.messages()).toEqual([gap]);
    for (let count = 0; count < 101; count++) others.pop()?.connection.cut();
    expect(await ann.messages()).toEqual([]);
    expect(await host.node.presence.stats('q:1')).toMatchObject({ sessions: 901 });
    others.pop()?.connection.cut();
    expect(await ann.messages()).toEqual([gap]);
    const session = others.pop();
    session?.connection.cut();
    expect(await ann.messages()).toMatchObject([{ type: 'leave', member: { session: session?.session } }]);
  });
});
