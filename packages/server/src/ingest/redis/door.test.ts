import { expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Door } from './door.ts';

it('writes one line for many refusals, and the next one says how many it stands for', () => {
  const clock = new VirtualClock();
  const lines: unknown[] = [];
  const warn = (_: string, fields?: unknown): void => {
    lines.push(fields);
  };
  const publisher = { publish: () => Promise.resolve({}) };
  const log = { debug: warn, info: warn, warn, error: warn };
  const door = new Door({ publisher, maxPayloadBytes: 10, clock, log });
  for (let at = 0; at < 5; at++) door.refuse('list', 'jobs', 'a reason');
  expect(lines).toEqual([{ way: 'list', source: 'jobs', reason: 'a reason' }]);
  clock.advance(10_000);
  door.refuse('channel', 'other', 'another');
  expect(lines[1]).toEqual({ way: 'channel', source: 'other', reason: 'another', sinceLastLine: 4 });
  expect(door.refused).toBe(6);
});
