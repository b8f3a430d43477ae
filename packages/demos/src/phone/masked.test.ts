import { expect, test } from 'vitest';
import { masked } from './masked.ts';

test.each([
  ['Ada', 'A**'],
  ['Gentle Heron', 'G**** H****'],
  ['张三', '张*'],
  ['👩‍👩‍👧x', '👩‍👩‍👧*'],
  ['X', 'X'],
])('%s is shown as %s', (name, shown) => {
  expect(masked(name)).toBe(shown);
});
