/** Reaching clients that are connected now, by session, user, group, channel and tag, without a channel of their own. */
import { type Disconnect, disconnects, type JsonText } from '@carillon/protocol';
import { type Authenticator, isAuthenticated } from './access.ts';
import { type Addressee, takesEvents } from './addressee.ts';
import type { Exclusion } from './broker.ts';
import type { Clock } from './clock.ts';
import type { GroupMembers, GroupStore } from './groups.ts';
import type { Hub } from './hub.ts';
import { inTurns } from './in-turns.ts';
import type { Registry } from './registry.ts';
import type { SessionTags } from './tags.ts';
import type { Where } from './where.ts';
import type { Wire } from './wire.ts';

/** Whom a request means. */
export type Target =
  | { readonly all: true }
  | { readonly sessions: readonly string[] }
  | { readonly users: readonly string[] }
  | { readonly groups: readonly string[] }
  /** Those subscribed to it. */
  | { readonly channel: string }
  /** Those whose tags fit. */
  | { readonly where: Where };

export interface SendRequest {
  /** The name under which native clients get it; `message` by default. */
  readonly event?: string;
  readonly data: JsonText;
  /** `data` is a JSON string of base64. */
  readonly binary?: true;
  readonly exclude?: Exclusion;
}

export interface AddressingContext {
  readonly registry: Registry<Addressee>;
  readonly hub: Pick<Hub, 'subscribed'>;
  readonly groups: GroupStore;
  readonly tags: SessionTags;
  readonly clock: Clock;
  /** Whether clients without a token are admitted. */
  readonly authenticator: Pick<Authenticator, 'admitsAnonymous'>;
}

export class Addressing {
  readonly #context: AddressingContext;

  constructor(context: AddressingContext) {
    this.#context = context;
  }

  /**
   * Gives it to those meant that take events, and returns to how many: open sessions, whose outbox took it. `all` and
   * `where` leave out sessions that have yet to authenticate; naming them, a group or a channel does not.
   */
  async send(to: Target, { event = 'message', data, binary, exclude }: SendRequest): Promise<number> {
    const frames = new Map<Wire, Buffer>();
    const publication = { offset: 0, data, ...(binary && { binary }) };
    const isOpen = 'all' in to || 'where' in to;
    return this.#each(to, exclude, (session) => {
      if (!takesEvents(session) || (isOpen && !this.#isAdmitted(session))) return false;
      const { wire } = session.connection;
      let frame = frames.get(wire);
      if (frame === undefined) {
        frame = wire.publication(event, publication, '');
        frames.set(wire, frame);
      }
      session.push(frame);
      return !session.isClosed;
    });
  }

  /** Ends the sessions meant, feeds among them; returns how many. */
  disconnect(to: Target, reason: Disconnect = disconnects.forced, exclude?: Exclusion): Promise<number> {
    return this.#each(to, exclude, (session) => {
      session.close(reason);
      return true;
    });
  }

  /** Every session once, in no order. Names that nobody has are nobody. */
  async resolve(to: Target): Promise<readonly Addressee[]> {
    const { registry, hub, groups, tags } = this.#context;
    if ('sessions' in to) return this.#named(to.sessions);
    if ('users' in to) return [...new Set(to.users)].flatMap((user) => [...registry.user(user)]);
    if ('channel' in to) return this.#named(hub.subscribed(to.channel).map(({ session }) => session.id));
    if ('where' in to) return tags.select(to.where, registry.all());
    if ('all' in to) return [...registry.all()];
    const members = await groups.members(to.groups);
    return [...new Set(members.flatMap((of) => [...this.sessionsOf(of)]))];
  }

  /** The sessions of a group: those that joined, and those of the users who did. */
  sessionsOf({ sessions, users }: GroupMembers): Set<Addressee> {
    const { registry } = this.#context;
    const found = new Set<Addressee>();
    for (const id of sessions) {
      const session = registry.session(id);
      if (session !== undefined) found.add(session);
    }
    for (const user of users) for (const session of registry.user(user)) found.add(session);
    return found;
  }

  async #each(
    to: Target,
    exclude: Exclusion | undefined,
    act: (session: Addressee) => boolean,
  ): Promise<number> {
    const isExcluded = exclusionOf(exclude);
    let count = 0;
    await inTurns(await this.resolve(to), this.#context.clock, (session) => {
      if (!session.isClosed && !isExcluded(session) && act(session)) count += 1;
    });
    return count;
  }

  #named(ids: readonly string[]): Addressee[] {
    return [...new Set(ids)]
      .map((id) => this.#context.registry.session(id))
      .filter((session) => session !== undefined);
  }

  #isAdmitted({ isAdmitted, identity }: Addressee): boolean {
    return isAdmitted && (this.#context.authenticator.admitsAnonymous || isAuthenticated(identity));
  }
}

function exclusionOf({ sessions, users }: Exclusion = {}): (session: Addressee) => boolean {
  if (sessions === undefined && users === undefined) return () => false;
  const [ids, names] = [new Set(sessions), new Set(users)];
  return ({ id, user }) => ids.has(id) || (user !== undefined && names.has(user));
}
