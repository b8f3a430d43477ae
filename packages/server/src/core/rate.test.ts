import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { RateLimiter } from './rate.ts';

/** How many of `tries` are let through. */
function taken(limiter: RateLimiter, key: string, tries: number): number {
  let count = 0;
  for (let index = 0; index < tries; index++) if (limiter.take(key) === 0) count += 1;
  return count;
}

describe('ACC19: a rate', () => {
  test.each([
    [1, 1_000],
    [3, 1_000],
    [7, 60_000],
    [1_000, 1_000],
    [60_000, 60_000],
    [999_983, 1_000],
  ])('of %i in %i ms lets so many through at once, and no more', (count, perMs) => {
    const limiter = new RateLimiter(new VirtualClock(1_777_000_000_000), { count, perMs });
    expect(taken(limiter, 'a', count + 50)).toBe(count);
  });

  test('fills up evenly, and never beyond its size', () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, { count: 10, perMs: 1_000 });
    expect(taken(limiter, 'a', 20)).toBe(10);
    clock.advance(99);
    expect(taken(limiter, 'a', 20)).toBe(0);
    clock.advance(1);
    expect(taken(limiter, 'a', 20)).toBe(1);
    clock.advance(550);
    expect(taken(limiter, 'a', 20)).toBe(5);
    clock.advance(86_400_000);
    expect(taken(limiter, 'a', 20)).toBe(10);
  });

  test('lets through over a long time what it says', () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, { count: 7, perMs: 1_000 });
    taken(limiter, 'a', 7);
    let count = 0;
    for (let ms = 0; ms < 100_000; ms += 13) {
      clock.advance(13);
      count += taken(limiter, 'a', 3);
    }
    expect(count).toBe(700);
  });

  test('says when to come back, and then it is true', () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, { count: 2, perMs: 10_000 });
    expect([limiter.take('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 5_000]);
    expect([limiter.wait('a'), limiter.wait('b')]).toEqual([5_000, 0]);
    clock.advance(4_999);
    expect(limiter.wait('a')).toBe(1);
    clock.advance(1);
    expect([limiter.wait('a'), limiter.take('a'), limiter.take('a')]).toEqual([0, 0, 5_000]);
  });

  test('of one does not touch another', () => {
    const limiter = new RateLimiter(new VirtualClock(), { count: 2, perMs: 1_000 });
    expect([taken(limiter, 'a', 5), taken(limiter, 'b', 5)]).toEqual([2, 2]);
  });

  test('needs no timer', () => {
    const clock = new VirtualClock();
    taken(new RateLimiter(clock, { count: 2, perMs: 1_000 }), 'a', 5);
    expect(clock.timers).toBe(0);
  });
});

describe('ACC19: the table of buckets', () => {
  test('stays within its bound, however many come', () => {
    const limiter = new RateLimiter(new VirtualClock(), { count: 5, perMs: 60_000 });
    let most = 0;
    for (let index = 0; index < 1_000_000; index++) {
      limiter.take(`10.${index}`);
      if (limiter.size > most) most = limiter.size;
    }
    expect(most).toBe(100_000);
  });

  test('lets go of those that are full again, while others come', () => {
    const clock = new VirtualClock();
    const limiter = new RateLimiter(clock, { count: 5, perMs: 1_000 });
    for (let index = 0; index < 10_000; index++) limiter.take(`first ${index}`);
    clock.advance(1_000);
    for (let index = 0; index < 10_000; index++) limiter.take(`second ${index}`);
    expect(limiter.size).toBe(10_000);
  });

  test('keeps what is used up through a flood that is smaller than it', () => {
    const limiter = new RateLimiter(new VirtualClock(), { count: 2, perMs: 60_000 }, 1_000);
    taken(limiter, 'used up', 2);
    for (let index = 0; index < 999; index++) limiter.take(`${index}`);
    expect(limiter.take('used up')).toBeGreaterThan(0);
  });
});
