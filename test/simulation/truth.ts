/** What was really published: every publication in the order in which the broker numbered it. */
import type { Exclusion } from '../../packages/server/src/core/broker.ts';

export interface Fact {
  /** Its place among all publications of its channel, epochs and channels without history included; from 0. */
  readonly place: number;
  readonly epoch: string;
  /** 0 where the channel keeps no history. */
  readonly offset: number;
  readonly exclude: Exclusion | undefined;
}

/** The publications carry names, `channel#n`, by which they are found again on any wire. */
export class Truth {
  readonly #facts = new Map<string, Fact>();
  readonly #channels = new Map<string, { readonly facts: Fact[]; epoch: string; oldest: number }>();
  #named = 0;

  /** A name that no other publication has. */
  newName(channel: string): string {
    this.#named += 1;
    return `${channel}#${this.#named}`;
  }

  /** The broker numbered a publication. */
  add(channel: string, name: string, epoch: string, offset: number, exclude: Exclusion | undefined): void {
    if (this.#facts.has(name)) throw new Error(`${name} was published twice`);
    const { facts } = this.#channel(channel);
    const fact = { place: facts.length, epoch, offset, exclude };
    facts.push(fact);
    this.#facts.set(name, fact);
  }

  /** History now begins at `oldest` of `epoch`; it can only shrink from below. */
  kept(channel: string, epoch: string, oldest: number): void {
    Object.assign(this.#channel(channel), { epoch, oldest });
  }

  /** The oldest offset that is kept; infinity where the epoch is gone as a whole. */
  oldest(channel: string, epoch: string): number {
    const known = this.#channel(channel);
    return known.epoch === epoch ? known.oldest : Number.POSITIVE_INFINITY;
  }

  fact(name: string): Fact {
    const fact = this.#facts.get(name);
    if (fact === undefined) throw new Error(`${name} was never published`);
    return fact;
  }

  channels(): IterableIterator<string> {
    return this.#channels.keys();
  }

  /** Everything of a channel with `from <= key < to`, where the key is the offset within an epoch. */
  offsets(channel: string, epoch: string, from: number, to: number): Fact[] {
    return this.#channel(channel).facts.filter(
      (fact) => fact.epoch === epoch && fact.offset >= from && fact.offset < to,
    );
  }

  places(channel: string, from: number, to: number): Fact[] {
    return this.#channel(channel).facts.slice(Math.max(0, from), Math.max(0, to));
  }

  count(channel: string): number {
    return this.#channel(channel).facts.length;
  }

  #channel(channel: string): { readonly facts: Fact[]; epoch: string; oldest: number } {
    let known = this.#channels.get(channel);
    if (known === undefined) {
      known = { facts: [], epoch: '', oldest: 1 };
      this.#channels.set(channel, known);
    }
    return known;
  }
}
