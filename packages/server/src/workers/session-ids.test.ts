/** Which worker a session is at, and which of two sessions came first. */
import { expect, test } from 'vitest';
import { sessionIdOf, sessionOrders, workerOf } from './session-ids.ts';

test('a session says which worker has it', () => {
  for (const worker of [1, 35, 36, 1_000_000]) expect(workerOf(sessionIdOf(worker, 'a.b-c_d'))).toBe(worker);
});

test('what no worker made says nothing', () => {
  for (const name of ['', 'abc', '.a', '-1.a', 'A.b', '1234567.a', ' 1.a'])
    expect(workerOf(name)).toBeUndefined();
});

test('orders rise with time, over all workers, and are given once', () => {
  let now = 1_700_000_000_000;
  const clock = { now: () => now };
  const workers = [1, 2, 3, 255].map((worker) => sessionOrders(worker, clock));
  const given: number[] = [];
  for (let ms = 0; ms < 50; ms++) {
    const moment: number[] = [];
    for (const next of workers) for (let each = 0; each < 4; each++) moment.push(next());
    expect(Math.min(...moment)).toBeGreaterThan(given.at(-1) ?? 0);
    given.push(...moment.toSorted((a, b) => a - b));
    now += 1;
  }
  expect(new Set(given).size).toBe(given.length);
  expect(given.every(Number.isSafeInteger)).toBe(true);
});

test('a worker that takes in many at once runs ahead, and never back', () => {
  const clock = { now: () => 1_700_000_000_000 };
  const next = sessionOrders(7, clock);
  const given = Array.from({ length: 1_000 }, next);
  expect(given).toEqual(given.toSorted((a, b) => a - b));
  expect(new Set(given).size).toBe(1_000);
});

test('orders stay exact numbers for two centuries', () => {
  const next = sessionOrders(255, { now: () => Date.UTC(2226, 0) });
  const [first, second] = [next(), next()];
  expect([first, second].every(Number.isSafeInteger)).toBe(true);
  expect(second).toBeGreaterThan(first);
});
