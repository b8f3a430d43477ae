/** Tags of users, blocks and inboxes of two workers, beside those of a single node: whoever asks must not see the difference. */
import { limits } from '@carillon/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Identity } from '../core/access.ts';
import type { LifecycleSink } from '../core/lifecycle.ts';
import type { Rule } from '../core/rules.ts';
import { parseWhere } from '../core/where.ts';
import { type CoreHost, keeping, startCore, type TestClient } from '../testing/core-host.ts';
import { type LinkedHost, LinkedHosts, type LinkedHostsOptions } from '../testing/linked-hosts.ts';
import { Shelf } from '../testing/shelf.ts';

const overdueMs = 60_000;
const rules: readonly Rule[] = [
  {
    ...{ pattern: 'user:{uid}', subscribe: 'owner', publish: 'nobody', readHistory: 'owner' },
    ...{ retention: keeping, inbox: { overdueMs } },
  },
  { pattern: 'key:*', subscribe: 'token', publish: 'nobody', readHistory: 'nobody', retention: keeping },
  { pattern: 'h:*', subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone', retention: keeping },
];

/** A token is the identity that it stands for. */
const tokenOf = (identity: Identity): string => JSON.stringify(identity);
const authenticate = async (token: string): Promise<Identity> => JSON.parse(token);

/** A server as its users see it: whatever is done at one of its two places must hold at the other. */
interface World {
  readonly one: CoreHost;
  readonly two: CoreHost;
}

/** A single node is in both places. */
async function alone(): Promise<World> {
  const host = await startCore({ rules, authenticate });
  return { one: host, two: host };
}

async function primary(options: LinkedHostsOptions = {}): Promise<LinkedHosts> {
  const made = new LinkedHosts({ rules, authenticate, ...options });
  await made.start();
  return made;
}

async function linked(): Promise<World> {
  const workers = await primary();
  return { one: await workers.add(), two: await workers.add() };
}

async function login(host: CoreHost, identity: Identity, device?: string): Promise<TestClient> {
  const client = host.connect({ token: tokenOf(identity), ...(device !== undefined && { device }) });
  expect(await client.messages()).toEqual([]);
  return client;
}

/** To how many sessions of all it is sent. */
async function sent({ one, two }: World, where: string): Promise<number> {
  const to = { where: parseWhere(where) };
  let count = 0;
  for (const { node } of new Set([one, two])) count += await node.reach.addressing.send(to, { data: '1' });
  return count;
}

const kinds = [
  { of: 'of a single node', start: alone },
  { of: 'across workers', start: linked },
];

describe.each(kinds)('ADR6: tags of users $of', ({ start }) => {
  let world: World;
  beforeEach(async () => {
    world = await start();
    await login(world.one, { user: 'ann' });
    await login(world.two, { user: 'ann', tags: { city: 'sh', vip: false } });
    await login(world.two, { user: 'bob', tags: { city: 'sh' } });
  });

  test('hold for every session of the user, right away', async () => {
    await world.one.node.reach.people.tag({ user: 'ann' }, { vip: true });
    expect([await sent(world, 'vip'), await sent(world, 'vip & city=sh')]).toEqual([2, 1]);
    await world.two.node.reach.people.tag({ user: 'ann' }, { level: 3 });
    expect(await sent(world, 'vip & level=3')).toBe(2);
    await world.two.node.reach.people.untag({ user: 'ann' }, ['vip']);
    expect([await sent(world, 'vip'), await sent(world, 'level')]).toEqual([0, 2]);
    await login(world.one, { user: 'ann' });
    expect(await sent(world, 'level=3')).toBe(3);
  });

  test('hide what a token has, wherever the session with that token is', async () => {
    await world.one.node.reach.people.untag({ user: 'ann' }, ['city']);
    expect(await sent(world, 'city=sh')).toBe(1);
  });

  test('count for the limit only where they hide something', async () => {
    const { people } = world.one.node.reach;
    const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);
    await people.untag({ user: 'ann' }, names(100));
    await people.tag({ user: 'ann' }, Object.fromEntries(names(64).map((name) => [name, true])));
    expect(await sent(world, 'n63')).toBe(2);
    const more = world.two.node.reach.people.tag({ user: 'ann' }, { more: true });
    await expect(more).rejects.toMatchObject({ code: 106 });
    await expect(people.untag({ user: 'ann' }, ['city'])).rejects.toMatchObject({ code: 106 });
    expect([await sent(world, 'more'), await sent(world, 'city=sh')]).toEqual([0, 2]);
  });

  test('that are given at the same time all hold', async () => {
    const given = Array.from({ length: 20 }, (_, index) =>
      [world.one, world.two][index % 2]?.node.reach.people.tag({ user: 'ann' }, { [`n${index}`]: index }),
    );
    await Promise.all(given);
    expect(await sent(world, given.map((_, index) => `n${index}=${index}`).join(' & '))).toBe(2);
  });
});

const invalid = { code: 3500, reason: 'invalid token' };

describe.each(kinds)('ACC16: a block $of', ({ start }) => {
  let world: World;
  beforeEach(async () => {
    world = await start();
  });

  test('ends all sessions of the user, and counts them', async () => {
    const { one, two } = world;
    const ended = [await login(one, { user: 'ann' }), await login(two, { user: 'ann' })];
    ended.push(await login(two, { user: 'ann', tokenId: 't' }));
    const bob = await login(two, { user: 'bob' });
    expect(await one.node.reach.revocation.block({ user: 'ann' })).toBe(3);
    expect(ended.map(({ connection }) => connection.ended)).toEqual([invalid, invalid, invalid]);
    expect(bob.connection.ended).toBeUndefined();
    expect(await two.node.reach.revocation.block({ user: 'ann' })).toBe(0);
  });

  test('of a token ends its sessions, and the subscriptions that rest on it', async () => {
    const { one, two } = world;
    const ann = await login(one, { user: 'ann', tokenId: 't' });
    const bob = await login(two, { user: 'bob' });
    const token = tokenOf({ tokenId: 't', channels: ['key:1'] });
    expect(await bob.ask({ op: 'subscribe', channel: 'key:1', token })).toEqual([{ result: true }]);
    expect(await one.node.reach.revocation.block({ jti: 't' }, { reason: 'logged out' })).toBe(1);
    expect(ann.connection.ended).toEqual({ code: 3500, reason: 'logged out' });
    const msg = 'unauthorized: the token was withdrawn: logged out';
    expect(await bob.messages()).toEqual([{ event: 'key:1', type: 'unsubscribed', code: 101, msg }]);
    expect(await bob.ask({ op: 'subscribe', channel: 'key:1', token })).toEqual([{ code: 101, msg }]);
  });

  test('is in force everywhere when it is answered, and so is its end', async () => {
    const { one, two } = world;
    const asked = { op: 'auth', token: tokenOf({ user: 'ann' }) };
    await one.node.reach.revocation.block({ user: 'ann' }, { reason: 'spam' });
    const refused = { code: 101, msg: 'unauthorized: the user is blocked: spam' };
    for (const host of [one, two]) {
      await expect(host.node.authenticator.authenticate(asked.token)).rejects.toMatchObject({ code: 101 });
      expect(await host.connect().ask(asked)).toEqual([refused]);
    }
    await two.node.reach.revocation.unblock({ user: 'ann' });
    for (const host of [one, two]) expect(await host.connect().ask(asked)).toEqual([{ result: true }]);
  });

  test('is listed from one place, page by page, whoever is asked', async () => {
    const { one, two } = world;
    for (const user of ['ann', 'bob', 'cat']) {
      await one.node.reach.revocation.block({ user }, { durationMs: 60_000 });
      await two.node.reach.revocation.block({ jti: user }, { durationMs: 60_000 });
    }
    const first = await one.node.reach.revocation.list({ limit: 4 });
    const { cursor = '' } = first;
    const second = await two.node.reach.revocation.list({ cursor });
    expect([first.total, second.total, second.cursor]).toEqual([6, 6, undefined]);
    const listed = [...first.blocked, ...second.blocked].map(({ user, jti }) => user ?? `token ${jti}`);
    expect(listed).toEqual(['ann', 'token ann', 'bob', 'token bob', 'cat', 'token cat']);
    await expect(two.node.reach.revocation.list({ cursor: 'x' })).rejects.toMatchObject({ code: 107 });
  });

  test('runs out everywhere at its time', async () => {
    const { one, two } = world;
    await one.node.reach.revocation.block({ user: 'ann' }, { durationMs: 60_000 });
    await one.clock.elapse(61_000);
    await login(two, { user: 'ann' });
    expect(await two.node.reach.revocation.list({})).toEqual({ blocked: [], total: 0 });
  });
});

const subscribe = { op: 'subscribe', channel: '@user', id: 1 };
const ack = (offset: number) => ({ op: 'ack', channel: '@user', offset });
const event = (offset: number) => ({ event: '@user', data: offset, offset });
const acked = (device: string, offset: number, unread: number) => ({
  ...{ event: '@user', type: 'ack', device, offset, unread },
});

async function push(host: CoreHost, ...data: readonly number[]): Promise<void> {
  for (const each of data) await host.node.publish('user:ann', String(each));
}

describe.each(kinds)('INB9: an inbox $of', ({ start }) => {
  let world: World;
  beforeEach(async () => {
    world = await start();
  });

  test('is acknowledged at one place, and the other sessions are told', async () => {
    const { one, two } = world;
    await push(one, 1, 2, 3);
    const phone = await login(one, { user: 'ann' }, 'phone');
    const laptop = await login(two, { user: 'ann' }, 'laptop');
    const tablet = await login(one, { user: 'ann' }, 'tablet');
    for (const client of [phone, laptop, tablet])
      expect(await client.ask(subscribe)).toMatchObject([
        { result: { offset: 3, unread: 3 } },
        ...[event(1), event(2), event(3)],
      ]);
    expect(await phone.ask(ack(2))).toEqual([{ result: true }]);
    expect([await phone.messages(), await laptop.messages(), await tablet.messages()]).toEqual([
      [],
      [acked('phone', 2, 1)],
      [acked('phone', 2, 1)],
    ]);
    expect(await laptop.ask(ack(3))).toEqual([{ result: true }]);
    expect(await phone.messages()).toEqual([acked('laptop', 3, 0)]);
  });

  test('goes on at the other place, and the server side sees the same from both', async () => {
    const { one, two } = world;
    await push(two, 1, 2, 3);
    const phone = await login(one, { user: 'ann' }, 'phone');
    await phone.ask(subscribe, ack(2));
    phone.connection.cut();
    const again = await login(two, { user: 'ann' }, 'phone');
    expect(await again.ask(subscribe)).toMatchObject([{ result: { unread: 1 } }, event(3)]);
    const inbox = one.node.inboxes.named({ user: 'ann' });
    const reports = [await one.node.inboxes.report(inbox), await two.node.inboxes.report(inbox)];
    expect(reports[0]).toMatchObject({ unread: 1, offset: 3, devices: [{ device: 'phone', offset: 2 }] });
    expect(reports[1]).toEqual(reports[0]);
    expect(await two.node.inboxes.acknowledge(inbox, { device: undefined, offset: 3 })).toBe(0);
    expect(await again.messages()).toEqual([{ event: '@user', type: 'ack', offset: 3, unread: 0 }]);
    await one.node.inboxes.forget(inbox, 'phone');
    expect(await two.node.inboxes.report(inbox)).toMatchObject({ unread: 0, devices: [] });
  });

  test('refuses what it has not got', async () => {
    const { one, two } = world;
    await push(one, 1);
    const client = await login(two, { user: 'ann' });
    const refused = expect.objectContaining({ code: 112 });
    expect(await client.ask(ack(2), { ...ack(1), epoch: 'other' })).toEqual([refused, refused]);
    expect(await two.node.inboxes.unread(two.node.inboxes.named({ user: 'ann' }))).toBe(1);
  });
});

describe('INB8: what nobody acknowledges', () => {
  async function told(): Promise<{
    workers: LinkedHosts;
    one: LinkedHost;
    two: LinkedHost;
    events: unknown[];
  }> {
    const events: unknown[] = [];
    const sink: LifecycleSink = {
      wants: (name) => name === 'inboxOverdue',
      tell: (name, data) => void events.push({ name, ...data }),
    };
    const workers = await primary({ lifecycle: [sink] });
    return { workers, one: await workers.add(), two: await workers.add(), events };
  }
  const overdue = (offset: number, unread: number) => ({
    ...{ name: 'inboxOverdue', user: 'ann', channel: 'user:ann', offset, unread },
  });

  test('is told once, whichever workers published it', async () => {
    const { one, two, events, workers } = await told();
    await push(one, 1);
    await push(two, 2);
    await one.settle();
    await one.clock.elapse(overdueMs);
    await two.settle();
    expect(events).toEqual([overdue(1, 2)]);
    expect(workers.counters.overdue).toBe(1);
  });

  test('is told again of what is left after an acknowledgement at another worker', async () => {
    const { one, two, events } = await told();
    await push(one, 1, 2);
    const client = await login(two, { user: 'ann' });
    await one.clock.elapse(overdueMs);
    expect(await client.ask(ack(1))).toEqual([{ result: true }]);
    await one.clock.elapse(1_000);
    await one.settle();
    expect(events).toEqual([overdue(1, 2), overdue(2, 1)]);
  });

  test('is told when the worker that published it has been killed', async () => {
    const { one, two, events } = await told();
    await push(one, 1);
    await one.settle();
    one.worker.end();
    await two.settle();
    await two.clock.elapse(overdueMs);
    await two.settle();
    expect(events).toEqual([overdue(1, 1)]);
  });
});

describe('ADR6 ACC16: a worker that begins', () => {
  test('has every block and every tag of users before it serves', async () => {
    const workers = await primary();
    const { people, revocation } = (await workers.add()).node.reach;
    const users = Array.from({ length: 2_500 }, (_, index) => `u${index}`);
    await Promise.all(users.map((user) => people.tag({ user }, { vip: true })));
    await Promise.all(users.map((jti) => revocation.block({ jti })));
    const late = await workers.add();
    for (const user of ['u0', 'u1000', 'u2499']) {
      await login(late, { user });
      const refused = late.node.authenticator.authenticate(tokenOf({ user: 'other', tokenId: user }));
      await expect(refused).rejects.toMatchObject({ code: 101 });
    }
    expect(await sent({ one: late, two: late }, 'vip')).toBe(3);
  });

  test('has what was said and taken back while it was told of the rest', async () => {
    const workers = await primary();
    const one = await workers.add();
    const { people, revocation } = one.node.reach;
    const users = Array.from({ length: 1_500 }, (_, index) => `u${index}`);
    await Promise.all(
      users.flatMap((user) => [people.tag({ user }, { vip: true }), revocation.block({ user })]),
    );
    const late = workers.add();
    const told = async (): Promise<void> => {
      await people.untag({ user: 'u0' }, ['vip']);
      await people.tag({ user: 'u1' }, { level: 1 });
      await people.untag({ user: 'u1400' }, ['vip']);
      await people.tag({ user: 'new' }, { level: 1 });
      for (const user of ['u0', 'u1400', 'u1']) await revocation.unblock({ user });
      await revocation.block({ user: 'u1' }, { reason: 'again' });
      await revocation.block({ user: 'new' });
    };
    const [two] = await Promise.all([late, told()]);
    for (const user of ['u0', 'u1400', 'u1', 'new', 'u1200']) {
      const same = [one, two].map(({ node }) => node.authenticator.authenticate(tokenOf({ user })));
      const [first, second] = await Promise.allSettled(same);
      expect(second).toEqual(first);
    }
    await Promise.all(users.concat('new').map((user) => revocation.unblock({ user })));
    for (const user of ['u0', 'u1', 'u1400', 'new', 'u1499']) await login(two, { user });
    const there = { one: two, two };
    expect([await sent(there, 'vip'), await sent(there, 'level=1')]).toEqual([2, 2]);
  });

  test('finds what an earlier server kept', async () => {
    const keep = new Shelf();
    const before = await primary({ keep });
    const one = await before.add();
    await push(one, 1, 2);
    const { people, revocation } = one.node.reach;
    await people.tag({ user: 'ann' }, { vip: true });
    await people.untag({ user: 'ann' }, ['city']);
    await revocation.block({ user: 'bob' });
    await one.node.inboxes.acknowledge(one.node.inboxes.named({ user: 'ann' }), {
      device: 'phone',
      offset: 1,
    });
    const after = await primary({ keep });
    const two = await after.add();
    await login(two, { user: 'ann' });
    expect(await sent({ one: two, two }, 'vip')).toBe(1);
    expect((await two.node.reach.revocation.list({})).blocked).toMatchObject([{ user: 'bob' }]);
    await expect(two.node.authenticator.authenticate(tokenOf({ user: 'bob' }))).rejects.toMatchObject({
      code: 101,
    });
    const { devices } = await two.node.inboxes.report(two.node.inboxes.named({ user: 'ann' }));
    expect(devices).toMatchObject([{ device: 'phone' }]);
  });
});

describe('ACC16 ADR6: where something fails', () => {
  test('a block that cannot be kept is in force all the same, and says so', async () => {
    const keep = new Shelf();
    const workers = await primary({ keep });
    const [one, two] = [await workers.add(), await workers.add()];
    keep.isFull = true;
    const ann = await login(two, { user: 'ann' });
    await expect(one.node.reach.revocation.block({ user: 'ann' })).rejects.toMatchObject({ code: 108 });
    expect(ann.connection.ended).toEqual(invalid);
    await expect(one.node.reach.people.tag({ user: 'cat' }, { vip: true })).rejects.toMatchObject({
      code: 108,
    });
    await login(two, { user: 'cat' });
    expect(await sent({ one, two }, 'vip')).toBe(1);
  });

  test('ADR16 a worker that does not answer makes it 108, and everywhere else it is in force', async () => {
    const workers = await primary();
    const one = await workers.add();
    const ann = await login(one, { user: 'ann' });
    workers.workers.serve(1, ({ calls }) => {
      const never = { settled: () => new Promise(() => {}), blocked: () => new Promise(() => {}) };
      for (const name of ['userTags', 'blocks']) calls.offer(name, never, ['settled', 'blocked']);
    });
    const { people, revocation } = one.node.reach;
    const asked = [
      revocation.block({ user: 'ann' }),
      revocation.unblock({ user: 'bob' }),
      people.tag({ user: 'cat' }, { vip: true }),
    ].map((answer) =>
      expect(answer).rejects.toMatchObject({ code: 108, message: expect.stringContaining('worker 2') }),
    );
    await one.settle();
    await one.clock.elapse(limits.workerAnswerMs);
    await one.settle();
    await Promise.all(asked);
    expect(ann.connection.ended).toEqual(invalid);
    await login(one, { user: 'cat' });
    expect(await sent({ one, two: one }, 'vip')).toBe(1);
  });

  test('a worker that is killed meanwhile has no sessions to count', async () => {
    const workers = await primary();
    const [one, two] = [await workers.add(), await workers.add()];
    await login(one, { user: 'ann' });
    await login(two, { user: 'ann' });
    two.worker.end();
    expect(await one.node.reach.revocation.block({ user: 'ann' })).toBe(1);
    await one.node.reach.people.tag({ user: 'cat' }, { vip: true });
    expect((await one.node.reach.revocation.list({})).blocked).toMatchObject([{ user: 'ann' }]);
  });
});
