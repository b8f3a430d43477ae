/** How many sessions are subscribed to which channels: of this process, or of all that serve together. */
import type { ChannelQuery } from './broker.ts';
import type { Hub } from './hub.ts';
import { channelMatcher } from './pattern.ts';

export interface Headcount {
  /** Of the channels that were named, in their order. */
  readonly named: readonly number[];
  /** Other channels that have subscribers and fit the query; the first of them by name. */
  readonly others: readonly (readonly [channel: string, sessions: number])[];
}

export interface Headcounts {
  headcount(channels: readonly string[], others: ChannelQuery): Headcount | Promise<Headcount>;
}

/** Of this process. */
export class LocalHeadcounts implements Headcounts {
  readonly #hub: Pick<Hub, 'subscribers' | 'channelNames'>;

  constructor(hub: Pick<Hub, 'subscribers' | 'channelNames'>) {
    this.#hub = hub;
  }

  headcount(channels: readonly string[], others: ChannelQuery): Headcount {
    const hub = this.#hub;
    return {
      named: channels.map((channel) => hub.subscribers(channel)),
      others: this.#others(new Set(channels), others).map((name) => [name, hub.subscribers(name)]),
    };
  }

  #others(known: ReadonlySet<string>, query: ChannelQuery): readonly string[] {
    if (query.limit === 0) return [];
    const matches = channelMatcher(query);
    const names = new FirstNames(query.limit);
    for (const name of this.#hub.channelNames())
      if (this.#hub.subscribers(name) > 0 && !known.has(name) && matches(name)) names.add(name);
    return names.sorted();
  }
}

/** What several found about the same channels, as one. */
export function joined(counts: readonly Headcount[], limit: number): Headcount {
  const others = new Map<string, number>();
  for (const count of counts)
    for (const [channel, sessions] of count.others)
      others.set(channel, sessions + (others.get(channel) ?? 0));
  // Each of them told its first ones, so the first of all are complete.
  const first = [...others].toSorted(([a], [b]) => byName(a, b)).slice(0, limit);
  const [one, ...rest] = counts.map(({ named }) => named);
  return {
    named: (one ?? []).map((count, index) => rest.reduce((sum, more) => sum + (more[index] ?? 0), count)),
    others: first,
  };
}

export function byName(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** The first of many names, without sorting them all. */
class FirstNames {
  readonly #limit: number;
  #names: string[] = [];
  /** None behind it is among the first. */
  #last: string | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(name: string): void {
    if (this.#last !== undefined && name > this.#last) return;
    this.#names.push(name);
    if (this.#names.length >= 2 * this.#limit + 64) this.#cut();
  }

  sorted(): readonly string[] {
    this.#cut();
    return this.#names;
  }

  #cut(): void {
    const isMore = this.#names.length > this.#limit;
    this.#names = this.#names.toSorted(byName).slice(0, this.#limit);
    if (isMore) this.#last = this.#names.at(-1);
  }
}
