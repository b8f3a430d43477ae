/** What is counted per user, address or key, as a process counts it: alone, or together with the other workers. */
import type { Settings } from '../config/settings.ts';
import type { Rate } from '../core/rate.ts';
import { LinkedHolds } from '../workers/holds.ts';
import { linkedTakes, type SharedRate, sharedRates } from '../workers/takes.ts';
import type { WorkerHome } from './home.ts';
import { workerCount } from './worker-count.ts';

/** Absent: no limit. */
export type Rates = { readonly [Name in SharedRate]?: Rate };

export interface Counting {
  readonly rates: Rates;
  /** Open connections at the other workers; absent: there are none. */
  readonly holds?: LinkedHolds;
}

/** Once for each process. `home`: there are other workers. */
export function countingOf(settings: Settings, home?: Pick<WorkerHome, 'calls'>): Counting {
  if (home === undefined) return { rates: settings.rates };
  const { calls } = home;
  const workers = workerCount(settings);
  const rates = sharedRates.flatMap((name): [SharedRate, Rate][] => {
    const rate = settings.rates[name];
    return rate === undefined ? [] : [[name, { ...rate, elsewhere: linkedTakes(calls, name, workers) }]];
  });
  return { rates: Object.fromEntries(rates), holds: new LinkedHolds(calls, workers) };
}
