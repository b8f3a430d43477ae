/**
 * Seeded worlds of a primary and its workers with one property: every subscriber sees its channel in order, without gap or repeat, or
 * is told, wherever it comes back; and with a log, what was acknowledged is there, in the same epoch, whatever was killed.
 */
import { env } from 'node:process';
import { describe, expect, test } from 'vitest';
import type { LogFault } from './log-broker.ts';
import { emptyTally, type Tally } from './tally.ts';
import { World } from './world.ts';

const only = env['SEED'];
const count = Number(env['WORKERS_SEEDS'] ?? 200);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];
const total = emptyTally();

async function run(seed: number, fault?: LogFault): Promise<World> {
  const world = new World(seed, fault);
  await world.run().catch((error: unknown) => {
    const climate = JSON.stringify(world.climate);
    throw new Error(`seed ${seed} (SEED=${seed} runs only it), ${climate}: ${String(error)}`, {
      cause: error,
    });
  });
  return world;
}

test.each(chunks(seeds, 20))(
  'REC3 REC7 REC8 REC9 over workers, in order, without gap or repeat, or told: seeds from %i',
  { timeout: 120_000 },
  async (...group) => {
    for (const seed of group) {
      const { tally } = await run(seed);
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
    }
  },
);

describe.skipIf(only !== undefined)('the worlds', () => {
  test('were rough enough to mean something', () => {
    expect(total.acknowledged).toBeGreaterThan(10_000);
    expect(total.received).toBeGreaterThan(total.acknowledged);
    expect(total.unanswered).toBeGreaterThan(500);
    expect(total.repeated).toBeGreaterThan(100);
    expect(total.gaps).toBeGreaterThan(100);
    expect(total.workersKilled).toBeGreaterThan(200);
    expect(total.workersReplaced).toBeGreaterThan(50);
    expect(total.primariesKilled).toBeGreaterThan(50);
    expect(total.pauses).toBeGreaterThan(100);
  });

  test('are the same for the same seed', async () => {
    for (const seed of [3, 7, 11, 19, 23]) {
      expect(await new World(seed).run()).toBe(await new World(seed).run());
    }
    expect(await new World(3).run()).not.toBe(await new World(7).run());
  });

  test.each<LogFault>(['hands on before the commit', 'answers what it does not write'])(
    'notice a log that %s',
    async (fault) => {
      let noticed = 0;
      for (let seed = 1; seed <= 20; seed++) await run(seed, fault).catch(() => noticed++);
      expect(noticed).toBeGreaterThan(5);
    },
  );
});

function chunks(items: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
