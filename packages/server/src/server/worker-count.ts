/** How many processes a server consists of. */
import { availableParallelism } from 'node:os';
import type { Settings } from '../config/settings.ts';

/** How many processes serve; one serves without a primary. `auto` is as many as there are cores, and one in development mode. */
export function workerCount({ workers, development }: Settings): number {
  if (workers !== 'auto') return workers;
  return development ? 1 : availableParallelism();
}
