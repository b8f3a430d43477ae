/** Seeded worlds with two properties: lists are the truth at every moment, and what followers are told makes theirs the truth. */
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { LinkedPlace, LonePlace } from './places.ts';
import { PresenceWorld, type Tally } from './presence-world.ts';

const only = env['SEED'];
const seeds = only === undefined ? Array.from({ length: 20 }, (_, index) => index + 1) : [Number(only)];
const total: Tally = { steps: 0, joins: 0, leaves: 0, gaps: 0, silent: 0 };

function run(world: PresenceWorld, seed: number, steps: number): Promise<Tally> {
  return world.run(steps).catch((error: unknown) => {
    throw new Error(`seed ${seed} (SEED=${seed} runs only it): ${String(error)}`, { cause: error });
  });
}

test.each(seeds)('PRE6 PRE7 PRE8 PRE9 PRE10 lists hold, with followers too: seed %i', async (seed) => {
  const world = new PresenceWorld(seed, (options) => new LonePlace(options));
  const tally = await run(world, seed, 1_000);
  for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
});

test.skipIf(only !== undefined)('the worlds were rough enough to mean something', () => {
  expect(total.gaps).toBeGreaterThan(20);
  expect(total.joins).toBeGreaterThan(500);
  expect(total.leaves).toBeGreaterThan(500);
  expect(total.silent).toBeGreaterThan(100);
});

const workers = 3;
let deaths = 0;

test.each(seeds.slice(0, 8))(
  'PRE6 PRE7 PRE12 several workers, of which some die, tell what one process tells: seed %i',
  async (seed) => {
    const kills = { kills: true };
    let lone: LonePlace | undefined;
    let several: LinkedPlace | undefined;
    const expected = await run(
      new PresenceWorld(
        seed,
        (options) => {
          lone = new LonePlace(options, workers);
          return lone;
        },
        kills,
      ),
      seed,
      400,
    );
    const found = await run(
      new PresenceWorld(
        seed,
        (options) => {
          several = new LinkedPlace(options, workers);
          return several;
        },
        kills,
      ),
      seed,
      400,
    );
    expect(found).toEqual(expected);
    expect(several?.heard.toSorted()).toEqual(lone?.heard.toSorted());
    expect(several?.faults).toEqual([]);
    deaths += several?.deaths ?? 0;
  },
);

test.skipIf(only !== undefined)('enough of them died', () => {
  expect(deaths).toBeGreaterThan(20);
});
