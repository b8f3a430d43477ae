/** Who is connected, as lists of sessions are made of it: of this process, or of all that serve together. */
import { type Addressee, noSession } from './addressee.ts';
import type { Addressing, Target } from './addressing.ts';
import type { GroupMembers, GroupStore } from './groups.ts';
import type { Registry } from './registry.ts';
import type { Tags } from './tag-index.ts';
import type { SessionTags } from './tags.ts';

/** A session in a list. */
export interface SessionSummary {
  readonly session: string;
  readonly user?: string;
  readonly info?: unknown;
  readonly tags: Tags;
  /** Names its token, where that has a `jti`. */
  readonly jti?: string;
  /** The name of its wire, for example `websocket/native`. */
  readonly wire: string;
}

export interface SessionDetails extends SessionSummary {
  /** Its own, and those of its user. */
  readonly groups: readonly string[];
  readonly channels: readonly string[];
}

/** A session and its place in the order of coming. */
export interface Place {
  readonly order: number;
  readonly session: string;
}

/** A part of those whom a target means. */
export interface Places {
  /** In the order of their coming. */
  readonly places: readonly Place[];
  /** How many came after the place that was named: these, and more. */
  readonly later: number;
  readonly total: number;
}

/** Those of a group who are connected. */
export interface Tally {
  readonly sessions: number;
  readonly users: ReadonlySet<string>;
}

export interface Census {
  /** Those who came after a place, at most `limit` of them. */
  places(to: Target, after: number, limit: number): Promise<Places>;
  /** What there is to tell of sessions, in their order, without those that are gone. */
  summaries(sessions: readonly string[]): Promise<readonly SessionSummary[]>;
  /** @throws {ReplyError} 108 (404) there is no such session. */
  session(id: string): Promise<SessionDetails>;
  /** Of each of the groups. */
  tally(groups: readonly string[]): Promise<readonly Tally[]>;
}

export interface LocalCensusContext {
  readonly registry: Registry<Addressee>;
  readonly addressing: Addressing;
  readonly groups: GroupStore;
  readonly tags: SessionTags;
}

/** Of this process. */
export class LocalCensus implements Census {
  readonly #context: LocalCensusContext;

  constructor(context: LocalCensusContext) {
    this.#context = context;
  }

  async places(to: Target, after: number, limit: number): Promise<Places> {
    const found = await this.#context.addressing.resolve(to);
    const later = after === 0 ? found : found.filter(({ order }) => order > after);
    // Everybody is kept in this order.
    const ordered = 'all' in to ? later : later.toSorted((a, b) => a.order - b.order);
    const places = ordered.slice(0, limit).map(({ order, id }) => ({ order, session: id }));
    return { places, later: ordered.length, total: found.length };
  }

  async summaries(sessions: readonly string[]): Promise<readonly SessionSummary[]> {
    return sessions
      .map((id) => this.#context.registry.session(id))
      .filter((session) => session !== undefined)
      .map((session) => this.#summary(session));
  }

  async session(id: string): Promise<SessionDetails> {
    const { registry, groups } = this.#context;
    const session = registry.session(id);
    if (session === undefined) throw noSession(id);
    const { user, subscriptions } = session;
    const [own, ofUser] = await Promise.all([
      groups.groupsOf({ session: id }),
      user === undefined ? [] : groups.groupsOf({ user }),
    ]);
    return {
      ...this.#summary(session),
      groups: [...new Set([...own, ...ofUser])],
      channels: subscriptions.map(({ channel }) => channel),
    };
  }

  async tally(groups: readonly string[]): Promise<readonly Tally[]> {
    return (await this.#context.groups.members(groups)).map((members) => this.#tallyOf(members));
  }

  #tallyOf(members: GroupMembers): Tally {
    const sessions = this.#context.addressing.sessionsOf(members);
    const users = new Set<string>();
    for (const { user } of sessions) if (user !== undefined) users.add(user);
    return { sessions: sessions.size, users };
  }

  #summary(session: Addressee): SessionSummary {
    const { id, user, identity, connection } = session;
    const { info, tokenId } = identity;
    return {
      session: id,
      ...(user !== undefined && { user }),
      ...(info !== undefined && { info }),
      ...(tokenId !== undefined && { jti: tokenId }),
      tags: this.#context.tags.of(session),
      wire: connection.wire.name,
    };
  }
}
