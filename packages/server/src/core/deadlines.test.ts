import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Deadlines } from './deadlines.ts';

test('each falls due after its time, in the order in which they were set', () => {
  const clock = new VirtualClock(0);
  const deadlines = new Deadlines(clock, 100);
  const due: string[] = [];
  const set = (name: string): void => deadlines.add(() => due.push(`${name} ${clock.now()}`));
  set('a');
  clock.advance(30);
  set('b');
  set('c');
  clock.advance(69);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual(['a 100']);
  clock.advance(100);
  expect(due).toEqual(['a 100', 'b 130', 'c 130']);
});

test('there is one timer, and none when nothing waits', () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock, 100);
  let due = 0;
  for (let count = 0; count < 1_000; count++) deadlines.add(() => due++);
  expect(clock.timers).toBe(1);
  clock.advance(100);
  expect([due, clock.timers]).toEqual([1_000, 0]);
});

test('one that is set while others fall due gets its whole time', () => {
  const clock = new VirtualClock(0);
  const deadlines = new Deadlines(clock, 100);
  const due: number[] = [];
  deadlines.add(() => deadlines.add(() => due.push(clock.now())));
  clock.advance(199);
  expect(due).toEqual([]);
  clock.advance(1);
  expect(due).toEqual([200]);
});
