/** Groups whose users outlive the process. Sessions do not, so neither does their membership. */
import {
  type GroupMember,
  type GroupMembers,
  type GroupStore,
  type ListedGroup,
  MemoryGroups,
} from './groups.ts';
import type { Keep } from './keep.ts';

export class KeptGroups implements GroupStore {
  readonly #groups = new MemoryGroups();
  readonly #keep: Keep;

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** Takes over everything that was kept. Call before anything else. */
  async load(): Promise<void> {
    for (const key of (await this.#keep.load('member')).keys()) {
      const [group, user] = JSON.parse(key) as [string, string];
      await this.#groups.join(group, { user });
    }
  }

  async join(group: string, member: GroupMember): Promise<void> {
    const { user } = member;
    const isNew = user !== undefined && !(await this.#groups.members(group)).users.has(user);
    await this.#groups.join(group, member);
    if (!isNew) return;
    try {
      await this.#keep.put('member', keyOf(group, user), 'true');
    } catch (error) {
      await this.#groups.leave(group, member);
      throw error;
    }
  }

  async leave(group: string, member: GroupMember): Promise<void> {
    const { user } = member;
    if (user !== undefined && (await this.#groups.members(group)).users.has(user)) {
      await this.#keep.drop('member', keyOf(group, user));
    }
    await this.#groups.leave(group, member);
  }

  async destroy(group: string): Promise<void> {
    const { users } = await this.#groups.members(group);
    await Promise.all([...users].map((user) => this.#keep.drop('member', keyOf(group, user))));
    await this.#groups.destroy(group);
  }

  forget(session: string): void {
    this.#groups.forget(session);
  }

  members(group: string): Promise<GroupMembers> {
    return this.#groups.members(group);
  }

  groupsOf(member: GroupMember): Promise<readonly string[]> {
    return this.#groups.groupsOf(member);
  }

  list(after: number, limit: number): Promise<readonly ListedGroup[]> {
    return this.#groups.list(after, limit);
  }

  count(): Promise<number> {
    return this.#groups.count();
  }
}

function keyOf(group: string, user: string): string {
  return JSON.stringify([group, user]);
}
