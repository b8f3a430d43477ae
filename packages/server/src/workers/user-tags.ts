/** Tags of users across workers: the primary has them, and each worker a copy for its own sessions. */
import type { TagChanges, UserTags, UserTagsWatcher } from '../core/tags.ts';
import type { Calls, Remote } from '../link/calls.ts';
import type { Peers } from './peers.ts';
import type { Everywhere, LinkedWorker, Relay } from './relay.ts';
import { followed, Replicas } from './replicas.ts';

/** Both ends offer their part under this name. */
const name = 'userTags';

/** What was said of a user. */
type Entry = readonly [user: string, changes: TagChanges];

/** What workers ask of the primary. */
interface Master {
  /** The worker is told everything from its first call on: call until it answers false. */
  follow(): boolean;
  change(user: string, changes: TagChanges, idle: ReadonlySet<string>): Promise<void>;
}

/** What the primary tells workers, and workers ask of each other. */
interface Replica extends Pick<UserTagsWatcher, 'inTokens'> {
  said(entries: readonly Entry[]): void;
  /** Answered when everything that was said before is in force. */
  settled(): void;
}

/** A worker's copy. */
export class LinkedUserTags implements UserTags {
  readonly #tags = new Map<string, TagChanges>();
  readonly #calls: Calls;
  readonly #peers: Peers;
  readonly #master: Remote<Master>;
  #watcher: UserTagsWatcher | undefined;

  constructor(calls: Calls, peers: Peers) {
    this.#calls = calls;
    this.#peers = peers;
    this.#master = calls.remote<Master>(name);
  }

  /** Everything that was said is in force when it resolves, and what is said later is from then on. */
  async load(): Promise<void> {
    const replica: Replica = {
      said: (entries) => this.#said(entries),
      inTokens: (user, names) => this.#watcher?.inTokens(user, names) ?? [],
      settled: () => {},
    };
    this.#calls.offer(name, replica, ['said', 'inTokens', 'settled']);
    await followed(() => this.#master.follow());
  }

  get(user: string): TagChanges | undefined {
    return this.#tags.get(user);
  }

  all(): Iterable<Entry> {
    return this.#tags;
  }

  watch(watcher: UserTagsWatcher): void {
    this.#watcher = watcher;
  }

  /** What hides nothing here may hide something at another worker. */
  async change(user: string, changes: TagChanges, idle: ReadonlySet<string>): Promise<void> {
    const others = this.#peers.everywhere<Replica>(name);
    const found = idle.size === 0 ? [] : (await others.inTokens(user, [...idle])).flat();
    await this.#master.change(user, changes, new Set([...idle].filter((tag) => !found.includes(tag))));
  }

  #said(entries: readonly Entry[]): void {
    for (const [user, changes] of entries) {
      if (changes.size === 0) this.#tags.delete(user);
      else this.#tags.set(user, changes);
      this.#watcher?.changed(user);
    }
  }
}

/** The primary's part. */
export class SharedUserTags {
  readonly #tags: UserTags;
  readonly #everywhere: Everywhere<Replica>;
  readonly #replicas = new Replicas<Replica>(name);

  constructor(tags: UserTags, relay: Pick<Relay, 'all'>) {
    this.#tags = tags;
    this.#everywhere = relay.all<Replica>(name);
    // No session is here.
    tags.watch({ changed: (user) => this.#tell(user), inTokens: () => [] });
  }

  begun(worker: LinkedWorker): void {
    const master: Master = {
      follow: this.#replicas.following(worker, this.#tags.all(), (replica, part) => replica.said(part)),
      change: (user, changes, idle) => this.#change(user, changes, idle),
    };
    worker.calls.offer(name, master, ['follow', 'change']);
  }

  gone(worker: number): void {
    this.#replicas.remove(worker);
  }

  /** In force at every worker when it resolves. */
  async #change(user: string, changes: TagChanges, idle: ReadonlySet<string>): Promise<void> {
    const kept = Promise.resolve(this.#tags.change(user, changes, idle));
    // It is in force before anybody hears that it cannot be kept.
    kept.catch(() => undefined);
    await this.#everywhere.settled();
    await kept;
  }

  #tell(user: string): void {
    const entry: Entry = [user, this.#tags.get(user) ?? new Map()];
    for (const replica of this.#replicas) replica.said([entry]);
  }
}
