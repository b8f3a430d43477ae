/** The sessions of this node, by id and by user. */
import type { Disconnect } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { Subscription } from './subscription.ts';

/** A session as the rest of the node may use it. */
export interface RegisteredSession {
  readonly id: string;
  readonly user: string | undefined;
  subscription(channel: string): Subscription | undefined;
  close(reason: Disconnect): void;
}

/** Is told of sessions while they are in the registry, right away. */
export interface RegistryWatcher<Session> {
  /** It has come, or who it is has changed: then it was `previous`. */
  identified(session: Session, previous?: Identity): void;
  gone(session: Session): void;
}

export class Registry<Session extends RegisteredSession = RegisteredSession> {
  readonly #sessions = new Map<string, Session>();
  readonly #users = new Map<string, Set<Session>>();
  readonly #watchers: RegistryWatcher<Session>[] = [];
  readonly #newOrder: () => number;
  /** The subscriptions of clients that are back, by the session that they had before. */
  readonly #successors = new Map<string, Set<Subscription>>();

  /** `newOrder`: each call gives a higher number than the one before; 1, 2, 3 by default. */
  constructor(newOrder: () => number = counting()) {
    this.#newOrder = newOrder;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get userCount(): number {
    return this.#users.size;
  }

  watch(watcher: RegistryWatcher<Session>): void {
    this.#watchers.push(watcher);
  }

  /** Returns the session's place in the order of coming; {@link Registry.all} keeps that order. */
  add(session: Session): number {
    this.#sessions.set(session.id, session);
    this.addUser(session);
    return this.#newOrder();
  }

  /** Call after the session's user has become known, or changed: then it was `previous`. */
  addUser(session: Session, previous?: Identity): void {
    if (session.user !== undefined) {
      const sessions = this.#users.get(session.user);
      if (sessions === undefined) this.#users.set(session.user, new Set([session]));
      else sessions.add(session);
    }
    for (const watcher of this.#watchers) watcher.identified(session, previous);
  }

  /** Call before the session's user changes. */
  removeUser(session: Session): void {
    if (session.user === undefined) return;
    const sessions = this.#users.get(session.user);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#users.delete(session.user);
  }

  remove(session: Session): void {
    this.#sessions.delete(session.id);
    this.removeUser(session);
    for (const watcher of this.#watchers) watcher.gone(session);
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The sessions of a user. */
  user(user: string): Iterable<Session> {
    return this.#users.get(user) ?? [];
  }

  /** How many sessions a user has. */
  sessionsOf(user: string): number {
    return this.#users.get(user)?.size ?? 0;
  }

  addSuccessor(formerSession: string, subscription: Subscription): void {
    const successors = this.#successors.get(formerSession);
    if (successors === undefined) this.#successors.set(formerSession, new Set([subscription]));
    else successors.add(subscription);
  }

  removeSuccessor(formerSession: string, subscription: Subscription): void {
    const successors = this.#successors.get(formerSession);
    successors?.delete(subscription);
    if (successors?.size === 0) this.#successors.delete(formerSession);
  }

  /** The subscriptions that were made in the name of a former session, too. */
  successors(formerSession: string): Iterable<Subscription> {
    return this.#successors.get(formerSession) ?? [];
  }

  all(): Iterable<Session> {
    return this.#sessions.values();
  }
}

function counting(): () => number {
  let last = 0;
  return () => ++last;
}
