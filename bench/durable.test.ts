/** The scenarios `durable` and `restart` in small: nothing that was answered is missing, with any store, nor after a kill. */
import { expect, it } from 'vitest';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { runDurable, runRestart, stores } from './durable.ts';

const quick = { quick: true, connections: 8 };
const nothing = { missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 };

it.each(stores)('a quick run of the scenario durable loses nothing: %s', async (store) => {
  const outcome = await runDurable(store, quick, { pinned: false }, silentProgress);
  expect(outcome.counts).toEqual(nothing);
  expect(outcome.figures.find(({ name }) => name === 'publications/s')?.value).toBeGreaterThan(0);
});

it('a server that was killed has everything that it answered', async () => {
  const outcome = await runRestart(quick, { pinned: false }, silentProgress);
  expect(outcome.counts).toEqual(nothing);
  expect(outcome.figures.find(({ name }) => name === 'log MiB')?.value).toBeGreaterThan(5);
});
