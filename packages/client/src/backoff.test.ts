import { expect, test } from 'vitest';
import { backoffMs, defaultBackoff } from './backoff.ts';

test('the wait lies between the minimum and a bound that doubles with each failure', () => {
  const bounds = [0, 1, 2, 3].map((failures) => [
    backoffMs(failures, defaultBackoff, 0),
    backoffMs(failures, defaultBackoff, 1),
  ]);
  expect(bounds).toEqual([
    [300, 600],
    [300, 1_200],
    [300, 2_400],
    [300, 4_800],
  ]);
});

test('the bound stops at the maximum, however many failures there were', () => {
  expect(backoffMs(10, defaultBackoff, 1)).toBe(20_000);
  expect(backoffMs(100_000, defaultBackoff, 1)).toBe(20_000);
});

test('chance spreads the waits over the whole range', () => {
  expect(backoffMs(9, defaultBackoff, 0.5)).toBe(10_150);
});

test('a maximum below the minimum gives the minimum', () => {
  expect(backoffMs(3, { minMs: 50, maxMs: 10 }, 0.9)).toBe(50);
});
