/** Names of sessions that say which worker has them, and a place for each in the order of all workers' sessions. */
import type { Clock } from '../core/clock.ts';

/** `random`: text that nobody can guess and nothing else ever had. */
export function sessionIdOf(worker: number, random: string): string {
  return `${worker.toString(36)}.${random}`;
}

/** The worker that made the name; undefined for what no worker made. */
export function workerOf(session: string): number | undefined {
  const prefix = /^([0-9a-z]{1,6})\./.exec(session)?.[1];
  return prefix === undefined ? undefined : Number.parseInt(prefix, 36);
}

/** Workers that may live at the same time, and places that each can give in a millisecond. Exact numbers until the year 2248. */
const workersAtATime = 256;
const perMs = 4;

/**
 * Places in the order of coming that no two workers give: the time, then the worker. One that takes in more than four sessions in
 * a millisecond runs ahead of the clock for a while.
 */
export function sessionOrders(worker: number, clock: Pick<Clock, 'now'>): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, Math.floor(clock.now() * perMs));
    return last * workersAtATime + (worker % workersAtATime);
  };
}
