/** How many are where, counted at several workers, up to a limit. */
import { describe, expect, test } from 'vitest';
import { World } from '../testing/worker-world.ts';
import { SpreadCensus, SpreadHeadcounts } from './census.ts';

/** Three workers with a client each. Client by client, the channels `n:0`, `n:1`, ... that it is subscribed to. */
async function start(...channels: readonly (readonly number[])[]) {
  const world = await World.of(3);
  for (const numbers of channels) {
    const { test: client } = await world.connect();
    for (const number of numbers)
      expect(await client.ask({ op: 'subscribe', channel: nameOf(number) })).toEqual([{ result: true }]);
  }
  const { worker } = world.nodes[0] ?? {};
  if (worker === undefined) throw new Error('there is no worker');
  return { world, headcounts: new SpreadHeadcounts(worker.peers) };
}

const nameOf = (number: number): string => `n:${String(number).padStart(3, '0')}`;
const to = (end: number, step = 1): number[] =>
  Array.from({ length: Math.ceil(end / step) }, (_, at) => at * step);

describe('channels that nobody named', () => {
  test('ADR15 are the first by name of all workers, each with all its subscribers', async () => {
    const { headcounts } = await start(to(120, 2).toReversed(), to(120).toReversed(), to(120, 3));
    const { named, others } = await headcounts.headcount([], { pattern: 'n:*', limit: 8 });
    expect(named).toEqual([]);
    expect(others).toEqual([3, 1, 2, 2, 2, 1, 3, 1].map((sessions, number) => [nameOf(number), sessions]));
  });

  test('are none of those that were named, and only such as match', async () => {
    const { headcounts } = await start([1, 2, 3], [2, 4], [3]);
    const query = { pattern: 'n:*', within: ['n:003', '*4', 'n:001'], limit: 10 };
    expect(await headcounts.headcount(['n:003', 'none', 'n:002'], query)).toEqual({
      named: [2, 0, 2],
      others: [
        ['n:001', 1],
        ['n:004', 1],
      ],
    });
    expect(await headcounts.headcount(['n:003'], { ...query, limit: 0 })).toEqual({ named: [2], others: [] });
    expect(await headcounts.subscribers('n:002')).toBe(2);
  });

  test('are not lost where one worker has more than the limit', async () => {
    for (const limit of [1, 2, 5, 40, 119, 120, 121]) {
      const { headcounts } = await start(to(120).toReversed(), [119], []);
      const { others } = await headcounts.headcount([], { pattern: '*', limit });
      expect(others.map(([channel]) => channel)).toEqual(to(Math.min(limit, 120)).map(nameOf));
      expect(others[119]?.[1]).toBe(limit >= 120 ? 2 : undefined);
    }
  });
});

test('ADR12 ADR15 sessions that are gone when they are asked for are left out, and the others stay in their order', async () => {
  const world = await World.of(3);
  const ids = [];
  for (const user of ['a', 'b', 'c', 'd', 'e']) ids.push((await world.connect(user)).session);
  await world.api('disconnect', { to: { session: ids[1] } });
  const census = new SpreadCensus(world.nodes[0]?.worker?.peers ?? expect.fail('there is no worker'));
  const found = census.summaries([...ids.toReversed(), 'x', '9.y']);
  expect((await found).map(({ user }) => user)).toEqual(['e', 'd', 'c', 'a']);
});

test('ADR15 groups are counted in parts, and each gets its own count', async () => {
  const world = await World.of(2);
  const sessions = [];
  for (const user of ['a', 'b', 'a', undefined]) sessions.push((await world.connect(user)).session);
  const names = Array.from({ length: 230 }, (_, number) => `g${number}`);
  for (const [number, group] of names.entries())
    await world.api('group_join', { group, session: sessions[number % 4] }, number);
  for (const group of ['g0', 'g150', 'g229']) await world.api('group_join', { group, user: 'a' });
  const { groups } = JSON.parse(await world.api('groups', {})) as {
    groups: { group: string; members: number; sessions: number; users: number }[];
  };
  expect(groups).toEqual(
    names.map((group, number) => {
      const ofA = number % 4 === 0 || number % 4 === 2;
      if (['g0', 'g150', 'g229'].includes(group))
        return { group, members: 2, sessions: ofA ? 2 : 3, users: ofA ? 1 : 2 };
      return { group, members: 1, sessions: 1, users: number % 4 === 3 ? 0 : 1 };
    }),
  );
});
