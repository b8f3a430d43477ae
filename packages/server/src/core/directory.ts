/** Who is there: sessions, users and groups as the server API lists them. */
import { limits } from '@carillon/protocol';
import type { Target } from './addressing.ts';
import type { Census, SessionDetails, SessionSummary, Tally } from './census.ts';
import { refuse } from './errors.ts';
import type { GroupMember, GroupStore } from './groups.ts';

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
  readonly members: readonly GroupMember[];
  readonly counts: GroupCounts;
}

export interface PageQuery {
  /** 0: only the total. At most {@link limits.listedSessions}, which is the default. */
  readonly limit?: number;
  /** As the page before gave it. */
  readonly cursor?: string;
}

export interface DirectoryContext {
  readonly census: Census;
  readonly groups: Pick<GroupStore, 'list' | 'count' | 'listed'>;
}

export class Directory {
  readonly #context: DirectoryContext;

  constructor(context: DirectoryContext) {
    this.#context = context;
  }

  /** The same of others' sessions. */
  of(census: Census): Directory {
    return new Directory({ ...this.#context, census });
  }

  /** In the order of their coming. @throws {ReplyError} 107 a cursor that no page gave. */
  async sessions(to: Target, { limit = limits.listedSessions, cursor }: PageQuery): Promise<SessionPage> {
    const { census } = this.#context;
    const { places, later, total } = await census.places(to, orderOf(cursor), limit);
    return {
      sessions: await census.summaries(places.map(({ session }) => session)),
      total,
      ...(limit > 0 && places.length < later && { cursor: String(places.at(-1)?.order) }),
    };
  }

  /** @throws {ReplyError} 108 (404) there is no such session. */
  session(id: string): Promise<SessionDetails> {
    return this.#context.census.session(id);
  }

  /** The ids of the user's sessions, feeds among them, in the order of their coming; at most {@link limits.listedSessions}. */
  async user(user: string): Promise<readonly string[]> {
    const { places } = await this.#context.census.places({ users: [user] }, 0, limits.listedSessions);
    return places.map(({ session }) => session);
  }

  /** In the order of their making. @throws {ReplyError} 107 a cursor that no page gave. */
  async groups({ limit = limits.listedSessions, cursor }: PageQuery): Promise<GroupPage> {
    const { groups, census } = this.#context;
    const [listed, total] = await Promise.all([groups.list(orderOf(cursor), limit + 1), groups.count()]);
    const page = listed.slice(0, limit);
    const tallies = await census.tally(page.map(({ name }) => name));
    return {
      groups: page.map(({ name, members }, index) => ({
        group: name,
        ...countsOf(members, tallies[index]),
      })),
      total,
      ...(limit > 0 && page.length < listed.length && { cursor: String(page.at(-1)?.order) }),
    };
  }

  /** A group that does not exist has no members. */
  async group(group: string): Promise<GroupDetails> {
    const { groups, census } = this.#context;
    const [{ members, total }, [tally]] = await Promise.all([
      groups.listed(group, limits.listedSessions),
      census.tally([group]),
    ]);
    return { group, members, counts: countsOf(total, tally) };
  }
}

function countsOf(members: number, tally: Tally | undefined): GroupCounts {
  return { members, sessions: tally?.sessions ?? 0, users: tally?.users.size ?? 0 };
}

/** The place that a page's cursor names; 0 without one. @throws {ReplyError} 107 */
export function orderOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[1-9]\d{0,15}$/.test(cursor)) return Number(cursor);
  throw refuse('badRequest', "'cursor' is not one that an earlier page gave; leave it out to begin anew");
}
