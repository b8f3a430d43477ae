import { expect, test } from 'vitest';
import { clean } from '../packages/server/src/bench/outcome.ts';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { runRolling } from './rolling.ts';
import { runWorkers, shapes } from './workers.ts';

const quick = { quick: true };
const options = { pinned: false };

test.each(shapes)('measures %s', async (shape) => {
  const { counts, figures } = await runWorkers(shape, quick, options, silentProgress);
  expect(clean(counts)).toBe(true);
  const names = figures.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['memory MiB a worker', 'directed: publications/s', 'to nobody: publications/s']),
  );
});

test('replaces all workers under load, and nothing is missing', async () => {
  const { counts, figures, notes } = await runRolling(quick, options, silentProgress);
  expect([counts, notes]).toMatchObject([{ missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 }, []]);
  // Every connection was at a worker that is gone.
  const reconnects = figures.find(({ name }) => name === 'reconnects');
  expect(reconnects?.value).toBeGreaterThanOrEqual(100);
});
