/** Tags of users that outlive the process. */
import type { Keep } from './keep.ts';
import { MemoryUserTags, type TagChanges, type UserTags, type UserTagsWatcher } from './tags.ts';

export class KeptUserTags implements UserTags {
  readonly #tags = new MemoryUserTags();
  readonly #keep: Keep;

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** Takes over everything that was kept. Call before anything else. */
  async load(): Promise<void> {
    for (const [user, text] of await this.#keep.load('tags')) this.#tags.put(user, changesOf(text));
  }

  get(user: string): TagChanges | undefined {
    return this.#tags.get(user);
  }

  all(): Iterable<readonly [user: string, changes: TagChanges]> {
    return this.#tags.all();
  }

  watch(watcher: Pick<UserTagsWatcher, 'changed'>): void {
    this.#tags.watch(watcher);
  }

  change(user: string, changes: TagChanges, idle: ReadonlySet<string>): Promise<void> {
    this.#tags.change(user, changes, idle);
    const all = this.#tags.get(user);
    if (all === undefined) return this.#keep.drop('tags', user);
    // A tag that is hidden has no value, which JSON says with `null`.
    const entries = [...all].map(([name, value]) => [name, value ?? null]);
    return this.#keep.put('tags', user, JSON.stringify(entries));
  }
}

function changesOf(text: string): TagChanges {
  const entries = JSON.parse(text) as [string, string | number | boolean | null][];
  return new Map(entries.map(([name, value]) => [name, value ?? undefined]));
}
