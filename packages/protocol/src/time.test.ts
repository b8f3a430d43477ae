import { expect, test } from 'vitest';
import { isoTime } from './time.ts';

test('a time is written in UTC, to the millisecond', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
  expect(isoTime(1_763_740_800_123.75)).toBe('2025-11-21T16:00:00.123Z');
});
