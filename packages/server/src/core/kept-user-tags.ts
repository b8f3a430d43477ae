/** Tags of users that outlive the process. */
import type { Keep } from './keep.ts';
import { MemoryUserTags, type TagChanges, type UserTags } from './tags.ts';

export class KeptUserTags implements UserTags {
  readonly #tags = new MemoryUserTags();
  readonly #keep: Keep;

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** Takes over everything that was kept. Call before anything else. */
  async load(): Promise<void> {
    for (const [user, text] of await this.#keep.load('tags')) this.#tags.set(user, changesOf(text));
  }

  get(user: string): TagChanges | undefined {
    return this.#tags.get(user);
  }

  set(user: string, changes: TagChanges): Promise<void> {
    this.#tags.set(user, changes);
    if (changes.size === 0) return this.#keep.drop('tags', user);
    // A tag that is hidden has no value, which JSON says with `null`.
    const entries = [...changes].map(([name, value]) => [name, value ?? null]);
    return this.#keep.put('tags', user, JSON.stringify(entries));
  }
}

function changesOf(text: string): TagChanges {
  const entries = JSON.parse(text) as [string, string | number | boolean | null][];
  return new Map(entries.map(([name, value]) => [name, value ?? undefined]));
}
