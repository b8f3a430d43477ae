/** Copies, one in every worker, of something that the primary has: what it tells of it reaches all, in one order. */
import type { Told } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

export class Replicas<Replica> implements Iterable<Told<Replica>> {
  readonly #name: string;
  readonly #workers = new Map<number, Told<Replica>>();

  /** `name`: under which the workers offer theirs. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The worker is told from here on. What it misses of what there is already, it must be told first. */
  add({ id, calls }: LinkedWorker): Told<Replica> {
    const told = calls.told<Replica>(this.#name);
    this.#workers.set(id, told);
    return told;
  }

  remove(worker: number): void {
    this.#workers.delete(worker);
  }

  [Symbol.iterator](): Iterator<Told<Replica>> {
    return this.#workers.values();
  }
}

/** How many entries one message has, where a worker is told of everything that there is. */
const perMessage = 1_000;

/** Hands on everything in parts. */
export function inParts<Entry>(entries: Iterable<Entry>, part: (entries: readonly Entry[]) => void): void {
  let gathered: Entry[] = [];
  for (const entry of entries) {
    gathered.push(entry);
    if (gathered.length < perMessage) continue;
    part(gathered);
    gathered = [];
  }
  if (gathered.length > 0) part(gathered);
}
