import { expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import { TokenGuesses } from '../core/token-guesses.ts';
import { LinkedWorkers, settled } from '../testing/linked.ts';
import { linkedGuesses, SharedGuesses } from './guesses.ts';

const rate = { count: 5, perMs: 600_000 };
const wrong = (): Promise<never> => Promise.reject(refuse('unauthorized'));

test('ACC19 refused tokens of an address count at every worker, once each', async () => {
  const workers = new LinkedWorkers({ shared: [new SharedGuesses()] });
  const { clock } = workers;
  const all = workers.serve(3).map(
    ({ calls }) =>
      new TokenGuesses(clock, {
        rate,
        bucketOf: (address) => (address === '127.0.0.1' ? undefined : address),
        elsewhere: linkedGuesses(calls),
      }),
  );
  const judged: number[] = [];
  for (let round = 0; round < 4; round++) {
    for (const guesses of all) {
      const code = await guesses.judge('198.51.100.7', wrong).catch((error) => error.code as number);
      judged.push(code);
      await settled();
    }
  }
  expect(judged).toEqual([101, 101, 101, 101, 101, 111, 111, 111, 111, 111, 111, 111]);
  for (const guesses of all) {
    expect(await guesses.judge('198.51.100.8', async () => 'known')).toBe('known');
    await expect(guesses.judge('127.0.0.1', wrong)).rejects.toMatchObject({ code: 101 });
  }
});
