/** Inboxes at work: what a device is given when it comes back, what it acknowledges, and who is told of that. */
import { limits, type Position } from '@carillon/protocol';
import { type Addressee, takesEvents } from './addressee.ts';
import type { Broker, HistoryPage } from './broker.ts';
import type { Catalog } from './catalog.ts';
import { type CommandRequest, channelField, type Outcome, offsetField, optionalText } from './command.ts';
import { refuse } from './errors.ts';
import type { Counters } from './figures.ts';
import {
  beginning,
  defaultDevice,
  findInbox,
  type Inbox,
  type InboxName,
  namedInbox,
  noInbox,
  unreadAfter,
} from './inbox.ts';
import type { InboxStore } from './inbox-store.ts';
import type { Overdue } from './overdue.ts';
import type { Joined } from './recovery.ts';
import type { Registry } from './registry.ts';
import type { Rules } from './rules.ts';
import type { Session } from './session.ts';
import type { SubscribeStep } from './subscribe-step.ts';

export interface InboxesContext {
  readonly rules: Rules;
  readonly broker: Pick<Broker, 'history'>;
  readonly store: InboxStore;
  readonly registry: Pick<Registry<Addressee>, 'user'>;
  readonly overdue: Pick<Overdue, 'acknowledged'>;
  readonly counters: Counters;
  readonly catalog: Pick<Catalog, 'history'>;
}

/** How far who has read. */
export interface Acknowledgement {
  /** Undefined: all devices. */
  readonly device: string | undefined;
  readonly offset: number;
  /** Of the offset; undefined: the channel's. */
  readonly epoch?: string | undefined;
}

export interface ListQuery {
  readonly device: string;
  readonly since?: Position;
  readonly limit?: number;
  readonly reverse?: boolean;
  /** Only what the device has not acknowledged. */
  readonly unread?: boolean;
}

/** A part of an inbox, as one device stands to it. */
export interface InboxPage {
  readonly page: HistoryPage;
  /** The device's cursor in this epoch. */
  readonly acknowledged: number;
  readonly unread: number;
}

export interface InboxReport {
  /** What no device has acknowledged. */
  readonly unread: number;
  readonly offset: number;
  readonly epoch: string;
  readonly devices: readonly {
    readonly device: string;
    readonly offset: number;
    readonly unread: number;
    /** In milliseconds of the clock. */
    readonly seenAt: number;
  }[];
}

const done: Outcome = { full: 'true', short: 'true' };

export class Inboxes {
  readonly #context: InboxesContext;

  constructor(context: InboxesContext) {
    this.#context = context;
  }

  /** Has the owner's subscribe begin at the cursor of its device. */
  subscribe(...[request, { session, rule }, next]: Parameters<SubscribeStep>): Promise<Joined> {
    const inbox = rule.inbox && findInbox(this.#context.rules, request.channel);
    const { user, device = defaultDevice } = session;
    if (inbox === undefined || inbox.user !== user) return next(request);
    const { channel, retention } = inbox;
    const cursor = async (): Promise<Position> =>
      (await this.#context.store.see(channel, device, retention.ttlMs)) ?? beginning;
    return next({ ...request, cursor });
  }

  /** The command `ack`. */
  async ack({ session, fields }: CommandRequest): Promise<Outcome> {
    const { channel } = channelField(fields, session.user);
    const offset = offsetField(fields, 'offset');
    const epoch = optionalText(fields, 'epoch', limits.nameBytes);
    const inbox = this.#ownInbox(channel, session);
    await this.acknowledge(inbox, { device: session.device ?? defaultDevice, offset, epoch }, session);
    return done;
  }

  /** The inbox that the server side names. @throws {ReplyError} 107, 108. */
  named(name: InboxName): Inbox {
    return namedInbox(this.#context.rules, name);
  }

  /** Resolves with what no device has acknowledged then. @throws {ReplyError} 112 it is of another epoch, or above the top. */
  async acknowledge(
    inbox: Inbox,
    { device, offset, epoch }: Acknowledgement,
    by?: Addressee,
  ): Promise<number> {
    const { store, broker, counters, overdue } = this.#context;
    const { channel, retention } = inbox;
    const page = await broker.history(channel, { limit: 0 });
    if (offset > page.top || (epoch !== undefined && epoch !== page.epoch)) {
      throw refuse(
        'unrecoverablePosition',
        `the channel's stream is '${page.epoch}' and its newest offset ${page.top}`,
      );
    }
    const position = { epoch: page.epoch, offset };
    const { hasMoved, isFurther, furthest } = await store.acknowledge(
      channel,
      device,
      position,
      retention.ttlMs,
    );
    const unread = unreadAfter(furthest, page);
    if (!hasMoved) return unread;
    counters.acks += 1;
    this.#tell(inbox, JSON.stringify({ type: 'ack', device, offset, unread }).slice(1), by);
    if (isFurther && unread > 0) overdue.acknowledged(inbox);
    return unread;
  }

  /** How many publications no device has acknowledged. */
  async unread({ channel }: Inbox): Promise<number> {
    const { store, broker } = this.#context;
    const { furthest } = await store.read(channel);
    return unreadAfter(furthest, await broker.history(channel, { limit: 0 }));
  }

  async report({ channel }: Inbox): Promise<InboxReport> {
    const { store, broker } = this.#context;
    const { furthest, devices } = await store.read(channel);
    const page = await broker.history(channel, { limit: 0 });
    return {
      unread: unreadAfter(furthest, page),
      offset: page.top,
      epoch: page.epoch,
      devices: devices.map(({ device, acknowledged, seenAt }) => ({
        device,
        offset: readOffset(acknowledged, page),
        unread: unreadAfter(acknowledged, page),
        seenAt,
      })),
    };
  }

  /** @throws {ReplyError} 112 a `since` of another epoch or above the top. */
  async list({ channel }: Inbox, { device, unread = false, since, ...query }: ListQuery): Promise<InboxPage> {
    const { store, catalog } = this.#context;
    const { devices } = await store.read(channel);
    const cursor = devices.find((seen) => seen.device === device)?.acknowledged;
    const from = unread && query.reverse !== true ? await this.#later(channel, cursor, since) : since;
    const page = await catalog.history(channel, { ...query, ...(from !== undefined && { since: from }) });
    const acknowledged = readOffset(cursor, page);
    const publications = unread
      ? page.publications.filter(({ offset }) => offset > acknowledged)
      : page.publications;
    return { page: { ...page, publications }, acknowledged, unread: unreadAfter(cursor, page) };
  }

  /** The device is one that was never seen. What it acknowledged stays so for the badge. */
  forget({ channel }: Inbox, device: string): Promise<void> {
    return this.#context.store.forget(channel, device);
  }

  /** Where reading on begins: behind the cursor, if that is of the channel's epoch and not before `since`. */
  async #later(
    channel: string,
    cursor: Position | undefined,
    since: Position | undefined,
  ): Promise<Position | undefined> {
    if (cursor === undefined) return since;
    if (since !== undefined) {
      return since.epoch === cursor.epoch && since.offset < cursor.offset ? cursor : since;
    }
    const { epoch } = await this.#context.broker.history(channel, { limit: 0 });
    return epoch === cursor.epoch ? cursor : undefined;
  }

  /** @throws {ReplyError} 1, 102 or 103 the session may not; 108 it is no inbox. */
  #ownInbox(channel: string, session: Session): Inbox {
    const { rules } = this.#context;
    if (!session.subscribed(channel)) rules.check('subscribe', channel, session);
    const inbox = findInbox(rules, channel);
    if (inbox === undefined) throw noInbox();
    if (inbox.user !== session.user)
      throw refuse('permissionDenied', 'only the owner of an inbox acknowledges');
    return inbox;
  }

  /** Tells the owner's sessions that are subscribed, but not the one that did it. */
  #tell({ channel, user }: Inbox, rest: string, by: Addressee | undefined): void {
    for (const session of this.#context.registry.user(user)) {
      if (session === by || !takesEvents(session)) continue;
      const { label, state = 'joining' } = session.subscription(channel) ?? {};
      if (state === 'joining' || state === 'confirmed') continue;
      session.send(`{"event":${JSON.stringify(label)},${rest}`);
    }
  }
}

function readOffset(cursor: Position | undefined, { epoch }: HistoryPage): number {
  return cursor?.epoch === epoch ? cursor.offset : 0;
}
