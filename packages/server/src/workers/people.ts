/** What is known and said of sessions of all workers: the one that has the session is asked, or all where a user is meant. */
import type { JsonText } from '@carillon/protocol';
import { ReplyError } from '../core/errors.ts';
import type { GroupMember } from '../core/groups.ts';
import type { ReachVerbs } from '../core/reach.ts';
import type { Tags } from '../core/tag-index.ts';
import type { Remote } from '../link/calls.ts';
import type { Peers } from './peers.ts';
import { ifThere, sum } from './spread.ts';

type Verbs = ReachVerbs['people'];

/** The name under which workers offer theirs. */
export const peopleName = 'people';
/** Under this name they offer {@link OwnSessions}. */
export const ownSessionsName = 'own-sessions';

/** How the subscribing of a user's sessions went at one worker. */
interface Subscribed {
  readonly count: number;
  /** Of a session that could not be subscribed where none could. */
  readonly refusal?: { readonly code: number; readonly message: string; readonly status: number };
}

/** What every worker does for those of a user's sessions that it has. */
export class OwnSessions {
  readonly #people: Verbs;

  constructor(people: Verbs) {
    this.#people = people;
  }

  /** A refusal here says nothing of the other workers' sessions, so it is an answer. */
  async subscribe(user: string, channel: string): Promise<Subscribed> {
    try {
      return { count: await this.#people.subscribe({ user }, channel) };
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      const { code, message, status } = error;
      return { count: 0, refusal: { code, message, status } };
    }
  }

  async unsubscribe(user: string, channel: string): Promise<number> {
    return this.#people.unsubscribe({ user }, channel);
  }
}

export class SpreadPeople implements Verbs {
  readonly #own: Verbs;
  readonly #peers: Peers;

  /** `own`: of this worker. What concerns no session it does for all, since its stores are those of all. */
  constructor(own: Verbs, peers: Peers) {
    this.#own = own;
    this.#peers = peers;
  }

  async join(group: string, member: GroupMember): Promise<void> {
    await (member.session === undefined ? this.#own : this.#at(member.session)).join(group, member);
  }

  async leave(group: string, member: GroupMember): Promise<void> {
    await this.#own.leave(group, member);
  }

  async destroyGroup(group: string): Promise<void> {
    await this.#own.destroyGroup(group);
  }

  async tag(member: GroupMember, tags: Tags): Promise<void> {
    await (member.session === undefined ? this.#own : this.#at(member.session)).tag(member, tags);
  }

  async untag(member: GroupMember, names: readonly string[]): Promise<void> {
    if (member.session === undefined) await this.#own.untag(member, names);
    else await ifThere(this.#at(member.session).untag(member, names), undefined);
  }

  bind(id: string, user: string): Promise<void> {
    return this.#at(id).bind(id, user);
  }

  unbind(id: string, user: string | undefined): Promise<void> {
    return ifThere(this.#at(id).unbind(id, user), undefined);
  }

  contextOf(id: string): Promise<JsonText> {
    return this.#at(id).contextOf(id);
  }

  setContext(id: string, object: JsonText): Promise<JsonText> {
    return this.#at(id).setContext(id, object);
  }

  updateContext(id: string, object: JsonText): Promise<JsonText> {
    return this.#at(id).updateContext(id, object);
  }

  async subscribe(member: GroupMember, channel: string): Promise<number> {
    const { session, user } = member;
    if (session !== undefined) return this.#at(session).subscribe(member, channel);
    const answers = await this.#everywhere().subscribe(user, channel);
    const count = sum(answers.map((answer) => answer.count));
    const refusal = answers.find((answer) => answer.refusal !== undefined)?.refusal;
    if (count === 0 && refusal !== undefined)
      throw new ReplyError(refusal.code, refusal.message, refusal.status);
    return count;
  }

  async unsubscribe(member: GroupMember, channel: string): Promise<number> {
    const { session, user } = member;
    if (session !== undefined) return ifThere(this.#at(session).unsubscribe(member, channel), 0);
    return sum(await this.#everywhere().unsubscribe(user, channel));
  }

  #at(session: string): Remote<Verbs> {
    return this.#peers.at<Verbs>(session, peopleName);
  }

  #everywhere() {
    return this.#peers.everywhere<Pick<OwnSessions, 'subscribe' | 'unsubscribe'>>(ownSessionsName);
  }
}
