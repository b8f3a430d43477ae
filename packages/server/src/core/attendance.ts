/** Sees clients come into channels and leave them, and tells those who keep account of it: presence and occupancy. */
import { limits } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { Addressee } from './addressee.ts';
import type { Clock } from './clock.ts';
import type { Counters } from './figures.ts';
import { Grace } from './grace.ts';
import type { Hub } from './hub.ts';
import type { Lifecycle } from './lifecycle.ts';
import { MemoryPresence } from './memory-presence.ts';
import { type Comings, Occupancy } from './occupancy.ts';
import { type Attendee, Presence } from './presence.ts';
import type { PresenceStore } from './presence-store.ts';
import type { Registry } from './registry.ts';
import type { Rules } from './rules.ts';
import type { Subscription } from './subscription.ts';

/** Where the account is kept. */
export interface Books {
  readonly members: PresenceStore;
  readonly comings: Comings;
}

export interface AttendanceOptions {
  readonly hub: Hub;
  readonly registry: Registry<Addressee>;
  readonly rules: Rules;
  readonly lifecycle: Lifecycle;
  readonly counters: Counters;
  readonly clock: Clock;
  /** How long a client that is gone is waited for before that is told, in milliseconds; 5 s by default. */
  readonly graceMs?: number | undefined;
  /** In this process by default. */
  readonly books?: Books | undefined;
}

/** The account of one server: kept in this process, and told by it. */
export class OwnBooks implements Books {
  readonly members: MemoryPresence;
  readonly comings: Occupancy;

  constructor({
    rules,
    lifecycle,
    counters,
    clock,
    graceMs = limits.graceMs,
  }: Omit<AttendanceOptions, 'hub' | 'registry' | 'books'>) {
    const grace = new Grace(clock, graceMs);
    this.members = new MemoryPresence(grace, counters);
    this.comings = new Occupancy(lifecycle, grace, (channel) => rules.find(channel)?.isSecret === true);
  }
}

export class Attendance {
  readonly presence: Presence;
  readonly #hub: Hub;
  readonly #registry: Registry<Addressee>;
  readonly #members: PresenceStore;
  readonly #comings: Comings;

  constructor(options: AttendanceOptions) {
    const { hub, registry, rules, counters } = options;
    const { members, comings } = options.books ?? new OwnBooks(options);
    this.#hub = hub;
    this.#registry = registry;
    this.#members = members;
    this.#comings = comings;
    this.presence = new Presence({ store: members, rules, hub, counters });
    registry.watch({
      identified: (session, previous) => this.#identified(session, previous),
      gone: ({ user }) => this.#without(user),
    });
  }

  /** Members of all channels together, of those that are kept in this process. */
  get members(): number {
    return this.#members.size;
  }

  /** The subscription is about to be answered. Its session is told nothing of that. */
  came(session: Attendee, subscription: Subscription): void {
    if (this.#hub.enter(subscription) === 1) this.#comings.occupied(subscription.channel);
    this.presence.came(session, subscription);
  }

  /** The subscription is over, and out of the hub. `mayReturn`: because the connection is gone. */
  left(session: Attendee, { channel, isEntered }: Subscription, mayReturn: boolean): void {
    if (!isEntered) return;
    if (this.#hub.entered(channel) === 0) this.#comings.vacated(channel);
    this.presence.left(session, channel, mayReturn);
  }

  #identified(session: Addressee, previous: Identity | undefined): void {
    const { user } = session;
    if (user !== previous?.user) {
      if (user !== undefined && this.#registry.sessionsOf(user) === 1) this.#comings.online(user);
      this.#without(previous?.user);
    }
    if (previous === undefined) return;
    for (const subscription of session.subscriptions)
      if (subscription.isEntered) this.presence.came(session, subscription);
  }

  #without(user: string | undefined): void {
    if (user !== undefined && this.#registry.sessionsOf(user) === 0) this.#comings.offline(user);
  }
}
