/** One channel of one client as React sees it: shared by all components that use it, gone with the last. */
import type { Carillon, Channel, Gap, Message, Reason, Recovery, SubscriptionState } from '@carillon/client';

/** A channel at one moment. It never changes; the next moment is another object. */
export interface ChannelSnapshot<T = unknown> {
  /** The newest messages, oldest first. */
  readonly messages: readonly Message<T>[];
  readonly state: SubscriptionState;
  /** The last time that something was lost for good; where, its offsets say. */
  readonly gap: Gap | undefined;
  /** The last time that everything missed was caught up with. */
  readonly recovered: Recovery | undefined;
  /** Why there is no subscription: the server refused or ended it, or cannot be asked because the client is closed. */
  readonly error: Reason | undefined;
}

/** What a component wants of a channel. */
export interface User {
  readonly last: number | undefined;
  readonly limit: number;
  changed(): void;
  received(data: unknown, message: Message): void;
}

/** Before the first subscription, and on a server that renders pages. */
export const idle: ChannelSnapshot<never> = {
  messages: [],
  state: 'unsubscribed',
  gap: undefined,
  recovered: undefined,
  error: undefined,
};

const stores = new WeakMap<Carillon, Map<string, ChannelStore>>();

/** The channel as it stands; {@link idle} while nobody uses it. */
export function snapshotOf(client: Carillon | undefined, name: string | undefined): ChannelSnapshot {
  return (client && name !== undefined && stores.get(client)?.get(name)?.snapshot) || idle;
}

/** Begins to use a channel; the returned function ends that. */
export function enter(client: Carillon, name: string, user: User): () => void {
  const ofClient = stores.get(client) ?? new Map<string, ChannelStore>();
  stores.set(client, ofClient);
  const store = ofClient.get(name) ?? new ChannelStore(client.channel(name), () => ofClient.delete(name));
  ofClient.set(name, store);
  return store.add(user);
}

class ChannelStore {
  snapshot: ChannelSnapshot = idle;
  readonly #channel: Channel;
  readonly #users = new Set<User>();
  readonly #gone: () => void;
  #offs: (() => void)[] = [];
  #isSettling = false;

  constructor(channel: Channel, gone: () => void) {
    this.#channel = channel;
    this.#gone = gone;
  }

  add(user: User): () => void {
    this.#users.add(user);
    this.#settle();
    return () => {
      this.#users.delete(user);
      this.#settle();
    };
  }

  /**
   * Subscribes or unsubscribes at the end of the task, when all components of one commit have said what they want: one
   * that is mounted twice in StrictMode, or moves from page to page, costs nothing.
   */
  #settle(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    queueMicrotask(() => {
      this.#isSettling = false;
      if (this.#users.size === 0) this.#stop();
      else if (this.#offs.length === 0) this.#start();
    });
  }

  #start(): void {
    const channel = this.#channel;
    // One that the application itself holds already has its beginning behind it.
    const isNew = channel.state === 'unsubscribed';
    const last = isNew ? Math.max(0, ...[...this.#users].map((user) => user.last ?? 0)) : 0;
    this.#offs = [
      channel.on('message', (data, message) => this.#received(data, message)),
      channel.on('gap', (gap) => this.#change({ gap })),
      channel.on('recovered', (recovered) => this.#change({ recovered })),
      channel.on('state', ({ state, reason }) =>
        this.#change({ state, error: state === 'unsubscribed' ? reason : undefined }),
      ),
    ];
    channel.subscribe(last > 0 ? { last } : undefined).catch((error: Reason) => {
      if (this.#offs.length > 0) this.#change({ error });
    });
    this.#change({ state: channel.state });
  }

  #stop(): void {
    for (const off of this.#offs) off();
    if (this.#offs.length > 0) void this.#channel.unsubscribe();
    this.#offs = [];
    this.#gone();
  }

  #received(data: unknown, message: Message): void {
    const limit = Math.max(...[...this.#users].map((user) => user.limit));
    this.#change({ messages: newest([...this.snapshot.messages, message], limit) });
    for (const user of [...this.#users]) {
      try {
        user.received(data, message);
      } catch (error) {
        // As if nobody had caught it, but the other components still hear the message.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #change(part: Partial<ChannelSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    for (const user of [...this.#users]) user.changed();
  }
}

/** The last `limit` of the items; the same list where it has no more. */
export function newest<T>(items: readonly T[], limit: number): readonly T[] {
  return items.length > limit ? items.slice(items.length - limit) : items;
}
