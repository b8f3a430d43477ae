/** Seeded inboxes with one property: each device gets exactly what it has not acknowledged, in order, and none of it again. */
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { type InboxTally, InboxWorld } from './inbox-world.ts';

const only = env['SEED'];
const seeds = only === undefined ? Array.from({ length: 150 }, (_, index) => index + 1) : [Number(only)];
const total: InboxTally = {
  ...{ pushed: 0, received: 0, replayed: 0, acknowledged: 0, uncertain: 0, gaps: 0, toldByOthers: 0 },
};

test('INB2 INB3 INB4 INB6 exactly what is not acknowledged, in order', async () => {
  for (const seed of seeds) {
    const world = new InboxWorld(seed);
    await world.run().catch((error: unknown) => {
      throw new Error(`seed ${seed} (SEED=${seed} runs only it): ${String(error)}`, { cause: error });
    });
    for (const key of Object.keys(total) as (keyof InboxTally)[]) total[key] += world.tally[key];
  }
});

test.skipIf(only !== undefined)('the worlds were rough enough to mean something', () => {
  expect(total.replayed).toBeGreaterThan(1_000);
  expect(total.received).toBeGreaterThan(total.pushed);
  expect(total.acknowledged).toBeGreaterThan(1_000);
  expect(total.uncertain).toBeGreaterThan(100);
  expect(total.gaps).toBeGreaterThan(10);
  expect(total.toldByOthers).toBeGreaterThan(100);
});
