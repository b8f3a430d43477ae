/** The tags of sessions: what their tokens say, what was said of their users, and what was said of themselves, the last of them first. */
import { limits } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import { refuse } from './errors.ts';
import type { RegistryWatcher } from './registry.ts';
import { TagIndex, type Tags } from './tag-index.ts';
import type { Where } from './where.ts';

/** What the server side said: a value, or undefined for a tag of the token that is not to hold. */
export type TagChanges = ReadonlyMap<string, Tags[string] | undefined>;

/** What was said of users, whether they are online or not. */
export interface UserTags {
  get(user: string): TagChanges | undefined;
  /** Of every user of whom something was said; what is said while one goes through it is in it, too. */
  all(): Iterable<readonly [user: string, changes: TagChanges]>;
  /**
   * Comes on top of what was said of the user before. `idle`: the tags whose hiding hides nothing, as far as the sessions show that
   * ask. In force for these at once, for all when it resolves. @throws {ReplyError} 106 too many tags, or too many users with tags;
   * 108 it is in force, but would not outlive a restart.
   */
  change(user: string, changes: TagChanges, idle: ReadonlySet<string>): void | Promise<void>;
  /** Before anything is changed; there is one watcher. */
  watch(watcher: UserTagsWatcher): void;
}

/** Whoever has sessions that the tags are for. */
export interface UserTagsWatcher {
  /** Something else holds for the user from now on. */
  changed(user: string): void;
  /** Those of the names that the token of any of the user's sessions has. */
  inTokens(user: string, names: readonly string[]): readonly string[];
}

export class MemoryUserTags implements UserTags {
  readonly #users = new Map<string, TagChanges>();
  #watcher: Pick<UserTagsWatcher, 'changed'> | undefined;

  get(user: string): TagChanges | undefined {
    return this.#users.get(user);
  }

  all(): Iterable<readonly [user: string, changes: TagChanges]> {
    return this.#users;
  }

  change(user: string, changes: TagChanges, idle: ReadonlySet<string>): void {
    const all = new Map([...(this.#users.get(user) ?? []), ...changes]);
    this.put(user, bounded(withoutIdle(all, (name) => !idle.has(name))));
    this.#watcher?.changed(user);
  }

  /** In place of what was said of the user before. Nobody is told. @throws {ReplyError} 106 too many users have tags. */
  put(user: string, changes: TagChanges): void {
    if (changes.size === 0) {
      this.#users.delete(user);
      return;
    }
    if (!this.#users.has(user) && this.#users.size >= limits.taggedUsers) {
      throw refuse('limitExceeded', `at most ${limits.taggedUsers} users may have tags; untag some first`);
    }
    this.#users.set(user, changes);
  }

  watch(watcher: Pick<UserTagsWatcher, 'changed'>): void {
    this.#watcher = watcher;
  }
}

export class SessionTags implements RegistryWatcher<Addressee>, UserTagsWatcher {
  readonly #index = new TagIndex<Addressee>();
  readonly #users: UserTags;
  readonly #online: (user: string) => Iterable<Addressee>;
  readonly #sessions = new Map<Addressee, TagChanges>();

  /** `online`: the sessions of a user. */
  constructor(users: UserTags, online: (user: string) => Iterable<Addressee>) {
    this.#users = users;
    this.#online = online;
    users.watch(this);
  }

  /** What holds for the session now. */
  of(session: Addressee): Tags {
    return this.#index.tags(session) ?? {};
  }

  select(where: Where, everybody: Iterable<Addressee>): Addressee[] {
    return this.#index.select(where, everybody);
  }

  /** @throws {ReplyError} 106 too many tags. */
  tag(session: Addressee, tags: Tags): void {
    this.#change(session, new Map(Object.entries(tags)));
  }

  /** What the token, or what was said of the user, still has is hidden for as long as that is so. */
  untag(session: Addressee, names: Iterable<string>): void {
    this.#change(session, hidden(names));
  }

  /** As {@link UserTags.change}. */
  tagUser(user: string, tags: Tags): void | Promise<void> {
    return this.#changeUser(user, new Map(Object.entries(tags)));
  }

  untagUser(user: string, names: Iterable<string>): void | Promise<void> {
    return this.#changeUser(user, hidden(names));
  }

  changed(user: string): void {
    for (const session of this.#online(user)) this.identified(session);
  }

  inTokens(user: string, names: readonly string[]): readonly string[] {
    const tokens = [...this.#online(user)].map(({ identity }) => identity.tags ?? none);
    return names.filter((name) => tokens.some((tags) => Object.hasOwn(tags, name)));
  }

  identified(session: Addressee): void {
    const below = this.#withoutOwn(session);
    const own = this.#sessions.get(session);
    const needed = own && withoutIdle(own, (name) => Object.hasOwn(below, name));
    if (needed !== undefined) this.#keep(session, needed);
    this.#index.set(session, merged(below, needed));
  }

  gone(session: Addressee): void {
    this.#index.set(session, undefined);
    this.#sessions.delete(session);
  }

  #change(session: Addressee, changes: TagChanges): void {
    const below = this.#withoutOwn(session);
    const all = new Map([...(this.#sessions.get(session) ?? []), ...changes]);
    this.#keep(session, bounded(withoutIdle(all, (name) => Object.hasOwn(below, name))));
    this.identified(session);
  }

  #keep(session: Addressee, changes: TagChanges): void {
    if (changes.size === 0) this.#sessions.delete(session);
    else this.#sessions.set(session, changes);
  }

  #changeUser(user: string, changes: TagChanges): void | Promise<void> {
    const all = new Map([...(this.#users.get(user) ?? []), ...changes]);
    const hiding = [...all].filter(([, value]) => value === undefined).map(([name]) => name);
    const found = this.inTokens(user, hiding);
    return this.#users.change(user, changes, new Set(hiding.filter((name) => !found.includes(name))));
  }

  #withoutOwn({ identity, user }: Addressee): Tags {
    return merged(identity.tags ?? none, user === undefined ? undefined : this.#users.get(user));
  }
}

const none: Tags = Object.freeze({});

/** The same object where nothing changes: most sessions have what their token says. */
function merged(tags: Tags, changes: TagChanges | undefined): Tags {
  if (changes === undefined || changes.size === 0) return tags;
  const values = new Map<string, Tags[string] | undefined>([...Object.entries(tags), ...changes]);
  const held = [...values].filter((entry): entry is [string, Tags[string]] => entry[1] !== undefined);
  return Object.fromEntries(held);
}

function hidden(names: Iterable<string>): TagChanges {
  return new Map([...names].map((name) => [name, undefined]));
}

/** Without what hides nothing. */
function withoutIdle(changes: TagChanges, isThere: (name: string) => boolean): TagChanges {
  return new Map([...changes].filter(([name, value]) => value !== undefined || isThere(name)));
}

function bounded(changes: TagChanges): TagChanges {
  if (changes.size <= limits.tags) return changes;
  throw refuse(
    'limitExceeded',
    `a session or a user has at most ${limits.tags} tags besides its token's; untag some first`,
  );
}
