/** Which channels there are, and what they have kept: for clients and the server side, who were admitted before. */
import { limits, type Position } from '@carillon/protocol';
import type { Broker, HistoryPage } from './broker.ts';
import { refuse } from './errors.ts';
import { byName, type Headcounts, LocalHeadcounts } from './headcount.ts';
import type { Hub } from './hub.ts';
import { checkChannel } from './publishing.ts';
import type { Rules } from './rules.ts';

export interface HistoryRequest {
  readonly since?: Position;
  /** 1 to {@link limits.historyPage}; that is the default, too. */
  readonly limit?: number;
  /** Newest first. */
  readonly reverse?: boolean;
}

/** A channel that has subscribers or history. */
export interface ChannelInfo {
  readonly channel: string;
  readonly sessions: number;
  readonly publications: number;
}

export interface CatalogContext {
  readonly broker: Pick<Broker, 'history' | 'removeHistory' | 'channels'>;
  readonly rules: Rules;
  readonly hub: Pick<Hub, 'subscribers' | 'channelNames'>;
}

export class Catalog {
  /** Of this process. */
  readonly headcounts: Headcounts;
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.headcounts = new LocalHeadcounts(context.hub);
    this.#context = context;
  }

  /** @throws {ReplyError} 107 a bad name, 108 the channel keeps no history, 112 `since` is of another epoch or above the top. */
  async history(
    channel: string,
    { since, limit = limits.historyPage, reverse = false }: HistoryRequest,
  ): Promise<HistoryPage> {
    checkChannel(channel);
    const { broker, rules } = this.#context;
    if (rules.retention(channel) === undefined) throw refuse('notAvailable', 'the channel keeps no history');
    const page = await broker.history(channel, {
      limit: Math.min(limit, limits.historyPage),
      maxBytes: limits.historyPageBytes,
      reverse,
      ...(since && { sinceOffset: since.offset }),
    });
    if (since !== undefined && (since.epoch !== page.epoch || since.offset > page.top)) {
      throw refuse(
        'unrecoverablePosition',
        `the channel's stream is '${page.epoch}' and its newest offset ${page.top}`,
      );
    }
    return page;
  }

  /** Forgets what the channel kept; its offsets go on. */
  async removeHistory(channel: string): Promise<void> {
    checkChannel(channel);
    await this.#context.broker.removeHistory(channel);
  }

  /**
   * The channels whose names match `pattern` (`*`: one or more characters), and one of `within` where that is given; at most
   * {@link limits.listedChannels}, by name. `headcounts`: of whose sessions; of this process's by default.
   */
  async channels(
    pattern = '*',
    within?: readonly string[],
    headcounts = this.headcounts,
  ): Promise<readonly ChannelInfo[]> {
    const query = { pattern, limit: limits.listedChannels, ...(within && { within }) };
    const kept = await this.#context.broker.channels(query);
    const others = { ...query, limit: limits.listedChannels - kept.length };
    const names = kept.map(({ channel }) => channel);
    const counts = await headcounts.headcount(names, others);
    const infos = [
      ...kept.map(({ channel, publications }, index) => ({
        channel,
        sessions: counts.named[index] ?? 0,
        publications,
      })),
      ...counts.others.map(([channel, sessions]) => ({ channel, sessions, publications: 0 })),
    ];
    return infos.toSorted((a, b) => byName(a.channel, b.channel));
  }
}
