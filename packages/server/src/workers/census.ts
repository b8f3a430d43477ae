/** The sessions of all workers in one list, and how many of them are where. */
import { limits } from '@carillon/protocol';
import type { Target } from '../core/addressing.ts';
import type { ChannelQuery } from '../core/broker.ts';
import type { Census, Places, SessionDetails, SessionSummary, Tally } from '../core/census.ts';
import { type Headcount, type Headcounts, joined } from '../core/headcount.ts';
import type { Peers } from './peers.ts';
import type { Everywhere } from './relay.ts';
import { workerOf } from './session-ids.ts';
import { ifThere, sum } from './spread.ts';

/** The names under which workers offer theirs. */
export const censusName = 'census';
export const headcountsName = 'headcounts';

export class SpreadCensus implements Census {
  readonly #peers: Peers;

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  async places(to: Target, after: number, limit: number): Promise<Places> {
    const parts = await this.#everywhere().places(to, after, limit);
    const places = parts.flatMap((part) => part.places).toSorted((a, b) => a.order - b.order);
    return {
      places: places.slice(0, limit),
      later: sum(parts.map(({ later }) => later)),
      total: sum(parts.map(({ total }) => total)),
    };
  }

  async summaries(sessions: readonly string[]): Promise<readonly SessionSummary[]> {
    const asked = [...Map.groupBy(sessions, workerOf).values()].map((own) =>
      ifThere(this.#peers.at<Census>(own[0] ?? '', censusName).summaries(own), []),
    );
    const found = new Map((await Promise.all(asked)).flat().map((summary) => [summary.session, summary]));
    return sessions.map((session) => found.get(session)).filter((summary) => summary !== undefined);
  }

  session(id: string): Promise<SessionDetails> {
    return this.#peers.at<Census>(id, censusName).session(id);
  }

  /** In parts: a worker names the users whom it has, so that one whom several have counts once. */
  async tally(groups: readonly string[]): Promise<readonly Tally[]> {
    const tallies: Tally[] = [];
    for (let from = 0; from < groups.length; from += limits.talliedGroups) {
      const part = groups.slice(from, from + limits.talliedGroups);
      const found = await this.#everywhere().tally(part);
      tallies.push(...part.map((_, index) => together(found.map((one) => one[index] ?? nobody))));
    }
    return tallies;
  }

  #everywhere(): Everywhere<Census> {
    return this.#peers.everywhere<Census>(censusName);
  }
}

export class SpreadHeadcounts implements Headcounts {
  readonly #peers: Peers;

  constructor(peers: Peers) {
    this.#peers = peers;
  }

  async headcount(channels: readonly string[], others: ChannelQuery): Promise<Headcount> {
    const counts = await this.#peers.everywhere<Headcounts>(headcountsName).headcount(channels, others);
    return joined(counts, others.limit);
  }

  /** Sessions that are subscribed to one channel. */
  async subscribers(channel: string): Promise<number> {
    const { named } = await this.headcount([channel], { pattern: '*', limit: 0 });
    return sum(named);
  }
}

const nobody: Tally = { sessions: 0, users: new Set() };

function together(tallies: readonly Tally[]): Tally {
  const users = new Set<string>();
  for (const tally of tallies) for (const user of tally.users) users.add(user);
  return { sessions: sum(tallies.map(({ sessions }) => sessions)), users };
}
