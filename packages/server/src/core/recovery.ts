/**
 * How a subscription gets from history to live: reads pages as its connection takes them, until they meet the lane's log.
 * No gap, no repeat, or the subscriber is told.
 */
import { disconnects, limits } from '@carillon/protocol';
import type { Broker, HistoryPage, Publication } from './broker.ts';
import type { Counters } from './figures.ts';
import type { Log } from './log.ts';
import type { Subscription } from './subscription.ts';
import type { Gap } from './wire.ts';

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

  /** The next part of history for a subscriber that has everything up to `offset`. */
  page(channel: string, offset: number): Promise<HistoryPage> {
    return this.#broker.history(channel, {
      sinceOffset: offset,
      limit: limits.historyPage,
      maxBytes: limits.joinedWriteBytes,
    });
  }

  /**
   * Puts a page's publications before anything live. One synchronous step with what precedes it, so that nothing can slip in
   * between. The subscription then goes on from the lane's log, or with `reread` where the log does not reach back that far.
   */
  replay(subscription: Subscription, publications: readonly Publication[]): void {
    const { session, lane, label, epoch } = subscription;
    for (const publication of publications) {
      subscription.offset = publication.offset;
      if (publication.exclude !== undefined && subscription.isExcluded(publication.exclude)) continue;
      session.push(lane.wire.publication(label, publication, epoch));
      const suffix = subscription.suffix(publication.offset);
      if (suffix !== undefined) session.push(suffix);
    }
  }

  /** Whether the lane's log has everything that the subscription still needs; if so, it goes on from there. */
  meetsLog(subscription: Subscription): boolean {
    const { lane, offset, epoch } = subscription;
    if (epoch !== '' && offset < lane.log.floor) return false;
    lane.attach(subscription);
    return true;
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

  async #readPages(subscription: Subscription): Promise<void> {
    do {
      await subscription.session.writable();
      if (hasEnded(subscription)) return;
      const page = await this.page(subscription.channel, subscription.offset);
      if (hasEnded(subscription)) return;
      this.#tellWhatIsMissing(subscription, page);
      if (hasEnded(subscription)) return;
      this.replay(subscription, page.publications);
    } while (!this.meetsLog(subscription));
    subscription.lane.readOn(subscription);
  }

  #tellWhatIsMissing(subscription: Subscription, { epoch, oldest, top }: HistoryPage): void {
    const isSameStream = epoch === subscription.epoch && subscription.offset <= top;
    if (isSameStream && oldest <= subscription.offset + 1) return;
    const from = isSameStream ? subscription.offset + 1 : 1;
    this.#tell(subscription, { epoch, from, to: oldest - 1 });
    subscription.epoch = epoch;
    subscription.offset = oldest - 1;
  }

  /** Without history there is nothing to read: tell, and go on with what the log still has. */
  #skipAhead(subscription: Subscription): void {
    this.#tell(subscription, {});
    if (hasEnded(subscription)) return;
    subscription.cursor = subscription.lane.log.base;
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
