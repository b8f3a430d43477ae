/** Seeded worlds with one property: every subscriber sees its channel in order, without gap or repeat, or is told. */
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { type Tally, World } from './world.ts';

const only = env['SEED'];
const seeds = only === undefined ? Array.from({ length: 200 }, (_, index) => index + 1) : [Number(only)];
const total: Tally = { published: 0, gaps: 0, rereads: 0, received: 0, cutForSlowness: 0 };

test.each(chunks(seeds, 20))(
  'REC3 REC7 REC8 REC9 in order, without gap or repeat, or told: seeds from %i',
  async (...group) => {
    for (const seed of group) {
      const world = new World(seed);
      await world.run().catch((error: unknown) => {
        throw new Error(`seed ${seed} (SEED=${seed} runs only it): ${String(error)}`, { cause: error });
      });
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += world.tally[key];
    }
  },
);

test.skipIf(only !== undefined)('the worlds were rough enough to mean something', () => {
  expect(total.gaps).toBeGreaterThan(100);
  expect(total.rereads).toBeGreaterThan(1_000);
  expect(total.cutForSlowness).toBeGreaterThan(10);
  expect(total.received).toBeGreaterThan(total.published);
});

function chunks(items: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
