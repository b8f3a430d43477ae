/** Who is in a channel: kept where the channel's rule says so, told to clients that ask, and announced to its subscribers. */
import { limits, type Member, utf8Length } from '@carillon/protocol';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';
import type { Counters } from './figures.ts';
import type { Hub } from './hub.ts';
import type {
  PresenceChange,
  PresenceList,
  PresenceSink,
  PresenceStats,
  PresenceStore,
} from './presence-store.ts';
import type { PresenceRule, Rules } from './rules.ts';
import type { Subscription } from './subscription.ts';
import type { Wire } from './wire.ts';

/** What presence tells of a session, and how the session is connected. */
export interface Attendee {
  readonly id: string;
  readonly identity: Identity;
  readonly connection: { readonly wire: Wire };
}

export interface PresenceOptions {
  readonly store: PresenceStore;
  readonly rules: Rules;
  readonly hub: Pick<Hub, 'tell'>;
  readonly counters: Pick<Counters, 'gaps'>;
}

export class Presence implements PresenceSink {
  readonly #options: PresenceOptions;

  constructor(options: PresenceOptions) {
    this.#options = options;
    options.store.start(this);
  }

  /** The subscription is in force, or its session is somebody else from now on. */
  came(session: Attendee, { channel, formerSession }: Subscription): void {
    const { rules, store } = this.#options;
    const rule = rules.find(channel)?.presence;
    if (rule === undefined) return;
    const { id, identity, connection } = session;
    // Nobody could tell that the next poll is the same client's, so each would be another one that comes and goes.
    const isPassing = connection.wire.isBrief === true && identity.user === undefined;
    const announces = rule.announces && !isPassing;
    store.join(channel, memberOf(id, identity), { announces, former: formerSession });
  }

  left(session: Attendee, channel: string, mayReturn: boolean): void {
    this.#options.store.leave(channel, session.id, mayReturn);
  }

  /** `isFollowed`: whoever asks is subscribed, and told what changes from here on. @throws {ReplyError} 108 the channel has no presence. */
  async list(channel: string, isFollowed = false): Promise<PresenceList> {
    const { announces } = this.#rule(channel);
    return this.#options.store.list(channel, isFollowed && announces);
  }

  /** @throws {ReplyError} 108 the channel has no presence. */
  async stats(channel: string): Promise<PresenceStats> {
    this.#rule(channel);
    return this.#options.store.stats(channel);
  }

  changed(channel: string, change: PresenceChange): void {
    const { hub, counters } = this.#options;
    if (change.type === 'gap') {
      counters.gaps += hub.tell(channel, '"type":"gap"');
      return;
    }
    const { type, member, except } = change;
    const text = `"type":"${type}","member":${JSON.stringify(member)}`;
    hub.tell(channel, text, except === undefined ? undefined : { sessions: [except] });
  }

  #rule(channel: string): PresenceRule {
    const rule = this.#options.rules.find(channel)?.presence;
    if (rule !== undefined) return rule;
    throw refuse('notAvailable', "the channel has no presence; set 'presence' in its rule");
  }
}

function memberOf(session: string, { user, info }: Identity): Member {
  return { session, ...(user !== undefined && { user }), ...(info !== undefined && { info }) };
}

/** The result of `presence`. Where not all members stand in it, it tells how many there are. */
export function presenceText({ members, sessions, users }: PresenceList): string {
  const texts: string[] = [];
  let bytes = 0;
  for (const member of members) {
    const text = JSON.stringify(member);
    bytes += utf8Length(text);
    if (texts.length > 0 && bytes > limits.presenceBytes) break;
    texts.push(text);
  }
  const counts = texts.length < sessions ? `,"sessions":${sessions},"users":${users}` : '';
  return `{"members":[${texts.join()}]${counts}}`;
}
