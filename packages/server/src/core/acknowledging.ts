/** What an acknowledgement does: it moves cursors, and the owner's other sessions are told. */
import type { Broker } from './broker.ts';
import { refuse } from './errors.ts';
import type { Counters } from './figures.ts';
import { type Inbox, unreadAfter } from './inbox.ts';
import type { InboxStore } from './inbox-store.ts';
import type { Overdue } from './overdue.ts';
import type { Trail } from './trail.ts';

/** How far who has read. */
export interface Acknowledgement {
  /** Undefined: all devices. */
  readonly device: string | undefined;
  readonly offset: number;
  /** Of the offset; undefined: the channel's. */
  readonly epoch?: string | undefined;
  /** The session that says so, if one does. */
  readonly by?: string;
}

/** What the owner's sessions are told. */
export interface AckNews {
  readonly device: string | undefined;
  readonly offset: number;
  /** What no device has acknowledged. */
  readonly unread: number;
}

/** Whoever has sessions that are to be told. */
export interface AckListener {
  /** Tells those of the inbox's owner that are subscribed, but not the one that did it. */
  acknowledged(inbox: Pick<Inbox, 'channel' | 'user'>, news: AckNews, by?: string): void;
}

export interface AcknowledgingContext {
  readonly broker: Pick<Broker, 'history'>;
  readonly store: Pick<InboxStore, 'acknowledge'>;
  readonly overdue: Pick<Overdue, 'acknowledged'>;
  readonly counters: Pick<Counters, 'acks'>;
  readonly listener: AckListener;
  readonly trail?: Pick<Trail, 'wasAcknowledged'>;
}

export class Acknowledging {
  readonly #context: AcknowledgingContext;

  constructor(context: AcknowledgingContext) {
    this.#context = context;
  }

  /** Resolves with what no device has acknowledged then. @throws {ReplyError} 112 it is of another epoch, or above the top. */
  async acknowledge(inbox: Inbox, { device, offset, epoch, by }: Acknowledgement): Promise<number> {
    const { store, broker, counters, overdue, listener, trail } = this.#context;
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
    trail?.wasAcknowledged(channel, device, by, position);
    listener.acknowledged(inbox, { device, offset, unread }, by);
    if (isFurther && unread > 0) overdue.acknowledged(inbox);
    return unread;
  }
}
