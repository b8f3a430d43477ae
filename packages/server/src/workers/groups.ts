/** Groups of all workers, kept by the primary: what each worker asks of them, and what the primary forgets with a worker. */
import type { Clock } from '../core/clock.ts';
import type { GroupMember, GroupMembers, GroupStore, ListedGroup, ListedMembers } from '../core/groups.ts';
import { inTurns } from '../core/in-turns.ts';
import type { Calls, MethodsOf, Remote, Told } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';
import { sessionIdOf } from './session-ids.ts';

/** The name under which the primary offers them. */
const name = 'groups';
const methods: readonly MethodsOf<GroupStore>[] = [
  ...(['join', 'leave', 'forget', 'destroy'] as const),
  ...(['members', 'listed', 'groupsOf', 'list', 'count'] as const),
];

/** In the primary. */
export class SharedGroups {
  readonly #store: GroupStore;
  readonly #clock: Clock;
  readonly #workers = new Map<number, WorkersGroups>();

  constructor(store: GroupStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  begun({ id, calls }: LinkedWorker): void {
    const groups = new WorkersGroups(id, this.#store);
    this.#workers.set(id, groups);
    calls.offer<GroupStore>(name, groups, methods);
  }

  gone(worker: number): void {
    const groups = this.#workers.get(worker);
    this.#workers.delete(worker);
    // Nobody is asked to send to them any more; only their places are still taken for some turns.
    void inTurns(groups?.joined ?? [], this.#clock, (session) => this.#store.forget(session));
  }
}

/** As one worker sees them: of the members that are sessions, it is told of its own. */
class WorkersGroups implements GroupStore {
  /** Its sessions that joined a group and have not ended. */
  readonly joined = new Set<string>();
  /** Of the names of its sessions. */
  readonly #prefix: string;
  readonly #store: GroupStore;

  constructor(worker: number, store: GroupStore) {
    this.#prefix = sessionIdOf(worker, '');
    this.#store = store;
  }

  join(group: string, member: GroupMember): Promise<void> {
    if (member.session !== undefined) this.joined.add(member.session);
    return this.#store.join(group, member);
  }

  leave(group: string, member: GroupMember): Promise<void> {
    return this.#store.leave(group, member);
  }

  forget(session: string): void {
    this.joined.delete(session);
    this.#store.forget(session);
  }

  destroy(group: string): Promise<void> {
    return this.#store.destroy(group);
  }

  async members(groups: readonly string[]): Promise<readonly GroupMembers[]> {
    const members = await this.#store.members(groups);
    return members.map(({ sessions, users }) => ({ sessions: this.#own(sessions), users }));
  }

  #own(sessions: ReadonlySet<string>): ReadonlySet<string> {
    const own = new Set<string>();
    for (const session of sessions) if (session.startsWith(this.#prefix)) own.add(session);
    return own;
  }

  listed(group: string, limit: number): Promise<ListedMembers> {
    return this.#store.listed(group, limit);
  }

  groupsOf(member: GroupMember): Promise<readonly string[]> {
    return this.#store.groupsOf(member);
  }

  list(after: number, limit: number): Promise<readonly ListedGroup[]> {
    return this.#store.list(after, limit);
  }

  count(): Promise<number> {
    return this.#store.count();
  }
}

/** In a worker. */
export class LinkedGroups implements GroupStore {
  readonly #primary: Remote<GroupStore>;
  readonly #told: Told<GroupStore>;
  /** Most sessions never join a group, and the primary need not hear of their ends. */
  readonly #joined = new Set<string>();

  constructor(calls: Calls) {
    this.#primary = calls.remote<GroupStore>(name);
    this.#told = calls.told<GroupStore>(name);
  }

  join(group: string, member: GroupMember): Promise<void> {
    if (member.session !== undefined) this.#joined.add(member.session);
    return this.#primary.join(group, member);
  }

  leave(group: string, member: GroupMember): Promise<void> {
    return this.#primary.leave(group, member);
  }

  forget(session: string): void {
    if (this.#joined.delete(session)) this.#told.forget(session);
  }

  destroy(group: string): Promise<void> {
    return this.#primary.destroy(group);
  }

  members(groups: readonly string[]): Promise<readonly GroupMembers[]> {
    return this.#primary.members(groups);
  }

  listed(group: string, limit: number): Promise<ListedMembers> {
    return this.#primary.listed(group, limit);
  }

  groupsOf(member: GroupMember): Promise<readonly string[]> {
    return this.#primary.groupsOf(member);
  }

  list(after: number, limit: number): Promise<readonly ListedGroup[]> {
    return this.#primary.list(after, limit);
  }

  count(): Promise<number> {
    return this.#primary.count();
  }
}
