import { expect, test } from 'vitest';
import { inTurns } from './in-turns.ts';

test('many things are gone through in order, in as few turns as their number needs', async () => {
  let turns = 0;
  const clock = {
    atTurnEnd(goOn: () => void): void {
      turns += 1;
      queueMicrotask(goOn);
    },
  };
  const seen: number[] = [];
  await inTurns(Array(3_000).keys(), clock, (each) => seen.push(each));
  expect(seen).toEqual([...Array(3_000).keys()]);
  expect(turns).toBe(2);
  await inTurns(Array(1_000).keys(), clock, () => {});
  expect(turns).toBe(2);
});
