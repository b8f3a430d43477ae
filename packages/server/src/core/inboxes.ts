/** Inboxes at work: what a device is given when it comes back, what it acknowledges, and what the server side sees and does. */
import { limits, type Position } from '@carillon/protocol';
import type { Acknowledgement, Acknowledging } from './acknowledging.ts';
import type { Broker, HistoryPage } from './broker.ts';
import type { Catalog } from './catalog.ts';
import { type CommandRequest, channelField, type Outcome, offsetField, optionalText } from './command.ts';
import { refuse } from './errors.ts';
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
import type { Joined } from './recovery.ts';
import type { Rules } from './rules.ts';
import type { Session } from './session.ts';
import type { SubscribeStep } from './subscribe-step.ts';

export interface InboxesContext {
  readonly rules: Rules;
  readonly broker: Pick<Broker, 'history'>;
  readonly store: InboxStore;
  readonly acknowledging: Pick<Acknowledging, 'acknowledge'>;
  readonly catalog: Pick<Catalog, 'history'>;
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
    const { device = defaultDevice, id } = session;
    await this.#context.acknowledging.acknowledge(inbox, { device, offset, epoch, by: id });
    return done;
  }

  /** The inbox that the server side names. @throws {ReplyError} 107, 108. */
  named(name: InboxName): Inbox {
    return namedInbox(this.#context.rules, name);
  }

  /** As {@link Acknowledging.acknowledge}. */
  acknowledge(inbox: Inbox, acknowledgement: Acknowledgement): Promise<number> {
    return this.#context.acknowledging.acknowledge(inbox, acknowledgement);
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
}

function readOffset(cursor: Position | undefined, { epoch }: HistoryPage): number {
  return cursor?.epoch === epoch ? cursor.offset : 0;
}
