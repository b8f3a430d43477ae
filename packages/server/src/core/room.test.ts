import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';

test('who publishes faster than the node writes is answered when there is room again', async () => {
  const host = await startCore();
  await host.connect().ask('{"op":"subscribe","channel":"n:1","id":1}');
  const data = `"${'x'.repeat(60_000)}"`;
  const count = 2 * Math.ceil(limits.gatheredBytes / data.length);
  let answered = 0;
  const publishing = (async () => {
    for (; answered < count; answered++) await host.node.publish('n:1', data);
  })();
  for (let step = 0; step < 10_000; step++) await Promise.resolve();
  const held = answered;
  expect(held).toBeGreaterThan(0);
  expect(held * data.length).toBeLessThanOrEqual(limits.gatheredBytes);
  while (answered < count) {
    host.clock.flushTurn();
    for (let step = 0; step < 10_000; step++) await Promise.resolve();
  }
  await publishing;
});
