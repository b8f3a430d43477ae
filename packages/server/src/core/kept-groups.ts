/** Groups whose users outlive the process. Sessions do not, so neither does their membership. */
import {
  type GroupMember,
  type GroupMembers,
  type GroupStore,
  type ListedGroup,
  type ListedMembers,
  MemoryGroups,
} from './groups.ts';
import type { Keep } from './keep.ts';
import { Lines } from './lines.ts';

export class KeptGroups implements GroupStore {
  readonly #groups = new MemoryGroups();
  readonly #keep: Keep;
  /** Of what changes one membership: the next waits until it is kept. */
  readonly #lines = new Lines();

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

  join(group: string, member: GroupMember): Promise<void> {
    const { user } = member;
    if (user === undefined) return this.#groups.join(group, member);
    const key = keyOf(group, user);
    return this.#lines.run(key, async () => {
      if (this.#groups.has(group, { user })) return;
      await this.#groups.join(group, member);
      try {
        await this.#keep.put('member', key, 'true');
      } catch (error) {
        await this.#groups.leave(group, member);
        throw error;
      }
    });
  }

  leave(group: string, member: GroupMember): Promise<void> {
    const { user } = member;
    return user === undefined ? this.#groups.leave(group, member) : this.#leave(group, user);
  }

  async destroy(group: string): Promise<void> {
    const [members] = await this.#groups.members([group]);
    await Promise.all([...(members?.users ?? [])].map((user) => this.#leave(group, user)));
    await this.#groups.destroy(group);
  }

  forget(session: string): void {
    this.#groups.forget(session);
  }

  members(groups: readonly string[]): Promise<readonly GroupMembers[]> {
    return this.#groups.members(groups);
  }

  listed(group: string, limit: number): Promise<ListedMembers> {
    return this.#groups.listed(group, limit);
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

  #leave(group: string, user: string): Promise<void> {
    const key = keyOf(group, user);
    return this.#lines.run(key, async () => {
      if (!this.#groups.has(group, { user })) return;
      await this.#keep.drop('member', key);
      await this.#groups.leave(group, { user });
    });
  }
}

function keyOf(group: string, user: string): string {
  return JSON.stringify([group, user]);
}
