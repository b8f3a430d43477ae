import { expect, it } from 'vitest';
import { refuse, refusedByHook } from '../../core/errors.ts';
import { startCore } from '../../testing/core-host.ts';
import { ScriptedHooks } from '../../testing/scripted-hooks.ts';
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

it('HOK2 hands over as what it is, counts what the hook refuses, and is told to try again where that is late', async () => {
  const hooks = new ScriptedHooks({
    publish: ({ data }) => {
      if (data === '"bad"') throw refusedByHook(400, 'no');
      if (data === '"late"') throw refuse('notAvailable', 'late');
      return { data: '"rewritten"' };
    },
  });
  const { node, clock } = await startCore({ hooks });
  const silent = (): void => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const door = new Door({ publisher: node, maxPayloadBytes: 10, clock, log });
  const take = (text: string): Promise<void> =>
    door.take({ way: 'stream', source: 's', channel: 'h:1', bytes: Buffer.from(text) });
  await take('good');
  await take('bad');
  await expect(take('late')).rejects.toMatchObject({ code: 108 });
  expect([door.received.stream, door.refused]).toEqual([1, 1]);
  expect(hooks.events('publish').map(({ source }) => source)).toEqual(['ingest', 'ingest', 'ingest']);
  expect((await node.history('h:1', {})).publications).toMatchObject([{ data: '"rewritten"' }]);
});
