/** The sessions of this node, by id and by user. */
import type { Disconnect } from '@carillon/protocol';
import type { Subscription } from './subscription.ts';

/** A session as the rest of the node may use it. */
export interface RegisteredSession {
  readonly id: string;
  readonly user: string | undefined;
  subscription(channel: string): Subscription | undefined;
  close(reason: Disconnect): void;
}

export class Registry {
  readonly #sessions = new Map<string, RegisteredSession>();
  readonly #users = new Map<string, Set<RegisteredSession>>();
  /** The subscriptions of clients that are back, by the session that they had before. */
  readonly #successors = new Map<string, Set<Subscription>>();

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get userCount(): number {
    return this.#users.size;
  }

  add(session: RegisteredSession): void {
    this.#sessions.set(session.id, session);
    this.addUser(session);
  }

  /** Call after the session's user has become known. */
  addUser(session: RegisteredSession): void {
    if (session.user === undefined) return;
    const sessions = this.#users.get(session.user);
    if (sessions === undefined) this.#users.set(session.user, new Set([session]));
    else sessions.add(session);
  }

  /** Call before the session's user changes. */
  removeUser(session: RegisteredSession): void {
    if (session.user === undefined) return;
    const sessions = this.#users.get(session.user);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#users.delete(session.user);
  }

  remove(session: RegisteredSession): void {
    this.#sessions.delete(session.id);
    this.removeUser(session);
  }

  session(id: string): RegisteredSession | undefined {
    return this.#sessions.get(id);
  }

  /** The sessions of a user. */
  user(user: string): Iterable<RegisteredSession> {
    return this.#users.get(user) ?? [];
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

  all(): Iterable<RegisteredSession> {
    return this.#sessions.values();
  }
}
