import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['25s', 25_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '25', 's', '25 s', '-1s', '1w', '1h30m', '1e3s', '25S', `${'9'.repeat(30)}d`])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('writes the largest unit that fits, and what it writes is read back', () => {
    expect([0, 250, 1_500, 60_000, 90_000, 86_400_000].map(formatDuration)).toEqual([
      '0ms',
      '250ms',
      '1500ms',
      '1m',
      '90s',
      '1d',
    ]);
    for (const ms of [1, 999, 61_000, 3_600_000, 5_400_000])
      expect(parseDuration(formatDuration(ms))).toBe(ms);
  });
});
