import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

const options = { firstMs: 1_000, longestMs: 300_000 };

test('waits double up to the longest', () => {
  const waits = [1, 2, 3, 9, 10, 1_000_000].map((failures) => backoffMs(failures, options, () => 1));
  expect(waits).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
});

test('waits lie anywhere in the upper half', () => {
  expect([0, 0.5, 1].map((chance) => backoffMs(3, options, () => chance))).toEqual([2_000, 3_000, 4_000]);
  for (let n = 0; n < 100; n += 1) {
    const wait = backoffMs(1, options);
    expect(wait).toBeGreaterThanOrEqual(500);
    expect(wait).toBeLessThanOrEqual(1_000);
  }
});
