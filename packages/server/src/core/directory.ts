/** Who is there: sessions, users and groups as the server API lists them. */
import { limits } from '@carillon/protocol';
import { type Addressee, noSession } from './addressee.ts';
import type { Addressing, Target } from './addressing.ts';
import { refuse } from './errors.ts';
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

/** `cursor` is there when there is more. */
export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  /** Of all pages together. */
  readonly total: number;
  readonly cursor?: string;
}

export interface GroupCounts {
  /** Sessions and users that joined. */
  readonly members: number;
  /** Sessions that a `send` to the group means now. */
  readonly sessions: number;
  /** Users of these sessions. */
  readonly users: number;
}

export interface GroupPage {
  readonly groups: readonly ({ readonly group: string } & GroupCounts)[];
  readonly total: number;
  readonly cursor?: string;
}

export interface GroupDetails {
  readonly group: string;
  /** As they joined; at most {@link limits.listedSessions}. */
  readonly members: readonly ({ readonly session: string } | { readonly user: string })[];
  readonly counts: GroupCounts;
}

export interface PageQuery {
  /** 0: only the total. At most {@link limits.listedSessions}, which is the default. */
  readonly limit?: number;
  /** As the page before gave it. */
  readonly cursor?: string;
}

export interface DirectoryContext {
  readonly registry: Registry<Addressee>;
  readonly addressing: Addressing;
  readonly groups: GroupStore;
  readonly tags: SessionTags;
}

export class Directory {
  readonly #context: DirectoryContext;

  constructor(context: DirectoryContext) {
    this.#context = context;
  }

  /** In the order of their coming. @throws {ReplyError} 107 a cursor that no page gave. */
  async sessions(to: Target, { limit = limits.listedSessions, cursor }: PageQuery): Promise<SessionPage> {
    const after = orderOf(cursor);
    const found = await this.#context.addressing.resolve(to);
    const later = after === 0 ? found : found.filter(({ order }) => order > after);
    // Everybody is kept in this order.
    const ordered = 'all' in to ? later : later.toSorted((a, b) => a.order - b.order);
    const page = ordered.slice(0, limit);
    return {
      sessions: page.map((session) => this.#summary(session)),
      total: found.length,
      ...(limit > 0 && page.length < ordered.length && { cursor: String(page.at(-1)?.order) }),
    };
  }

  /** @throws {ReplyError} 108 (404) there is no such session. */
  async session(id: string): Promise<SessionDetails> {
    const { registry, groups } = this.#context;
    const session = registry.session(id);
    if (session === undefined) throw noSession(id);
    const { user, subscriptions } = session;
    const own = await groups.groupsOf({ session: id });
    const ofUser = user === undefined ? [] : await groups.groupsOf({ user });
    return {
      ...this.#summary(session),
      groups: [...new Set([...own, ...ofUser])],
      channels: subscriptions.map(({ channel }) => channel),
    };
  }

  /** The ids of the user's sessions, feeds among them; at most {@link limits.listedSessions}. */
  user(user: string): readonly string[] {
    const ids: string[] = [];
    for (const { id } of this.#context.registry.user(user)) {
      if (ids.length === limits.listedSessions) break;
      ids.push(id);
    }
    return ids;
  }

  /** In the order of their making. @throws {ReplyError} 107 a cursor that no page gave. */
  async groups({ limit = limits.listedSessions, cursor }: PageQuery): Promise<GroupPage> {
    const { groups } = this.#context;
    const [listed, total] = await Promise.all([groups.list(orderOf(cursor), limit + 1), groups.count()]);
    const page = listed.slice(0, limit);
    return {
      groups: page.map((group) => ({ group: group.name, ...this.#counts(group) })),
      total,
      ...(limit > 0 && page.length < listed.length && { cursor: String(page.at(-1)?.order) }),
    };
  }

  /** A group that does not exist has no members. */
  async group(group: string): Promise<GroupDetails> {
    const members = await this.#context.groups.members(group);
    const listed: ({ session: string } | { user: string })[] = [];
    for (const user of members.users) if (listed.length < limits.listedSessions) listed.push({ user });
    for (const session of members.sessions)
      if (listed.length < limits.listedSessions) listed.push({ session });
    return { group, members: listed, counts: this.#counts(members) };
  }

  #counts(members: GroupMembers): GroupCounts {
    const sessions = this.#context.addressing.sessionsOf(members);
    const users = new Set<string>();
    for (const { user } of sessions) if (user !== undefined) users.add(user);
    return {
      members: members.sessions.size + members.users.size,
      sessions: sessions.size,
      users: users.size,
    };
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

/** The place that a page's cursor names; 0 without one. @throws {ReplyError} 107 */
export function orderOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[1-9]\d{0,15}$/.test(cursor)) return Number(cursor);
  throw refuse('badRequest', "'cursor' is not one that an earlier page gave; leave it out to begin anew");
}
