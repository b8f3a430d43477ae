/** The stores of groups, tags of users, cursors of inboxes and blocks: in this process, and where there is such a place, beyond it. */
import type { BlockStore } from './blocks.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './figures.ts';
import { type GroupStore, MemoryGroups } from './groups.ts';
import { type InboxStore, MemoryInboxes } from './inbox-store.ts';
import type { Keep } from './keep.ts';
import { KeptBlocks } from './kept-blocks.ts';
import { KeptGroups } from './kept-groups.ts';
import { KeptInboxes } from './kept-inboxes.ts';
import { KeptUserTags } from './kept-user-tags.ts';
import { MemoryUserTags, type UserTags } from './tags.ts';

export interface Stores {
  readonly groups: GroupStore;
  readonly userTags: UserTags;
  readonly inboxes: InboxStore;
  /** Absent: a restart forgets who is blocked. */
  readonly blockStore?: BlockStore;
  /** Takes over what was kept. Call before the first client comes. */
  load(): Promise<void>;
}

/** Without a `keep` nothing outlives the process. */
export function createStores(keep: Keep | undefined, clock: Clock, counters: Counters): Stores {
  const memory = new MemoryInboxes(clock, counters);
  if (keep === undefined) {
    return {
      groups: new MemoryGroups(),
      userTags: new MemoryUserTags(),
      inboxes: memory,
      load: () => Promise.resolve(),
    };
  }
  const [groups, userTags] = [new KeptGroups(keep), new KeptUserTags(keep)];
  const inboxes = new KeptInboxes(memory, keep);
  return {
    groups,
    userTags,
    inboxes,
    blockStore: new KeptBlocks(keep),
    load: async () => {
      await Promise.all([groups.load(), userTags.load(), inboxes.load()]);
    },
  };
}
