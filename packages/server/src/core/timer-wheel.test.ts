import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { TimerWheel, type WheelEntry } from './timer-wheel.ts';

interface Named extends WheelEntry {
  readonly name: string;
}

function setUp(longestMs = 100): {
  clock: VirtualClock;
  wheel: TimerWheel<Named>;
  due: string[];
  entry: (name: string) => Named;
} {
  const clock = new VirtualClock(0);
  const due: string[] = [];
  const wheel = new TimerWheel<Named>(clock, 10, longestMs, ({ name }) => due.push(`${name} ${clock.now()}`));
  return { clock, wheel, due, entry: (name) => ({ name, dueTick: 0 }) };
}

describe('a timer wheel', () => {
  test('tells each entry once, at its tick', () => {
    const { clock, wheel, due, entry } = setUp();
    wheel.schedule(entry('late'), 3);
    wheel.schedule(entry('early'), 1);
    clock.advance(100);
    expect(due).toEqual(['early 10', 'late 30']);
    expect(wheel.size).toBe(0);
  });

  test('has no timer while it is empty', () => {
    const { clock, wheel, entry } = setUp();
    expect(clock.timers).toBe(0);
    const one = entry('one');
    wheel.schedule(one, 5);
    expect(clock.timers).toBe(1);
    wheel.remove(one);
    wheel.remove(one);
    expect([clock.timers, wheel.size]).toEqual([0, 0]);
  });

  test('has one timer however many entries it holds', () => {
    const { clock, wheel, entry } = setUp();
    for (let count = 0; count < 1_000; count++) wheel.schedule(entry(`${count}`), 1 + (count % 9));
    expect([clock.timers, wheel.size]).toEqual([1, 1_000]);
    clock.advance(45);
    expect(clock.timers).toBe(1);
    clock.advance(100);
    expect([clock.timers, wheel.size]).toEqual([0, 0]);
  });

  test('moves an entry that is scheduled again', () => {
    const { clock, wheel, due, entry } = setUp();
    const one = entry('one');
    wheel.schedule(one, 2);
    wheel.schedule(one, 6);
    clock.advance(100);
    expect(due).toEqual(['one 60']);
  });

  test('keeps delays that are longer than it is round', () => {
    const { clock, wheel, due, entry } = setUp(50);
    wheel.schedule(entry('far'), 30);
    clock.advance(400);
    expect(due).toEqual(['far 300']);
  });

  test('runs one tick a turn when time has leapt, so that sockets are read in between', () => {
    let tasks: (() => void)[] = [];
    const clock = {
      now: () => 0,
      after: (_ms: number, task: () => void) => {
        tasks.push(task);
        return () => {};
      },
      atTurnEnd: () => {},
    };
    const due: string[] = [];
    const wheel = new TimerWheel<Named>(clock, 10, 100, ({ name }) => due.push(name));
    wheel.schedule({ name: 'a', dueTick: 0 }, 1);
    wheel.schedule({ name: 'b', dueTick: 0 }, 2);
    const leap = (): void => {
      const waiting = tasks;
      tasks = [];
      for (const task of waiting) task();
    };
    leap();
    expect(due).toEqual(['a']);
    leap();
    expect(due).toEqual(['a', 'b']);
  });

  test('lets one entry take out or move another of the same tick', () => {
    const clock = new VirtualClock(0);
    const due: string[] = [];
    const a: Named = { name: 'a', dueTick: 0 };
    const b: Named = { name: 'b', dueTick: 0 };
    const c: Named = { name: 'c', dueTick: 0 };
    const wheel = new TimerWheel<Named>(clock, 10, 100, ({ name }) => {
      due.push(`${name} ${clock.now()}`);
      if (name !== 'a') return;
      wheel.remove(b);
      wheel.schedule(c, 2);
    });
    for (const entry of [a, b, c]) wheel.schedule(entry, 1);
    clock.advance(100);
    expect(due).toEqual(['a 10', 'c 30']);
    expect([...wheel]).toEqual([]);
  });

  test('lists what it holds', () => {
    const { wheel, entry } = setUp();
    const entries = [entry('a'), entry('b'), entry('c')];
    for (const [index, each] of entries.entries()) wheel.schedule(each, 1 + index);
    expect([...wheel].map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});
