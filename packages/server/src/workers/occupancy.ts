/** Which channels have subscribers and which users sessions, at any worker: each tells of its own first and last, the primary counts. */
import type { Comings } from '../core/occupancy.ts';
import type { Calls, MethodsOf } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

const offered: readonly MethodsOf<Comings>[] = ['occupied', 'vacated', 'online', 'offline'];

/** A worker's: what is told there goes to the primary. */
export function linkedComings(calls: Calls): Comings {
  return calls.told<Comings>('comings');
}

/** The primary's: tells of the first and the last of all workers. */
export class SharedComings {
  readonly #comings: Comings;
  readonly #channels = new Holders();
  readonly #users = new Holders();

  constructor(comings: Comings) {
    this.#comings = comings;
  }

  /** Channels that somebody is subscribed to. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Users who have a session. */
  get users(): number {
    return this.#users.size;
  }

  begun({ id, calls }: LinkedWorker): void {
    const comings = this.#comings;
    const its: Comings = {
      occupied: (channel) => {
        if (this.#channels.add(channel, id)) comings.occupied(channel);
      },
      vacated: (channel) => {
        if (this.#channels.remove(channel, id)) comings.vacated(channel);
      },
      online: (user) => {
        if (this.#users.add(user, id)) comings.online(user);
      },
      offline: (user) => {
        if (this.#users.remove(user, id)) comings.offline(user);
      },
    };
    calls.offer<Comings>('comings', its, offered);
  }

  /** All that it had ends, and may begin at another worker soon. */
  gone(id: number): void {
    for (const channel of this.#channels.drop(id)) this.#comings.vacated(channel);
    for (const user of this.#users.drop(id)) this.#comings.offline(user);
  }
}

/** The workers that have something, by its name. Most things are at a single worker, and must cost little. */
class Holders {
  readonly #holders = new Map<string, number | Set<number>>();

  get size(): number {
    return this.#holders.size;
  }

  /** Whether it is the first one. */
  add(name: string, worker: number): boolean {
    const there = this.#holders.get(name);
    if (there === undefined) this.#holders.set(name, worker);
    else if (typeof there !== 'number') there.add(worker);
    else if (there !== worker) this.#holders.set(name, new Set([there, worker]));
    return there === undefined;
  }

  /** Whether it was the last one. */
  remove(name: string, worker: number): boolean {
    const there = this.#holders.get(name);
    if (there === undefined) return false;
    const isLast = typeof there === 'number' ? there === worker : there.delete(worker) && there.size === 0;
    if (isLast) this.#holders.delete(name);
    return isLast;
  }

  /** Takes the worker out everywhere. Yields that of which it was the last one. */
  *drop(worker: number): Generator<string> {
    for (const name of this.#holders.keys()) if (this.remove(name, worker)) yield name;
  }
}
