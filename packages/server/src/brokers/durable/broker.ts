/**
 * The broker whose streams outlive the process: a log on disk, written by a thread of its own. What came while it committed
 * is its next commit; handing on follows the commit, so that nobody sees an offset that a crash can take back.
 */
import { type JsonText, limits, type Position } from '@carillon/protocol';
import {
  type Broker,
  type BrokerSink,
  type ChannelFigures,
  type ChannelQuery,
  type EarlierAnswer,
  type HistoryPage,
  type HistoryQuery,
  type PublishOptions,
  publicationOf,
} from '../../core/broker.ts';
import type { Cancel, Clock } from '../../core/clock.ts';
import { refuse } from '../../core/errors.ts';
import type { FactKind, Keep } from '../../core/keep.ts';
import type { Log } from '../../core/log.ts';
import { channelMatcher } from '../../core/pattern.ts';
import { LogThread, type LogThreadOptions } from './log-thread.ts';
import type { FactsAnswer, ListAnswer, LogAnswer, PublishAnswer, PublishRequest } from './messages.ts';

export { LogFault } from './log-thread.ts';

export interface DurableBrokerOptions extends Omit<LogThreadOptions, 'lost'> {
  readonly clock: Clock;
  readonly log: Log;
}

const sweepMs = 1_000;
/** Channels, and facts, that are asked for at once. */
const listedAtOnce = 1_000;

export class DurableBroker implements Broker, Keep {
  readonly #clock: Clock;
  readonly #thread: LogThread;
  #sink: BrokerSink | undefined;
  #cancelSweep: Cancel | undefined;
  /** Publications on their way through the thread, of channels that keep nothing: later ones must not overtake them. */
  readonly #underWay = new Map<string, number>();
  /** Channels without offsets, as the log said: what is published there without retention need not go through it. */
  readonly #uncounted = new Set<string>();

  constructor({ clock, ...options }: DurableBrokerOptions) {
    this.#clock = clock;
    this.#thread = new LogThread({ ...options, clock, lost: (channels) => this.#lost(channels) });
  }

  /** @throws {LogFault} the log cannot be opened. */
  async start(sink: BrokerSink): Promise<void> {
    await this.#thread.open();
    this.#sink = sink;
    this.#sweepLater();
  }

  async close(): Promise<void> {
    this.#sink = undefined;
    this.#cancelSweep?.();
    await this.#thread.close();
  }

  async subscribe(channel: string): Promise<void> {
    await this.#thread.ask({ kind: 'subscribed', channel, is: true }, nothing);
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#thread.ask({ kind: 'subscribed', channel, is: false }, nothing);
  }

  async publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined> {
    const sink = this.#sink;
    if (sink === undefined) throw refuse('notAvailable', 'the server is closing');
    const { retention, idempotencyKey } = options;
    if (retention === undefined && idempotencyKey === undefined && this.#isUncounted(channel)) {
      sink.publications(channel, [publicationOf(data, options, 0)], '');
      return undefined;
    }
    const request: PublishRequest = { kind: 'publish', channel, data, ...options };
    const handOn = (answer: LogAnswer): Position | undefined =>
      this.#handOn(channel, answer as PublishAnswer, data, options);
    if (retention !== undefined) {
      this.#uncounted.delete(channel);
      return this.#thread.ask(request, handOn);
    }
    this.#underWay.set(channel, (this.#underWay.get(channel) ?? 0) + 1);
    return this.#thread.ask(request, handOn).finally(() => this.#arrived(channel));
  }

  answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined> {
    const request = { kind: 'answered', channel, idempotencyKey } as const;
    return this.#thread.ask(request, (answer) => answer as EarlierAnswer | undefined);
  }

  async history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    return this.#thread.ask({ kind: 'history', channel, query }, (answer) => answer as HistoryPage);
  }

  async removeHistory(channel: string): Promise<void> {
    await this.#thread.ask({ kind: 'remove', channel }, nothing);
  }

  async channels(query: ChannelQuery): Promise<readonly ChannelFigures[]> {
    const matches = channelMatcher(query);
    const found: ChannelFigures[] = [];
    let after = 0;
    do {
      const request = { kind: 'list', after, limit: listedAtOnce } as const;
      const { channels, next } = await this.#thread.ask(request, (answer) => answer as ListAnswer);
      found.push(...channels.filter(({ channel }) => matches(channel)));
      after = next;
    } while (after !== 0 && found.length < query.limit);
    return found.slice(0, query.limit);
  }

  async load(about: FactKind): Promise<ReadonlyMap<string, JsonText>> {
    const found = new Map<string, JsonText>();
    let after = '';
    for (let isMore = true; isMore; ) {
      const request = { kind: 'facts', about, after, limit: listedAtOnce } as const;
      const page = await this.#thread.ask(request, (answer) => answer as FactsAnswer);
      for (const [key, value] of page) found.set(key, value);
      after = page.at(-1)?.[0] ?? after;
      isMore = page.length === listedAtOnce;
    }
    return found;
  }

  async put(about: FactKind, key: string, value: JsonText, until?: number): Promise<void> {
    const ends = until === undefined ? {} : { until: Math.ceil(until) };
    await this.#thread.ask({ kind: 'put', about, key, value, ...ends }, nothing);
  }

  async drop(about: FactKind, key: string): Promise<void> {
    await this.#thread.ask({ kind: 'put', about, key }, nothing);
  }

  /** Nothing of the log is needed, and nothing is on its way there that would be overtaken. */
  #isUncounted(channel: string): boolean {
    return this.#uncounted.has(channel) && !this.#underWay.has(channel);
  }

  #note(channel: string, position: Position | undefined): void {
    if (position !== undefined) this.#uncounted.delete(channel);
    else {
      if (this.#uncounted.size >= limits.uncountedChannels) this.#uncounted.clear();
      this.#uncounted.add(channel);
    }
  }

  #handOn(
    channel: string,
    { position, isRepeat }: PublishAnswer,
    data: JsonText,
    options: PublishOptions,
  ): Position | undefined {
    if (!isRepeat) {
      this.#note(channel, position);
      const item = publicationOf(data, options, position?.offset ?? 0);
      this.#sink?.publications(channel, [item], position?.epoch ?? '');
    }
    return position;
  }

  #arrived(channel: string): void {
    const left = (this.#underWay.get(channel) ?? 1) - 1;
    if (left === 0) this.#underWay.delete(channel);
    else this.#underWay.set(channel, left);
  }

  /** Nobody knows whether these were committed; who is subscribed asks history. */
  #lost(channels: readonly string[]): void {
    for (const channel of channels) this.#sink?.gap(channel);
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      // Where it is refused, that was told already; the next one takes up what this one left.
      this.#thread.ask({ kind: 'sweep' }, nothing).catch(nothing);
      this.#sweepLater();
    });
  }
}

function nothing(): void {}
