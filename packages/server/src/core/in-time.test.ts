import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { inTime } from './in-time.ts';

const late = (): Error => new Error('late');
const never = new Promise<never>(() => {});

test('what comes in time is the answer, a refusal too, and leaves no timer', async () => {
  const clock = new VirtualClock();
  expect(await inTime(Promise.resolve(1), 10, clock, late)).toBe(1);
  await expect(inTime(Promise.reject(new Error('no')), 10, clock, late)).rejects.toThrow('no');
  expect(clock.timers).toBe(0);
});

test('what has not come by then is late', async () => {
  const clock = new VirtualClock();
  const answer = inTime(never, 10, clock, late);
  clock.advance(9);
  expect(clock.timers).toBe(1);
  const refused = expect(answer).rejects.toThrow('late');
  clock.advance(1);
  await refused;
});
