/** One channel as the application uses it. */
import type { Member, Position, PublishResult, SubscribeResult } from '@carillon/protocol';
import type { Emitter, Listener, Off } from './emitter.ts';
import type { ChannelEvents, SubscribeOptions, SubscriptionState } from './events.ts';
import { dataText } from './frames.ts';
import type { Link } from './link.ts';
import type { Subscription } from './subscription.ts';

/** How a publication is sent. */
export interface PublishOptions {
  /**
   * Publications with the same key are one, for five minutes. By default each call has its own, which covers what
   * the SDK sends again by itself; give one to cover your own retries too.
   */
  readonly idempotencyKey?: string;
}

/** What part of the history is asked for; by default the oldest that is kept. */
export interface HistoryOptions {
  /** Only what comes after this position, or before it with `reverse`. */
  readonly since?: Position;
  /** At most so many. The server has a bound of its own. */
  readonly limit?: number;
  /** The newest first. */
  readonly reverse?: boolean;
}

/** A part of a channel's history. */
export interface History<T> {
  readonly publications: readonly { readonly offset: number; readonly data: T; readonly binary?: true }[];
  /** The channel's newest position. */
  readonly epoch: string;
  readonly offset: number;
}

/** Who is in a channel, in numbers. */
export interface PresenceStats {
  readonly sessions: number;
  /** Each user counts once, however many sessions. */
  readonly users: number;
}

/**
 * Made by {@link Carillon.channel}. `T` is what the application publishes there; nothing checks it at run time.
 *
 * The subscription has three states: `unsubscribed`, `subscribing`, `subscribed`. It comes back by itself after every cut,
 * with the publications that were missed; where some are gone for good, `gap` is told.
 */
export class Channel<T = unknown> {
  /** The channel's name. */
  readonly name: string;
  readonly #link: Link;
  readonly #subscription: Subscription;
  readonly #events: Emitter<ChannelEvents<T>>;

  /** @internal */
  constructor(name: string, link: Link, subscription: Subscription, events: Emitter<ChannelEvents<T>>) {
    this.name = name;
    this.#link = link;
    this.#subscription = subscription;
    this.#events = events;
  }

  /** Where the subscription stands. */
  get state(): SubscriptionState {
    return this.#subscription.state;
  }

  /**
   * The place of the last message received, for `subscribe({ since })` in another page or process. Undefined before the
   * first subscription, and where the channel keeps no history.
   */
  get position(): Position | undefined {
    return this.#subscription.cursor.position;
  }

  /**
   * Listens; the returned function stops it. The first `message` listener subscribes. Removing listeners does not
   * unsubscribe.
   */
  on<K extends keyof ChannelEvents<T>>(event: K, listener: Listener<ChannelEvents<T>, K>): Off {
    const off = this.#events.on(event, listener);
    if (event === 'message' && this.#events.count(event) === 1) {
      this.#link.connection.use();
      this.#subscription.want();
    }
    return off;
  }

  /** Stops listening. */
  off<K extends keyof ChannelEvents<T>>(event: K, listener: Listener<ChannelEvents<T>, K>): void {
    this.#events.off(event, listener);
  }

  /**
   * Resolves once the subscription is in force, at once where it is. It waits for the connection as long as that takes.
   * `since` and `last` count for a new subscription only, so give them in the same task as the first `on`.
   * @throws CarillonError where the server refuses, or the client is closed.
   */
  subscribe(options?: SubscribeOptions): Promise<SubscribeResult> {
    return this.#subscription.subscribe(options);
  }

  /** Ends the subscription; no message comes from here on. Resolves when the server knows. Listeners stay for a next time. */
  unsubscribe(): Promise<void> {
    return this.#subscription.unsubscribe();
  }

  /**
   * Publishes any JSON value; no subscription is needed. Resolves when the server has taken it: with its position, or
   * empty where the channel keeps no history. While there is no connection it waits, and after a cut it is sent again, without
   * being doubled. While this channel is `subscribing`, it waits for that too.
   * @throws CarillonError where the server refuses, the wait is too long, or too many wait. After a time-out it may
   * or may not have been published: publish again with the same `idempotencyKey` to be sure.
   */
  async publish(data: T, options: PublishOptions = {}): Promise<PublishResult> {
    const key = options.idempotencyKey ?? this.#link.outbox.uniqueKey();
    const command = { op: 'publish', channel: this.name, idempotency_key: key };
    return this.#submit(dataText(command, data)) as Promise<PublishResult>;
  }

  /**
   * Reads what the channel keeps.
   * @throws CarillonError where the server refuses or does not answer; 112 where it cannot tell what follows `since`.
   */
  history(options: HistoryOptions = {}): Promise<History<T>> {
    return this.#ask('history', options) as Promise<History<T>>;
  }

  /**
   * In an inbox: this device has everything up to `offset`, by default all that was received. It moves forward only. While there is
   * no connection it waits.
   * @throws CarillonError where the server refuses: 112 where `offset` is none of the channel, 108 where it is no inbox.
   */
  async ack(offset = this.position?.offset): Promise<void> {
    await this.#ask('ack', { offset, epoch: this.position?.epoch });
  }

  /**
   * The sessions that are in the channel, of all clients.
   * @throws CarillonError where the server refuses, 108 where the channel has no presence.
   */
  async presence(): Promise<readonly Member[]> {
    return ((await this.#ask('presence')) as { readonly members: readonly Member[] }).members;
  }

  /** How many they are. @throws CarillonError as `presence()`. */
  presenceStats(): Promise<PresenceStats> {
    return this.#ask('presence_stats') as Promise<PresenceStats>;
  }

  #ask(op: string, query?: object): Promise<unknown> {
    return this.#submit(JSON.stringify({ ...query, op, channel: this.name }));
  }

  // Where publishing is for subscribers only, a publication must not overtake the subscription.
  #submit(command: string): Promise<unknown> {
    return this.#link.outbox.submit(command, () => this.#subscription.state !== 'subscribing');
  }
}
