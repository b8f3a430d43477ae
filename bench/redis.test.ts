/** The scenario `redis` in small: both ways bring every publication once and in order, through the same server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { requireOrSkip } from '../test/support/require-or-skip.ts';
import { RedisContest, ways } from './redis.ts';

const redisServer = requireOrSkip('redis-server');

describe.skipIf(redisServer === undefined)('a quick run of the scenario redis', () => {
  let contest: RedisContest | undefined;
  beforeAll(async () => {
    contest = await RedisContest.open({ quick: true, connections: 50 });
  });
  afterAll(async () => {
    await contest?.[Symbol.asyncDispose]();
  });

  it.each(ways)('%s delivers as many publications as the plan has, each once and in order', async (way) => {
    const outcome = await contest?.run(way, { pinned: false }, silentProgress);
    expect(outcome?.counts).toEqual({ missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 });
    expect(outcome?.title).toContain('1,000 publications');
    const figures = new Map(outcome?.figures.map(({ name, value }) => [name, value ?? Number.NaN]));
    expect(figures.get('publications/s')).toBeGreaterThan(0);
    expect(figures.get('delivery p99 ms')).toBeGreaterThan(0);
  });
});
