/** Groups: sets of sessions and users that the server side keeps. */
import { limits } from '@carillon/protocol';
import { refuse } from './errors.ts';

/** A session is a member until it ends; a user, online or not, until it leaves or the group is destroyed. */
export type GroupMember =
  | { readonly session: string; readonly user?: never }
  | { readonly user: string; readonly session?: never };

export interface GroupMembers {
  /** Ids. */
  readonly sessions: ReadonlySet<string>;
  readonly users: ReadonlySet<string>;
}

export interface ListedGroup {
  readonly name: string;
  /** Its place in the order of the groups' making. */
  readonly order: number;
  /** How many sessions and users it has. */
  readonly members: number;
}

export interface ListedMembers {
  readonly members: readonly GroupMember[];
  /** How many there are, also where these are not all. */
  readonly total: number;
}

/** Where groups are kept. A group exists as long as it has a member. */
export interface GroupStore {
  /** Joining twice is joining once. @throws {ReplyError} 106 too many groups or memberships. */
  join(group: string, member: GroupMember): Promise<void>;
  leave(group: string, member: GroupMember): Promise<void>;
  /** A session has ended. */
  forget(session: string): void;
  destroy(group: string): Promise<void>;
  /** Of each of the groups; none where there is no such group. A store that several processes share may leave out the sessions of the others. */
  members(groups: readonly string[]): Promise<readonly GroupMembers[]>;
  /** Users first, then sessions, each as they joined; at most `limit`. */
  listed(group: string, limit: number): Promise<ListedMembers>;
  groupsOf(member: GroupMember): Promise<readonly string[]>;
  /** In the order of their making, from the one after `after`; at most `limit`. */
  list(after: number, limit: number): Promise<readonly ListedGroup[]>;
  count(): Promise<number>;
}

interface Group {
  readonly name: string;
  readonly order: number;
  readonly sessions: Set<string>;
  readonly users: Set<string>;
}

type Memberships = Map<string, Set<Group>>;

const empty: GroupMembers = { sessions: new Set(), users: new Set() };

/** In this process, for as long as it lives. */
export class MemoryGroups implements GroupStore {
  readonly #groups = new Map<string, Group>();
  readonly #ofSessions: Memberships = new Map();
  readonly #ofUsers: Memberships = new Map();
  #made = 0;
  #memberships = 0;

  async join(name: string, member: GroupMember): Promise<void> {
    const group = this.#groups.get(name);
    const key = keyOf(member);
    if (group !== undefined && membersOf(group, member).has(key)) return;
    if (this.#memberships >= limits.groupMemberships) {
      throw refuse('limitExceeded', `all groups together have at most ${limits.groupMemberships} members`);
    }
    const joined = group ?? this.#make(name);
    membersOf(joined, member).add(key);
    this.#memberships += 1;
    const memberships = this.#membershipsOf(member);
    const groups = memberships.get(key);
    if (groups === undefined) memberships.set(key, new Set([joined]));
    else groups.add(joined);
  }

  async leave(name: string, member: GroupMember): Promise<void> {
    const group = this.#groups.get(name);
    if (group !== undefined) this.#part(group, member);
  }

  forget(session: string): void {
    for (const group of this.#ofSessions.get(session) ?? []) this.#part(group, { session });
  }

  async destroy(name: string): Promise<void> {
    const group = this.#groups.get(name);
    if (group === undefined) return;
    for (const session of group.sessions) this.#part(group, { session });
    for (const user of group.users) this.#part(group, { user });
  }

  async members(names: readonly string[]): Promise<readonly GroupMembers[]> {
    return names.map((name) => this.#groups.get(name) ?? empty);
  }

  async listed(name: string, limit: number): Promise<ListedMembers> {
    const { sessions, users } = this.#groups.get(name) ?? empty;
    const members: GroupMember[] = [];
    for (const user of users) if (members.length < limit) members.push({ user });
    for (const session of sessions) if (members.length < limit) members.push({ session });
    return { members, total: sizeOf({ sessions, users }) };
  }

  has(name: string, member: GroupMember): boolean {
    const group = this.#groups.get(name);
    return group !== undefined && membersOf(group, member).has(keyOf(member));
  }

  async groupsOf(member: GroupMember): Promise<readonly string[]> {
    return [...(this.#membershipsOf(member).get(keyOf(member)) ?? [])].map(({ name }) => name);
  }

  async list(after: number, limit: number): Promise<readonly ListedGroup[]> {
    const listed: ListedGroup[] = [];
    for (const group of this.#groups.values()) {
      if (listed.length === limit) break;
      const { name, order } = group;
      if (order > after) listed.push({ name, order, members: sizeOf(group) });
    }
    return listed;
  }

  async count(): Promise<number> {
    return this.#groups.size;
  }

  #make(name: string): Group {
    if (this.#groups.size >= limits.groups) {
      throw refuse('limitExceeded', `there may be ${limits.groups} groups; destroy some first`);
    }
    const group = { name, order: ++this.#made, sessions: new Set<string>(), users: new Set<string>() };
    this.#groups.set(name, group);
    return group;
  }

  #part(group: Group, member: GroupMember): void {
    const key = keyOf(member);
    if (!membersOf(group, member).delete(key)) return;
    this.#memberships -= 1;
    const memberships = this.#membershipsOf(member);
    const groups = memberships.get(key);
    groups?.delete(group);
    if (groups?.size === 0) memberships.delete(key);
    if (sizeOf(group) === 0) this.#groups.delete(group.name);
  }

  #membershipsOf({ user }: GroupMember): Memberships {
    return user === undefined ? this.#ofSessions : this.#ofUsers;
  }
}

function sizeOf({ sessions, users }: GroupMembers): number {
  return sessions.size + users.size;
}

function keyOf(member: GroupMember): string {
  return member.user ?? member.session;
}

function membersOf(group: Group, { user }: GroupMember): Set<string> {
  return user === undefined ? group.sessions : group.users;
}
