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

  /**
   * Makes what a worker calls until it answers false: the worker is told of every change from its first call on, and by each call of
   * a part of what there is. `entries` must show what is added while it is gone through, and what changed as it is by then.
   */
  following<Entry>(
    { id, calls }: LinkedWorker,
    entries: Iterable<Entry>,
    tell: (replica: Told<Replica>, part: readonly Entry[]) => void,
  ): () => boolean {
    const replica = calls.told<Replica>(this.#name);
    const parts = inParts(entries);
    return () => {
      this.#workers.set(id, replica);
      const { value } = parts.next();
      if (value !== undefined) tell(replica, value);
      return value !== undefined;
    };
  }

  /** The worker is told from here on. */
  add({ id, calls }: LinkedWorker): void {
    this.#workers.set(id, calls.told<Replica>(this.#name));
  }

  remove(worker: number): void {
    this.#workers.delete(worker);
  }

  [Symbol.iterator](): Iterator<Told<Replica>> {
    return this.#workers.values();
  }
}

/** How many entries one message has, where a worker is told of what there is. */
const perMessage = 1_000;

function* inParts<Entry>(entries: Iterable<Entry>): Generator<readonly Entry[], undefined> {
  let gathered: Entry[] = [];
  for (const entry of entries) {
    gathered.push(entry);
    if (gathered.length < perMessage) continue;
    yield gathered;
    gathered = [];
  }
  if (gathered.length > 0) yield gathered;
}

/** A worker has been told everything when it resolves. */
export async function followed(follow: () => Promise<boolean>): Promise<void> {
  for (let isMore = true; isMore; ) isMore = await follow();
}
