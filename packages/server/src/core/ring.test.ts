import { expect, test } from 'vitest';
import { Ring } from './ring.ts';

function filled(capacity: number, count: number): { ring: Ring<{ value: number }>; made: () => number } {
  let made = 0;
  const ring = new Ring(capacity, () => {
    made += 1;
    return { value: -1 };
  });
  for (let value = 0; value < count; value++) ring.next().value = value;
  return { ring, made: () => made };
}

test.each([
  [4, 0, []],
  [4, 1, [0]],
  [4, 4, [3, 2, 1, 0]],
  [4, 5, [4, 3, 2, 1]],
  [4, 11, [10, 9, 8, 7]],
  [1, 3, [2]],
])('a ring for %i that was given %i has the newest first', (capacity, count, expected) => {
  const { ring, made } = filled(capacity, count);
  expect([...ring].map(({ value }) => value)).toEqual(expected);
  expect(ring.oldest?.value).toBe(expected.at(-1));
  expect(made()).toBe(Math.min(capacity, count));
  expect(ring.isFull).toBe(count >= capacity);
});

test('what is found is a copy, and at most as much as is asked for', () => {
  const { ring } = filled(4, 6);
  const found = ring.newest(2, ({ value }) => value !== 4);
  ring.next().value = 99;
  ring.next().value = 98;
  expect(found.map(({ value }) => value)).toEqual([5, 3]);
});
