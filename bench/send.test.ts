/** The scenario `send` in small: every send reaches as many as it should, whatever the crowd. */
import { expect, it } from 'vitest';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { crowds, runSend } from './send.ts';

it.each(crowds)(
  'a quick run of the scenario send reaches everybody that is meant: a tenth of %s',
  async (crowd) => {
    const { counts, figures } = await runSend(crowd, { quick: true }, silentProgress);
    expect(counts).toEqual({ missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 });
    expect(figures).toHaveLength(3);
  },
);
