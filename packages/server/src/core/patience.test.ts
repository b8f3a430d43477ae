import { limits } from '@carillon/protocol';
import { beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Patience } from './patience.ts';

let clock: VirtualClock;
let questions: { answer: (text: string) => void; refuse: (error: Error) => void }[];
let patience: Patience<string>;

beforeEach(() => {
  clock = new VirtualClock();
  questions = [];
  patience = new Patience(
    () => new Promise((answer, refuse) => void questions.push({ answer, refuse })),
    clock,
  );
});

test('who answers in time is asked anew each time, also by those who ask together', async () => {
  const asked = [patience.within(10), patience.within(10)];
  questions.forEach(({ answer }, at) => void answer(`answer ${at}`));
  expect(await Promise.all(asked)).toEqual([{ answer: 'answer 0' }, { answer: 'answer 1' }]);
  const failed = patience.within(10);
  questions[2]?.refuse(new Error('no'));
  await expect(failed).rejects.toThrow('no');
  expect([questions.length, clock.timers]).toEqual([3, 0]);
});

test('who is late is not asked again until the question is answered', async () => {
  const late = patience.within(10);
  clock.advance(10);
  expect(await late).toBeUndefined();
  for (let number = 0; number < 5; number++) {
    const again = patience.within(10);
    clock.advance(10);
    expect(await again).toBeUndefined();
  }
  expect(questions).toHaveLength(1);
  const inTime = patience.within(10);
  questions[0]?.answer('at last');
  expect(await inTime).toEqual({ answer: 'at last' });
  const fresh = patience.within(10);
  questions[1]?.answer('fresh');
  expect(await fresh).toEqual({ answer: 'fresh' });
});

test('a question that got lost is put again after a while', async () => {
  const lost = patience.within(10);
  clock.advance(10);
  expect(await lost).toBeUndefined();
  clock.advance(limits.askAgainMs);
  const again = patience.within(10);
  expect(questions).toHaveLength(2);
  questions[1]?.answer('heard');
  expect(await again).toEqual({ answer: 'heard' });
});
