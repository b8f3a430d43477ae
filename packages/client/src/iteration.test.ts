import { expect, test } from 'vitest';
import { CarillonError } from './errors.ts';
import type { Message } from './events.ts';
import { type Intake, iterate } from './iteration.ts';
import * as reasons from './reasons.ts';

const message = (data: number): Message<number> => ({ channel: 'a', data, recovered: false });

/** A loop that has begun, and the end that fills it. */
function begin() {
  let stops = 0;
  let intake: Intake<number> | undefined;
  const loop = iterate<number>((given) => {
    intake = given;
    return () => {
      stops += 1;
    };
  });
  const first = loop.next();
  if (intake === undefined) throw new Error('the loop did not listen');
  return { loop, first, intake, stops: () => stops };
}

test('messages come in order, whether they were waited for or held', async () => {
  const { loop, first, intake } = begin();
  for (const data of [1, 2, 3]) intake.push(message(data));
  expect((await first).value).toEqual(message(1));
  intake.push(message(4));
  intake.end();
  const rest: number[] = [];
  for await (const { data } of loop) rest.push(data);
  expect(rest).toEqual([2, 3, 4]);
});

test('an error comes after what is held', async () => {
  const { loop, first, intake, stops } = begin();
  intake.push(message(1));
  intake.end(new CarillonError(reasons.connectionLost));
  expect((await first).value).toEqual(message(1));
  await expect(loop.next()).rejects.toThrow('the connection was lost');
  expect(stops()).toBe(1);
});

test('leaving the loop stops the intake', async () => {
  const { loop, first, intake, stops } = begin();
  intake.push(message(1));
  await first;
  await loop.return();
  expect(stops()).toBe(1);
  expect(await loop.next()).toEqual({ done: true, value: undefined });
});

test('a loop that falls too far behind gets what is held, then an error', async () => {
  const { loop, first, intake } = begin();
  intake.push(message(0));
  await first;
  for (let data = 1; data <= 10_001; data++) intake.push(message(data));
  let count = 0;
  const read = async () => {
    for await (const _ of loop) count += 1;
  };
  await expect(read()).rejects.toMatchObject({ code: reasons.overflow.code });
  expect(count).toBe(10_000);
});
