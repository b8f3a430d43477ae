import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

it('doubles up to 5 s', () => {
  const longest = [1, 2, 3, 4, 5, 6, 100].map((failures) => backoffMs(failures, () => 1));
  expect(longest).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

it('lies anywhere in the upper half', () => {
  expect([0, 0.5, 1].map((chance) => backoffMs(3, () => chance))).toEqual([400, 600, 800]);
});
