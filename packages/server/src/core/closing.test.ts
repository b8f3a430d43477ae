import type { Disconnect } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type Closable, Closing } from './closing.ts';

const reason: Disconnect = { code: 3001, reason: 'shutdown' };

class Door implements Closable {
  readonly told: string[] = [];

  close(): void {
    this.told.push('close');
  }

  destroy(): void {
    this.told.push('destroy');
  }
}

test('with nothing open is over at once, and nothing more may be opened', async () => {
  const closing = new Closing(new VirtualClock(), new Set<Door>());
  expect(closing.hasBegun).toBe(false);
  await closing.close(reason, 100);
  expect(closing.hasBegun).toBe(true);
});

test('waits for the last that is open; what takes too long is destroyed, and still waited for', async () => {
  const clock = new VirtualClock();
  const [quick, slow] = [new Door(), new Door()];
  const open = new Set([quick, slow]);
  const closing = new Closing(clock, open);
  let isOver = false;
  const over = closing.close(reason, 100).then(() => {
    isOver = true;
  });
  open.delete(quick);
  closing.gone();
  await clock.elapse(99);
  expect([quick.told, slow.told]).toEqual([['close'], ['close']]);
  await clock.elapse(2);
  expect([quick.told, slow.told, isOver]).toEqual([['close'], ['close', 'destroy'], false]);
  open.delete(slow);
  closing.gone();
  await over;
  expect(clock.timers).toBe(0);
});
