/** Open connections of an address over all workers: each says what it has, in lots, and hears what the others have. */
import { lotOf } from '../core/lots.ts';
import type { Calls, Told } from '../link/calls.ts';
import { Batch } from './batch.ts';
import type { LinkedWorker } from './relay.ts';

type Holds = readonly (readonly [address: string, count: number])[];

/** What a worker and the primary tell each other under the name `holds`. */
interface HoldVerbs {
  /** So many are open at the worker that says so; or, said by the primary, at all others together. 0: none, any more. */
  hold(holds: Holds): void;
}

const name = 'holds';

/** A worker's. */
export class LinkedHolds {
  readonly #workers: number;
  readonly #batch: Batch;
  #lot = 1;
  /** What the primary was told, or is about to be. */
  readonly #told = new Map<string, number>();
  readonly #elsewhere = new Map<string, number>();

  /** `workers`: how many count together. */
  constructor(calls: Calls, workers: number) {
    this.#workers = workers;
    const primary = calls.told<HoldVerbs>(name);
    this.#batch = new Batch((holds) => primary.hold(holds));
    const hold: HoldVerbs['hold'] = (holds) => {
      for (const [address, count] of holds) put(this.#elsewhere, address, count);
    };
    calls.offer<HoldVerbs>(name, { hold }, ['hold']);
  }

  /** How many an address may have. What it has here is to be said again then. */
  limited(limit: number): void {
    this.#lot = lotOf(limit, this.#workers);
  }

  /** How many an address has here now. */
  changed(address: string, count: number): void {
    const lots = count - (count % this.#lot);
    if (lots === (this.#told.get(address) ?? 0)) return;
    put(this.#told, address, lots);
    this.#batch.set(address, lots);
  }

  /** How many an address has at the other workers. */
  of(address: string): number {
    return this.#elsewhere.get(address) ?? 0;
  }
}

/** The primary's: adds up what the workers say. */
export class SharedHolds {
  /** Those that serve. */
  readonly #serving = new Map<number, Told<HoldVerbs>>();
  /** By address, then by worker. */
  readonly #counts = new Map<string, Map<number, number>>();

  begun({ id, calls }: LinkedWorker): void {
    const hold: HoldVerbs['hold'] = (holds) => {
      for (const [address, count] of holds) this.#put(address, id, count);
      const addresses = holds.map(([address]) => address);
      for (const [other, worker] of this.#serving) if (other !== id) this.#tell(other, worker, addresses);
    };
    calls.offer<HoldVerbs>(name, { hold }, ['hold']);
  }

  /** It hears of what there is before the first connection reaches it. */
  served({ id, calls }: LinkedWorker): void {
    const worker = calls.told<HoldVerbs>(name);
    this.#serving.set(id, worker);
    this.#tell(id, worker, [...this.#counts.keys()]);
  }

  gone(id: number): void {
    this.#serving.delete(id);
    const addresses = [...this.#counts].flatMap(([address, counts]) => (counts.has(id) ? [address] : []));
    for (const address of addresses) this.#put(address, id, 0);
    for (const [other, worker] of this.#serving) this.#tell(other, worker, addresses);
  }

  #put(address: string, worker: number, count: number): void {
    const counts = this.#counts.get(address) ?? new Map<number, number>();
    put(counts, worker, count);
    if (counts.size === 0) this.#counts.delete(address);
    else this.#counts.set(address, counts);
  }

  #tell(id: number, worker: Told<HoldVerbs>, addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    worker.hold(addresses.map((address) => [address, this.#elsewhere(id, address)]));
  }

  #elsewhere(id: number, address: string): number {
    let sum = 0;
    for (const [worker, count] of this.#counts.get(address) ?? []) if (worker !== id) sum += count;
    return sum;
  }
}

/** Nothing is kept of what is none. */
function put<Key>(counts: Map<Key, number>, key: Key, count: number): void {
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
