/** What the server side knows of sessions and users and says of them: groups, tags, contexts, whose a session is, what it is subscribed to. */
import { disconnects, errorCodes, type JsonText } from '@carillon/protocol';
import { type Authenticator, anonymous, isAuthenticated, termsOf } from './access.ts';
import { type Addressee, noSession, takesEvents } from './addressee.ts';
import { type Blocks, blockedRefusal } from './blocks.ts';
import type { Clock } from './clock.ts';
import type { Contexts } from './contexts.ts';
import { ReplyError, refuse } from './errors.ts';
import type { GroupMember, GroupStore } from './groups.ts';
import { inTurns } from './in-turns.ts';
import type { Registry } from './registry.ts';
import type { Asker, Rules } from './rules.ts';
import { isPending, type Subscription } from './subscription.ts';
import type { Tags } from './tag-index.ts';
import type { SessionTags } from './tags.ts';

export interface PeopleContext {
  readonly registry: Registry<Addressee>;
  readonly groups: GroupStore;
  readonly tags: SessionTags;
  readonly contexts: Contexts;
  readonly rules: Rules;
  readonly authenticator: Pick<Authenticator, 'admitsAnonymous'>;
  readonly blocks: Blocks;
  readonly clock: Clock;
}

export class People {
  readonly #context: PeopleContext;
  /** What the server side subscribed sessions to: no rule of clients ends those. */
  readonly #given = new WeakSet<Subscription>();

  constructor(context: PeopleContext) {
    this.#context = context;
    const { registry, tags, groups, contexts } = context;
    registry.watch(tags);
    registry.watch({
      identified: () => {},
      gone: (session) => {
        groups.forget(session.id);
        contexts.gone(session);
      },
    });
  }

  /** @throws {ReplyError} 108 (404) there is no such session; 106 too many groups or memberships. */
  async join(group: string, member: GroupMember): Promise<void> {
    if (member.session !== undefined) this.#session(member.session);
    const { groups, registry } = this.#context;
    await groups.join(group, member);
    // It may have ended while a store elsewhere was asked.
    if (member.session !== undefined && registry.session(member.session) === undefined)
      groups.forget(member.session);
  }

  leave(group: string, member: GroupMember): Promise<void> {
    return this.#context.groups.leave(group, member);
  }

  /** All members leave. */
  destroyGroup(group: string): Promise<void> {
    return this.#context.groups.destroy(group);
  }

  /** @throws {ReplyError} 108 (404) there is no such session; 106 too many tags. */
  async tag(member: GroupMember, tags: Tags): Promise<void> {
    const { tags: all } = this.#context;
    if (member.session !== undefined) all.tag(this.#session(member.session), tags);
    else await all.tagUser(member.user, tags);
  }

  /** What the token has is hidden for as long as it has that. A session that is gone has no tags. */
  async untag(member: GroupMember, names: readonly string[]): Promise<void> {
    const { tags, registry } = this.#context;
    if (member.session === undefined) {
      await tags.untagUser(member.user, names);
      return;
    }
    const session = registry.session(member.session);
    if (session !== undefined) tags.untag(session, names);
  }

  /** Makes the session the user's, whosever it was; it ends when its token does. What the rules do not let the new user read, ends. @throws {ReplyError} 108 (404); 101 (403) the user is blocked. */
  bind(id: string, user: string): void {
    const session = this.#session(id);
    if (session.user === user) return;
    const block = this.#context.blocks.find({ user });
    if (block !== undefined)
      throw new ReplyError(errorCodes.unauthorized.code, blockedRefusal(block).message, 403);
    const { identity } = session;
    const { isAnonymous: _, ...before } = identity;
    session.identify(session.user === undefined ? { ...before, user } : { ...termsOf(identity), user });
    this.#endUnruled(session);
  }

  /** Makes the session nobody's; a session that is gone is that already. @throws {ReplyError} 113 it is another user's. */
  unbind(id: string, user: string | undefined): void {
    const session = this.#context.registry.session(id);
    if (session?.user === undefined) return;
    if (user !== undefined && session.user !== user) {
      throw refuse(
        'conflict',
        `the session is the user '${session.user}'; leave 'user' out to unbind whoever it is`,
      );
    }
    session.identify({ ...anonymous, ...termsOf(session.identity) });
    this.#endUnruled(session);
  }

  /** JSON text of an object. @throws {ReplyError} 108 (404) there is no such session. */
  contextOf(id: string): JsonText {
    return this.#context.contexts.get(this.#session(id));
  }

  /** `object`: JSON text of an object. Returns what is kept now. @throws {ReplyError} 108 (404); 106 it is too large. */
  setContext(id: string, object: JsonText): JsonText {
    const session = this.#session(id);
    this.#context.contexts.set(session, object);
    return this.#context.contexts.get(session);
  }

  /** As {@link People.setContext}, but members that `object` does not name stay; its `null`s are taken away. */
  updateContext(id: string, object: JsonText): JsonText {
    const session = this.#session(id);
    this.#context.contexts.update(session, object);
    return this.#context.contexts.get(session);
  }

  /**
   * Subscribes a session, or the sessions that a user has now, whatever the rules say to clients; each is told by an event.
   * Returns how many are subscribed, those among them that were before. @throws {ReplyError} 108 (404), 106, 107 where nobody is.
   */
  async subscribe(member: GroupMember, channel: string): Promise<number> {
    const sessions =
      member.session === undefined
        ? [...this.#context.registry.user(member.user)].filter(takesEvents)
        : [this.#session(member.session)];
    const outcomes = await Promise.allSettled(sessions.map((session) => this.#give(session, channel)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    const count = outcomes.filter(({ status }) => status === 'fulfilled').length;
    if (count === 0 && failed !== undefined) throw failed.reason;
    return count;
  }

  /** Ends the subscriptions and tells so; a feed, which has no words for it, is closed. Returns how many. */
  unsubscribe(member: GroupMember, channel: string): number {
    const { registry } = this.#context;
    const one = member.session === undefined ? undefined : registry.session(member.session);
    const sessions =
      member.session === undefined ? [...registry.user(member.user)] : one === undefined ? [] : [one];
    let count = 0;
    for (const session of sessions) {
      const subscription = session.subscription(channel);
      // One that has not been answered yet counts as made after this.
      if (subscription === undefined || isPending(subscription)) continue;
      this.#end(session, subscription, disconnects.forced.code, 'unsubscribed by the server');
      count += 1;
    }
    return count;
  }

  async #give(session: Addressee, channel: string): Promise<void> {
    if (!takesEvents(session)) {
      throw refuse('badRequest', 'the session is a feed, which names its channels itself');
    }
    const retention = this.#context.rules.retention(channel);
    try {
      const { result, begin } = await session.subscribe({ channel, label: channel, retention });
      const subscription = session.subscription(channel);
      if (subscription !== undefined) this.#given.add(subscription);
      const { epoch, offset, recoverable } = result;
      session.send(JSON.stringify({ event: channel, type: 'subscribed', epoch, offset, recoverable }));
      begin();
    } catch (error) {
      if (!(error instanceof ReplyError && error.code === errorCodes.alreadySubscribed.code)) throw error;
    }
  }

  /**
   * The rules, or who is admitted without a token, are others than before: ends what they do not let sessions have now. What a
   * hook let in stays, for it was asked.
   */
  async reconsider(): Promise<void> {
    const { registry, clock } = this.#context;
    await inTurns([...registry.all()], clock, (session) => {
      if (!session.isClosed) this.#endUnruled(session, asHooked(session));
    });
  }

  /** Ends what the session subscribed to as somebody else, or under other rules, where the rules say no to who it is now. */
  #endUnruled(session: Addressee, asker: Asker = session): void {
    const { rules, authenticator } = this.#context;
    const isAdmitted = isAuthenticated(session.identity) || authenticator.admitsAnonymous;
    for (const subscription of [...session.subscriptions]) {
      const { channel } = subscription;
      if (this.#given.has(subscription)) continue;
      try {
        if (!isAdmitted && rules.find(channel)?.isSecret !== true) throw refuse('notAuthenticated');
        rules.check('subscribe', channel, asker);
      } catch (error) {
        if (!(error instanceof ReplyError)) throw error;
        this.#end(session, subscription, error.code, error.message);
      }
    }
  }

  #end(session: Addressee, subscription: Subscription, code: number, msg: string): void {
    if (!takesEvents(session)) {
      session.close(disconnects.forced);
      return;
    }
    const { channel, label, state } = subscription;
    session.unsubscribe(channel);
    // A subscribe that was not answered yet is refused instead.
    if (state === 'joining') return;
    session.send(JSON.stringify({ event: label, type: 'unsubscribed', code, msg }));
  }

  #session(id: string): Addressee {
    const session = this.#context.registry.session(id);
    if (session === undefined) throw noSession(id);
    return session;
  }
}

/** The session, as if the application's hook had let it in. */
function asHooked(session: Addressee): Asker {
  return {
    identity: session.identity,
    subscribed: session.subscribed.bind(session),
    granted: (channel) => session.granted?.(channel) ?? false,
    hooked: () => true,
  };
}
