/** What several workers answer the server side is what one process would answer, for the same clients and requests. */
import { describe, expect, test } from 'vitest';
import { Twins } from '../testing/twins.ts';
import { World } from '../testing/worker-world.ts';

test('ADR1 ADR2 ADR15 every way to say whom it is for reaches each of them once, at whichever worker they are', async () => {
  const twins = await Twins.start();
  await twins.connect('ann', 'ann', 'bob', 'cat', undefined);
  for (const client of [3, 4]) await twins.command(client, { op: 'subscribe', channel: 'n:1' });
  await twins.api('group_join', { group: 'g', user: 'ann' });
  await twins.api('group_join', { group: 'g', session: '<2>' });
  await twins.api('group_join', { group: 'h', session: '<3>' });
  twins.got();
  const cases: [object, number[]][] = [
    [{ all: true }, [1, 1, 1, 1, 1]],
    [{ session: '<2>' }, [0, 1, 0, 0, 0]],
    [{ sessions: ['<2>', '<2>', '<3>', '<99>', 'x', 'zz.y'] }, [0, 1, 1, 0, 0]],
    [{ users: ['ann', 'cat', 'nobody', 'ann'] }, [1, 1, 0, 1, 0]],
    [{ groups: ['g', 'h', 'none'] }, [1, 1, 1, 0, 0]],
    [{ group: 'h' }, [0, 0, 1, 0, 0]],
    [{ channel: 'n:1' }, [0, 0, 1, 1, 0]],
    [{ where: 'vip' }, [1, 1, 0, 1, 0]],
    [{ where: '!vip' }, [0, 0, 1, 0, 1]],
  ];
  for (const [to, reached] of cases) {
    const sessions = reached.reduce((sum, count) => sum + count, 0);
    expect(await twins.api('send', { to, data: { n: 1 } })).toEqual({ sessions });
    expect(twins.got().map((lines) => lines.length)).toEqual(reached);
  }
});

test('ADR4 ADR11 ADR15 who is excluded is left out, wherever', async () => {
  const twins = await Twins.start();
  await twins.connect('ann', 'ann', 'bob', 'cat', 'bob');
  const exclude = { sessions: ['<1>'], users: ['bob'] };
  expect(await twins.api('send', { to: { all: true }, data: 1, exclude })).toEqual({ sessions: 2 });
  expect(twins.got().map((lines) => lines.length)).toEqual([0, 1, 0, 1, 0]);
  const to = { users: ['ann', 'bob'] };
  expect(await twins.api('disconnect', { to, code: 4500, reason: 'why', exclude })).toEqual({ sessions: 1 });
  expect(twins.ends()).toEqual([undefined, 4500, undefined, undefined, undefined]);
  expect(await twins.api('disconnect', { to: { sessions: ['<1>', '<3>', '<2>'] } })).toEqual({ sessions: 2 });
  expect(twins.ends()).toEqual([3503, 4500, 3503, undefined, undefined]);
  expect(await twins.api('disconnect', { to: { session: '<1>' } })).toEqual({ sessions: 0 });
});

test('ADR15 a send to sessions asks only the workers that have them', async () => {
  const world = await World.of(3);
  const clients = [await world.connect(), await world.connect(), await world.connect()];
  const asked: number[] = [];
  for (const { worker } of world.nodes) {
    const calls = worker?.calls;
    const own = world.nodes.find((node) => node.worker === worker)?.host.node.reach.addressing;
    if (calls === undefined || own === undefined) continue;
    const send: typeof own.send = (to, request) => {
      asked.push(worker?.id ?? 0);
      return own.send(to, request);
    };
    calls.offer('addressing', { send }, ['send']);
  }
  const sessions = clients.slice(0, 2).map(({ session }) => session);
  expect(await world.api('send', { to: { sessions }, data: 1 })).toBe('{"sessions":2}');
  expect(asked.toSorted()).toEqual([2, 3]);
  expect(await world.api('send', { to: { all: true }, data: 1 })).toBe('{"sessions":3}');
  expect(asked.toSorted()).toEqual([1, 2, 2, 3, 3]);
});

describe('lists', () => {
  test('ADR12 ADR15 sessions come in the order of their coming, page by page, with the total of all workers', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'bob', undefined, 'ann', 'cat', undefined, 'ann');
    const pages = await twins.pages('sessions', { limit: 2 });
    expect(pages).toMatchObject([
      { sessions: [{ session: '<1>', user: 'ann' }, { session: '<2>' }], total: 7 },
      { sessions: [{ session: '<3>' }, { session: '<4>' }], total: 7 },
      { sessions: [{ session: '<5>' }, { session: '<6>' }], total: 7 },
      { sessions: [{ session: '<7>' }], total: 7 },
    ]);
    expect(await twins.pages('sessions', { to: { user: 'ann' }, limit: 2 })).toHaveLength(2);
    expect(await twins.api('sessions', { to: { where: 'city=sh' }, limit: 0 })).toEqual({
      sessions: [],
      total: 4,
    });
    expect(await twins.api('sessions', { to: { sessions: ['<5>', '<99>', '<2>'] } })).toMatchObject({
      sessions: [{ session: '<2>' }, { session: '<5>' }],
      total: 2,
    });
    expect(await twins.api('sessions', { cursor: 'x' })).toMatch(/^107 400/);
  });

  test('ADR15 a session that comes between two pages is on a later one, and one that goes is missed', async () => {
    const world = await World.of(2);
    for (const user of ['a', 'b', 'c', 'd']) await world.connect(user);
    const first = JSON.parse(await world.api('sessions', { limit: 2 })) as { cursor: string };
    await world.connect('e');
    const [third] = (await world.api('sessions', {})).match(/\d\.<3>/) ?? [];
    await world.api('disconnect', { to: { session: third } });
    const second = await world.api('sessions', { limit: 2, cursor: first.cursor }, 1);
    expect(second.match(/<\d>/g)).toEqual(['<4>', '<5>']);
    expect(JSON.parse(second)).not.toHaveProperty('cursor');
  });

  test('ADR13 ADR15 a session and a user tell what they have, and a group whom', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'ann', 'bob', undefined, 'ann');
    await twins.command(5, { op: 'subscribe', channel: 'n:1' });
    await twins.api('group_join', { group: 'g', user: 'ann' });
    await twins.api('group_join', { group: 'h', session: '<5>' });
    expect(await twins.api('session', { session: '<5>' })).toMatchObject({
      session: '<5>',
      user: 'ann',
      tags: { vip: true, city: 'sh' },
      groups: ['h', 'g'],
      channels: ['n:1'],
    });
    expect(await twins.api('session', { session: '<99>' })).toMatch(/^108 404/);
    expect(await twins.api('user', { user: 'ann' })).toEqual({
      online: true,
      sessions: ['<1>', '<2>', '<5>'],
    });
    expect(await twins.api('user', { user: 'nobody' })).toEqual({ online: false, sessions: [] });
  });

  test('ADR15 a user whom several workers have counts once in a group', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'ann', 'bob', undefined, 'ann', 'cat');
    await twins.api('group_join', { group: 'g', user: 'ann' });
    for (const session of ['<1>', '<3>', '<4>']) await twins.api('group_join', { group: 'g', session });
    await twins.api('group_join', { group: 'h', session: '<2>' });
    await twins.api('group_join', { group: 'away', user: 'nobody' });
    const counts = { members: 4, sessions: 5, users: 2 };
    expect(await twins.api('group', { group: 'g' })).toEqual({
      group: 'g',
      members: [{ user: 'ann' }, { session: '<1>' }, { session: '<3>' }, { session: '<4>' }],
      counts,
    });
    expect(await twins.pages('groups', { limit: 2 })).toEqual([
      {
        groups: [
          { group: 'g', ...counts },
          { group: 'h', members: 1, sessions: 1, users: 1 },
        ],
        total: 3,
      },
      { groups: [{ group: 'away', members: 1, sessions: 0, users: 0 }], total: 3 },
    ]);
    expect(await twins.api('group', { group: 'none' })).toMatchObject({ members: [] });
  });

  test('ADR15 channels have the subscribers of all workers', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'bob', 'cat', undefined);
    for (const client of [1, 2, 3, 4]) await twins.command(client, { op: 'subscribe', channel: 'h:1' });
    await twins.command(2, { op: 'subscribe', channel: 'n:2' });
    await twins.api('publish', { channel: 'h:0', data: 1 });
    expect(await twins.api('channels', {})).toEqual({
      channels: [
        { channel: 'h:0', sessions: 0, publications: 1 },
        { channel: 'h:1', sessions: 4, publications: 0 },
        { channel: 'n:2', sessions: 1, publications: 0 },
      ],
    });
    expect(await twins.api('channels', { pattern: 'n:*' })).toMatchObject({ channels: [{ sessions: 1 }] });
    expect(await twins.api('mesh/publish', { c: 'h:1', d: '{"a":1}' })).toEqual({
      E: null,
      r: { s: 4, f: 0 },
    });
    expect(await twins.api('mesh/send', { c: '<3>', d: 'x' })).toEqual({ E: null, r: { success: true } });
    expect(await twins.api('mesh/send', { c: '<99>', d: 'x' })).toMatch(/^108 404/);
    expect(twins.got()[2]?.slice(-2)).toMatchObject([/"a":1/, /"x"/]);
  });
});

describe('what is said of sessions', () => {
  test('ADR8 ADR9 ADR13 ADR15 is said of one at another worker', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', undefined, 'bob');
    for (const session of ['<1>', '<2>', '<3>', '<99>', '', 'x']) {
      await twins.api('tag', { session, tags: { new: true } });
      await twins.api('untag', { session, tags: ['city'] });
      await twins.api('context_set', { session, context: { a: 1, b: '1e400' } });
      await twins.api('context_update', { session, context: { a: null, c: [1] } });
      await twins.api('context_get', { session });
      await twins.api('bind', { session, user: 'cat' });
      await twins.api('unbind', { session, user: 'bob' });
      await twins.api('session', { session });
    }
    expect(await twins.api('context_get', { session: '<3>' })).toEqual({
      session: '<3>',
      context: { b: '1e400', c: [1] },
    });
    expect(await twins.api('user', { user: 'cat' })).toEqual({
      online: true,
      sessions: ['<1>', '<2>', '<3>'],
    });
    expect(await twins.api('unbind', { session: '<1>' })).toEqual({});
    expect(await twins.api('send', { to: { where: 'new' }, data: 1 })).toEqual({ sessions: 3 });
    expect(await twins.api('send', { to: { user: 'cat' }, data: 1 })).toEqual({ sessions: 2 });
    expect(await twins.api('context_set', { session: '<2>', context: { a: 'x'.repeat(20_000) } })).toMatch(
      /^106/,
    );
    twins.got();
  });

  test('ADR10 ADR15 a session or a user is subscribed and unsubscribed wherever it is', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'ann', 'bob', 'ann', undefined);
    expect(await twins.api('subscribe', { session: '<3>', channel: 'closed' })).toEqual({ sessions: 1 });
    expect(await twins.api('subscribe', { user: 'ann', channel: 'closed' })).toEqual({ sessions: 3 });
    expect(await twins.api('subscribe', { user: 'ann', channel: 'closed' })).toEqual({ sessions: 3 });
    expect(await twins.api('subscribe', { user: 'nobody', channel: 'closed' })).toEqual({ sessions: 0 });
    expect(await twins.api('subscribe', { session: '<99>', channel: 'closed' })).toMatch(/^108 404/);
    await twins.api('publish', { channel: 'closed', data: 1 });
    expect(twins.got().map((lines) => lines.length)).toEqual([2, 2, 2, 2, 0]);
    expect(await twins.api('unsubscribe', { user: 'ann', channel: 'closed' })).toEqual({ sessions: 3 });
    expect(await twins.api('unsubscribe', { session: '<3>', channel: 'closed' })).toEqual({ sessions: 1 });
    expect(await twins.api('unsubscribe', { session: '<3>', channel: 'closed' })).toEqual({ sessions: 0 });
    expect(await twins.api('unsubscribe', { session: '<99>', channel: 'closed' })).toEqual({ sessions: 0 });
    expect(twins.got().map((lines) => lines.length)).toEqual([1, 1, 1, 1, 0]);
  });

  test('ADR10 ADR15 where some sessions of a user cannot be subscribed the others are, and where none can it is refused', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'ann', 'bob');
    const fill = async (client: number): Promise<void> => {
      for (let channel = 0; channel < 128; channel++)
        await twins.command(client, { op: 'subscribe', channel: `n:${channel}` });
    };
    await fill(1);
    expect(await twins.api('subscribe', { user: 'ann', channel: 'more' })).toEqual({ sessions: 1 });
    await fill(3);
    expect(await twins.api('subscribe', { user: 'bob', channel: 'more' })).toMatch(/^106/);
  });

  test('ADR7 ADR16 a session that ends, or whose worker is killed, leaves its groups', async () => {
    const twins = await Twins.start();
    await twins.connect('ann', 'bob', 'cat', 'ann');
    for (const session of ['<1>', '<2>', '<3>']) await twins.api('group_join', { group: 'g', session });
    await twins.api('group_join', { group: 'g', user: 'ann' });
    await twins.api('group_join', { group: 'g', session: '<99>' });
    await twins.leave(2);
    expect(await twins.api('group', { group: 'g' })).toMatchObject({
      members: [{ user: 'ann' }, { session: '<1>' }, { session: '<3>' }],
      counts: { members: 3, sessions: 3, users: 2 },
    });
    const { several } = twins;
    await several.kill(twins.client(3).several.at);
    const left = await several.api('group', { group: 'g' }, twins.client(1).several.at);
    expect(JSON.parse(left)).toMatchObject({
      members: [{ user: 'ann' }, { session: twins.client(1).several.session }],
      counts: { members: 2, sessions: 2, users: 1 },
    });
    await several.api('group_leave', { group: 'g', session: twins.client(1).several.session }, 1);
    expect(JSON.parse(await several.api('group_destroy', { group: 'g' }, 1))).toEqual({});
    expect(JSON.parse(await several.api('groups', {}, 1))).toMatchObject({ total: 0 });
  });
});
