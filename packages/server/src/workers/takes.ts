/** Rates over all workers: what is taken of one at a worker counts at every other, too. */
import type { RateElsewhere } from '../core/rate.ts';
import type { Calls, Told } from '../link/calls.ts';
import { Batch } from './batch.ts';
import type { LinkedWorker } from './relay.ts';

/** The rates, as the config calls them. */
export const sharedRates = [
  'commandsPerUser',
  'publishesPerUser',
  'connectionsPerAddress',
  'refusedTokensPerAddress',
  'requestsPerKey',
] as const;
export type SharedRate = (typeof sharedRates)[number];

/** What a worker is told of, and tells the primary, under the name of a rate. */
interface TakeVerbs {
  /** So many were taken of each of these buckets. */
  took(takes: readonly (readonly [bucket: string, count: number])[]): void;
}

/** A worker's part in one of the rates. `workers`: how many count together. */
export function linkedTakes(calls: Calls, rate: SharedRate, workers: number): RateElsewhere {
  const primary = calls.told<TakeVerbs>(linkName(rate));
  const batch = new Batch((takes) => primary.took(takes));
  return {
    others: workers - 1,
    took: (bucket, count) => batch.set(bucket, (batch.get(bucket) ?? 0) + count),
    hear: (take) => {
      const took: TakeVerbs['took'] = (takes) => {
        for (const [bucket, count] of takes) take(bucket, count);
      };
      calls.offer<TakeVerbs>(linkName(rate), { took }, ['took']);
    },
  };
}

/** The primary's: hands on what each worker says to the others. A worker that begins knows of nothing that was taken. */
export class SharedTakes {
  readonly #workers = new Map<number, Calls>();

  begun({ id, calls }: LinkedWorker): void {
    this.#workers.set(id, calls);
    for (const rate of sharedRates) {
      const name = linkName(rate);
      const took: TakeVerbs['took'] = (takes) => {
        for (const other of this.#othersOf(id, name)) other.took(takes);
      };
      calls.offer<TakeVerbs>(name, { took }, ['took']);
    }
  }

  gone(id: number): void {
    this.#workers.delete(id);
  }

  #othersOf(id: number, name: string): Told<TakeVerbs>[] {
    return [...this.#workers].flatMap(([other, calls]) =>
      other === id ? [] : [calls.told<TakeVerbs>(name)],
    );
  }
}

function linkName(rate: SharedRate): string {
  return `rates.${rate}`;
}
