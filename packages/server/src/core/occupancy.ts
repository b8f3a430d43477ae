/** Tells of channels that get a first subscriber and lose the last, and of users who come online and go: to whoever wants to know. */
import type { Grace, Wait } from './grace.ts';
import type { Lifecycle } from './lifecycle.ts';

/** One kind of thing that begins and ends. */
interface Kind {
  isWanted(): boolean;
  began(key: string): void;
  ended(key: string): void;
}

/** Tells an end only after the grace, and neither end nor beginning where the thing is back in time. */
class Spans {
  readonly #kind: Kind;
  readonly #grace: Grace;
  readonly #ending = new Map<string, Wait>();

  constructor(kind: Kind, grace: Grace) {
    this.#kind = kind;
    this.#grace = grace;
  }

  began(key: string): void {
    const wait = this.#ending.get(key);
    if (wait === undefined) {
      if (this.#kind.isWanted()) this.#kind.began(key);
      return;
    }
    this.#ending.delete(key);
    this.#grace.cancel(wait);
  }

  ended(key: string): void {
    if (!this.#kind.isWanted()) return;
    const wait = this.#grace.wait(() => {
      this.#ending.delete(key);
      this.#kind.ended(key);
    });
    if (wait !== undefined) this.#ending.set(key, wait);
  }
}

/** Is told of first and last ones. */
export interface Comings {
  /** The channel has its first subscriber. */
  occupied(channel: string): void;
  /** Its last subscriber has left. */
  vacated(channel: string): void;
  /** The user has a first session. */
  online(user: string): void;
  /** The user's last session is over. */
  offline(user: string): void;
}

export class Occupancy implements Comings {
  readonly #channels: Spans;
  readonly #users: Spans;

  /** `isPrivate`: channels that nobody hears of. */
  constructor(lifecycle: Lifecycle, grace: Grace, isPrivate: (channel: string) => boolean) {
    const wants = (name: 'channelOccupied' | 'channelVacated' | 'userOnline' | 'userOffline') =>
      lifecycle.wants(name);
    const tell = (name: 'channelOccupied' | 'channelVacated', channel: string): void => {
      if (!isPrivate(channel)) lifecycle.tell(name, { channel });
    };
    const channels: Kind = {
      isWanted: () => wants('channelOccupied') || wants('channelVacated'),
      began: (channel) => tell('channelOccupied', channel),
      ended: (channel) => tell('channelVacated', channel),
    };
    const users: Kind = {
      isWanted: () => wants('userOnline') || wants('userOffline'),
      began: (user) => lifecycle.tell('userOnline', { user }),
      ended: (user) => lifecycle.tell('userOffline', { user }),
    };
    this.#channels = new Spans(channels, grace);
    this.#users = new Spans(users, grace);
  }

  occupied(channel: string): void {
    this.#channels.began(channel);
  }

  vacated(channel: string): void {
    this.#channels.ended(channel);
  }

  online(user: string): void {
    this.#users.began(user);
  }

  offline(user: string): void {
    this.#users.ended(user);
  }
}
