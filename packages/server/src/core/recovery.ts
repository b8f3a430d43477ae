/**
 * How a subscription gets from history to live: reads pages as its connection takes them, until they meet the lane's log.
 * No gap, no repeat, or the subscriber is told.
 */
import { disconnects, limits, type Position, type SubscribeResult } from '@carillon/protocol';
import type { Broker, HistoryPage, Publication, Retention } from './broker.ts';
import type { Counters } from './figures.ts';
import { unreadAfter } from './inbox.ts';
import type { Log } from './log.ts';
import type { Subscription } from './subscription.ts';
import type { StartedBy } from './traces.ts';
import type { Gap } from './wire.ts';

export interface SubscribeRequest {
  readonly channel: string;
  /** The name under which the client knows the channel. */
  readonly label: string;
  /** What the channel keeps; undefined for nothing. */
  readonly retention: Retention | undefined;
  readonly since?: Position;
  readonly last?: number;
  readonly formerSession?: string;
  /** Asks how far the client has acknowledged, in an inbox of its own: where it starts unless it says so itself. */
  readonly cursor?: () => Promise<Position>;
}

/** A subscription that is confirmed, and begins when its reply has been pushed. */
export interface Joined {
  readonly result: SubscribeResult;
  /** Replays what was asked for and goes live. Call it in the same turn as, and right after, the push of the reply. */
  begin(): void;
}

export interface RecoveryOptions {
  readonly broker: Pick<Broker, 'history'>;
  readonly counters: Counters;
  readonly log: Log;
}

export class Recovery {
  readonly #broker: Pick<Broker, 'history'>;
  readonly #counters: Counters;
  readonly #log: Log;

  constructor({ broker, counters, log }: RecoveryOptions) {
    this.#broker = broker;
    this.#counters = counters;
    this.#log = log;
  }

  /** Asks history for a subscription whose channel is delivered here by now. */
  async confirm(subscription: Subscription, request: SubscribeRequest): Promise<Joined> {
    const { channel, retention } = request;
    if (retention === undefined) {
      const result = { channel, recovered: false, recoverable: false };
      return { result, begin: () => this.#begin(subscription, [], 0, 0) };
    }
    const cursor = await request.cursor?.();
    const start = cursor === undefined ? request : startAt(request, cursor);
    const { cuts } = subscription.lane.handed;
    const page = await this.#firstPage(start);
    const { epoch, top, oldest, publications } = page;
    const { since } = start;
    const isSameStream = since !== undefined && since.epoch === epoch && since.offset <= top;
    subscription.epoch = epoch;
    subscription.offset = startOffset(start, page, isSameStream);
    const recovered = isSameStream && oldest <= since.offset + 1;
    subscription.startsHere(top, startedBy(start, recovered));
    return {
      result: {
        ...{ channel, epoch, offset: top, recovered, recoverable: true },
        ...(cursor !== undefined && { unread: unreadAfter(cursor, page) }),
      },
      begin: () => this.#begin(subscription, publications, top, cuts),
    };
  }

  /**
   * Has a subscription go on after its offset: from the lane's log where that reaches back so far, else from history.
   * `top`: the newest offset that history is known to have; what came later is in the log, unless there was a cut since `cuts`.
   */
  goOn(subscription: Subscription, top: number, cuts: number): void {
    if (this.#meetsLog(subscription, top, cuts)) subscription.lane.readOn(subscription);
    else this.reread(subscription);
  }

  /** Reads history for a subscription whose lane no longer has what it needs. Ends by itself when it is in step again. */
  reread(subscription: Subscription): void {
    if (subscription.epoch === '') {
      this.#skipAhead(subscription);
      return;
    }
    subscription.state = 'rereading';
    this.#counters.rereads += 1;
    this.#readPages(subscription).catch((error: unknown) => {
      if (hasEnded(subscription)) return;
      this.#log.error('history could not be read for a subscriber; its connection is closed', {
        channel: subscription.channel,
        error,
      });
      subscription.session.close(disconnects.insufficientState);
    });
  }

  #begin(subscription: Subscription, publications: readonly Publication[], top: number, cuts: number): void {
    if (hasEnded(subscription)) return;
    if (subscription.session.hasRoom()) this.#replay(subscription, publications);
    this.goOn(subscription, top, cuts);
  }

  /** What the reply tells of the stream, with the first part of what is to be replayed. */
  async #firstPage({ channel, since, last }: SubscribeRequest): Promise<HistoryPage> {
    if (since !== undefined) {
      const page = await this.#page(channel, since.offset);
      const isStart = since.offset === 0 || (page.epoch === since.epoch && since.offset <= page.top);
      return isStart ? page : this.#page(channel, 0);
    }
    const bare = await this.#broker.history(channel, { limit: 0 });
    if (last === undefined) return bare;
    const page = await this.#page(channel, Math.max(0, bare.top - last));
    return page.epoch === bare.epoch ? page : this.#page(channel, Math.max(0, page.top - last));
  }

  /** The next part of history for a subscriber that has everything up to `offset`. */
  #page(channel: string, offset: number): Promise<HistoryPage> {
    return this.#broker.history(channel, {
      sinceOffset: offset,
      limit: limits.historyPage,
      maxBytes: limits.joinedWriteBytes,
    });
  }

  /** Puts a page's publications before anything live, in one synchronous step with what precedes it: nothing can slip in between. */
  #replay(subscription: Subscription, publications: readonly Publication[]): void {
    const { session, lane, label, epoch } = subscription;
    for (const publication of publications) {
      if (publication.offset <= subscription.offset) continue;
      subscription.offset = publication.offset;
      if (publication.exclude !== undefined && subscription.isExcluded(publication.exclude)) continue;
      session.push(lane.wire.publication(label, publication, epoch));
      const suffix = subscription.suffix(publication.offset);
      if (suffix !== undefined) session.push(suffix);
    }
  }

  /** Whether the lane's log has everything that the subscription still needs; if so, it goes on from there. */
  #meetsLog(subscription: Subscription, top: number, cuts: number): boolean {
    const { lane, offset, epoch } = subscription;
    if (epoch !== '') {
      const { handed } = lane;
      const isKnown = cuts === handed.cuts && (handed.epoch === undefined || handed.epoch === epoch);
      if (!isKnown || offset < top || offset < lane.log.floor) return false;
    }
    lane.attach(subscription);
    return true;
  }

  async #readPages(subscription: Subscription): Promise<void> {
    const { session, lane, channel } = subscription;
    for (;;) {
      await session.writable();
      if (hasEnded(subscription)) return;
      const { cuts } = lane.handed;
      const page = await this.#page(channel, subscription.offset);
      if (hasEnded(subscription)) return;
      // Others of the session may have filled the connection meanwhile; and what was read before a cut may end before the hole.
      if (!session.hasRoom() || cuts !== lane.handed.cuts) continue;
      const isNext = this.#tellWhatIsMissing(subscription, page);
      if (hasEnded(subscription)) return;
      if (!isNext) continue;
      this.#replay(subscription, page.publications);
      if (this.#meetsLog(subscription, page.top, cuts)) break;
      if (page.publications.length === 0) {
        // History and what is handed on are of two epochs: the next publication, or the next cut, brings them together.
        lane.park(subscription);
        return;
      }
    }
    lane.readOn(subscription);
  }

  /** Moves the subscription behind what is gone. False when the page was asked for by an offset of another stream: it is not what comes next. */
  #tellWhatIsMissing(subscription: Subscription, { epoch, oldest, top }: HistoryPage): boolean {
    const isSameStream = epoch === subscription.epoch && subscription.offset <= top;
    if (isSameStream && oldest <= subscription.offset + 1) return true;
    const from = isSameStream ? subscription.offset + 1 : 1;
    this.#tell(subscription, { epoch, from, to: oldest - 1 });
    subscription.epoch = epoch;
    subscription.offset = oldest - 1;
    return isSameStream;
  }

  /** Without history there is nothing to read: tell, and go on with what the log still has. */
  #skipAhead(subscription: Subscription): void {
    this.#tell(subscription, {});
    if (hasEnded(subscription)) return;
    subscription.cursor = Math.max(subscription.cursor, subscription.lane.log.base);
    subscription.lane.readOn(subscription);
  }

  #tell(subscription: Subscription, gap: Gap): void {
    this.#counters.gaps += 1;
    subscription.session.tellGap(subscription, gap);
  }
}

function hasEnded(subscription: Subscription): boolean {
  return subscription.state === 'ended';
}

/** Who does not say where to start, starts at its cursor. */
function startAt(request: SubscribeRequest, cursor: Position): SubscribeRequest {
  const isSaid = request.since !== undefined || request.last !== undefined;
  return isSaid ? request : { ...request, since: cursor };
}

function startedBy({ since, last }: SubscribeRequest, recovered: boolean): StartedBy {
  if (since !== undefined) return recovered ? 'since' : 'lost';
  return last === undefined ? 'newest' : 'last';
}

/** The offset after which the subscriber is given what there is. What `recovered: false` told as lost is not told again. */
function startOffset(
  { since, last }: SubscribeRequest,
  { top, oldest, publications }: HistoryPage,
  isSameStream: boolean,
): number {
  if (since === undefined && last === undefined) return top;
  if (since !== undefined && isSameStream) return Math.max(since.offset, oldest - 1);
  const [first] = publications;
  if (first === undefined) return top;
  return last === undefined ? first.offset - 1 : Math.max(first.offset - 1, top - last);
}
