import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('timers run in the order of their time, then of their making', () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.after(20, () => ran.push(`c ${clock.now()}`));
  clock.after(10, () => ran.push(`a ${clock.now()}`));
  clock.after(10, () => {
    ran.push(`b ${clock.now()}`);
    clock.after(5, () => ran.push(`made ${clock.now()}`));
  });
  clock.after(31, () => ran.push('too late'));
  clock.advance(30);
  expect(ran).toEqual(['a 10', 'b 10', 'made 15', 'c 20']);
  expect(clock.now()).toBe(30);
  expect(clock.timers).toBe(1);
});

test('a cancelled timer never runs', () => {
  const clock = new VirtualClock();
  const cancel = clock.after(1, () => expect.fail('ran'));
  cancel();
  cancel();
  clock.advance(10);
  expect(clock.timers).toBe(0);
});

test('tasks for the end of the turn run before time goes on', () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.after(1, () => clock.atTurnEnd(() => clock.atTurnEnd(() => ran.push(`turn ${clock.now()}`))));
  clock.after(2, () => ran.push('timer'));
  clock.advance(2);
  expect(ran).toEqual(['turn 1', 'timer']);
  clock.atTurnEnd(() => ran.push('flushed'));
  clock.flushTurn();
  expect(ran.at(-1)).toBe('flushed');
});

test('elapse lets promises run between two timers', async () => {
  const clock = new VirtualClock(0);
  const ran: string[] = [];
  clock.after(1, () => {
    void Promise.resolve().then(() => clock.after(1, () => ran.push(`promised ${clock.now()}`)));
  });
  await clock.elapse(5);
  expect(ran).toEqual(['promised 2']);
});
