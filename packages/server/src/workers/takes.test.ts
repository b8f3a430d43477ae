import { describe, expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import { type Rate, RateLimiter } from '../core/rate.ts';
import { TokenGuesses } from '../core/token-guesses.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { linkedTakes, type SharedRate, SharedTakes } from './takes.ts';

/** A primary and three workers. */
function three(): { readonly workers: LinkedWorkers; readonly all: readonly TestWorker[] } {
  const workers = new LinkedWorkers({ shared: [new SharedTakes()] });
  return { workers, all: workers.serve(3) };
}

function limiterOf(
  { clock }: LinkedWorkers,
  { calls }: TestWorker,
  rate: Rate,
  name: SharedRate,
): RateLimiter {
  return new RateLimiter(clock, { ...rate, elsewhere: linkedTakes(calls, name, 3) });
}

/** How many of so many tries succeed, each limiter's in turn. */
async function taken(limiters: readonly RateLimiter[], key: string, tries: number): Promise<number> {
  let count = 0;
  for (let round = 0; round < tries; round++) {
    for (const limiter of limiters) if (limiter.take(key) === 0) count += 1;
    await settled();
  }
  return count;
}

describe('ACC19: a rate over several workers', () => {
  test('is exact where it is small: what one took is gone for all', async () => {
    const { workers, all } = three();
    const limiters = all.map((worker) =>
      limiterOf(workers, worker, { count: 6, perMs: 6_000 }, 'publishesPerUser'),
    );
    const [first, second, third] = limiters as [RateLimiter, RateLimiter, RateLimiter];
    expect(await taken([first], 'ann', 9)).toBe(6);
    expect([second.take('ann'), third.take('ann')]).toEqual([1_000, 1_000]);
    expect([second.take('bob'), third.take('bob')]).toEqual([0, 0]);
    await workers.clock.elapse(1_000);
    expect(await taken([third, first, second], 'ann', 1)).toBeGreaterThan(0);
    expect(workers.faults).toEqual([]);
  });

  test('counts what was taken at the same moment, so that the next ones wait for it', async () => {
    const { workers, all } = three();
    const limiters = all.map((worker) =>
      limiterOf(workers, worker, { count: 4, perMs: 4_000 }, 'requestsPerKey'),
    );
    for (const limiter of limiters) for (let count = 0; count < 4; count++) expect(limiter.take('k')).toBe(0);
    await settled();
    expect(limiters.map((limiter) => limiter.wait('k'))).toEqual([9_000, 9_000, 9_000]);
  });

  test('lets at most an eighth more through where it is large, and tells the others seldom', async () => {
    const { workers, all } = three();
    let told = 0;
    const limiters = all.map(({ calls }) => {
      const elsewhere = linkedTakes(calls, 'commandsPerUser', 3);
      const took = (key: string, count: number): void => {
        told += 1;
        elsewhere.took(key, count);
      };
      return new RateLimiter(workers.clock, { count: 480, perMs: 60_000, elsewhere: { ...elsewhere, took } });
    });
    const count = await taken(limiters, 'ann', 200);
    expect(count).toBeGreaterThanOrEqual(480);
    expect(count).toBeLessThan(540);
    expect(told).toBeLessThanOrEqual(Math.ceil(count / 20));
    await workers.clock.elapse(600_000);
    expect(await taken(limiters, 'ann', 200)).toBeLessThan(540);
  });

  test('is not evaded by what nobody was told of, however many others come by meanwhile', async () => {
    const { workers, all } = three();
    const limiters = all.map((worker) =>
      limiterOf(workers, worker, { count: 480, perMs: 60_000 }, 'connectionsPerAddress'),
    );
    let count = 0;
    // Just less than a lot at each, again as soon as each worker by itself could have forgotten it.
    for (let round = 0; round < 100; round++) {
      for (const limiter of limiters)
        for (let take = 0; take < 19; take++) if (limiter.take('ann') === 0) count += 1;
      await settled(5);
      await workers.clock.elapse(2_500);
      for (const limiter of limiters)
        for (let other = 0; other < 4; other++) limiter.take(`${round}.${other}`);
    }
    // In 250 s: 480 at once, and 8 a second.
    expect(count).toBeLessThan(480 + 8 * 250 + 60);
    expect(count).toBeGreaterThan(8 * 250);
  });

  test('of refused tokens counts each once at every worker', async () => {
    const { workers, all } = three();
    const guesses = all.map(
      ({ calls }) =>
        new TokenGuesses(workers.clock, {
          rate: { count: 5, perMs: 600_000, elsewhere: linkedTakes(calls, 'refusedTokensPerAddress', 3) },
          bucketOf: (address) => (address === '127.0.0.1' ? undefined : address),
        }),
    );
    const wrong = (): Promise<never> => Promise.reject(refuse('unauthorized'));
    const judged: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (const each of guesses) {
        const code = await each.judge('198.51.100.7', wrong).catch((error) => error.code as number);
        judged.push(code);
        await settled();
      }
    }
    expect(judged).toEqual([101, 101, 101, 101, 101, 111, 111, 111, 111, 111, 111, 111]);
    for (const each of guesses) {
      expect(await each.judge('198.51.100.8', async () => 'known')).toBe('known');
      await expect(each.judge('127.0.0.1', wrong)).rejects.toMatchObject({ code: 101 });
    }
  });

  test('one rate does not count for another, and a worker that is gone hears nothing', async () => {
    const { workers, all } = three();
    const [first, second, third] = all as [TestWorker, TestWorker, TestWorker];
    const rate = { count: 2, perMs: 60_000 };
    const one = limiterOf(workers, first, rate, 'commandsPerUser');
    const same = limiterOf(workers, second, rate, 'commandsPerUser');
    const other = limiterOf(workers, second, rate, 'publishesPerUser');
    third.end();
    await settled();
    expect(await taken([one], 'ann', 3)).toBe(2);
    expect([same.wait('ann') > 0, other.wait('ann')]).toEqual([true, 0]);
    expect(workers.faults).toEqual([]);
  });
});
