import { expect, test } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { AnswerQueue } from './answer-queue.ts';

/** Runs turns one by one, and says that each look at it takes long. */
class SlowClock extends VirtualClock {
  readonly turns: (() => void)[] = [];
  #looks = 0;

  override now(): number {
    this.#looks += 1;
    return this.#looks * 10;
  }

  override atTurnEnd(task: () => void): void {
    this.turns.push(task);
  }
}

test('many answers leave in several turns, in their order, and those that come meanwhile after them', () => {
  const clock = new SlowClock();
  const answered: number[] = [];
  const queue = new AnswerQueue<number>(clock, (poll) => {
    answered.push(poll);
    if (poll === 0) queue.add(100);
  });
  const polls = Array.from({ length: 100 }, (_, index) => index);
  for (const poll of polls) queue.add(poll);
  expect(clock.turns).toHaveLength(1);
  const after: number[] = [];
  for (let turn = clock.turns.shift(); turn !== undefined; turn = clock.turns.shift()) {
    turn();
    after.push(answered.length);
  }
  expect(answered).toEqual([...polls, 100]);
  expect(after[0]).toBe(32);
  expect(after.at(-1)).toBe(101);
});
