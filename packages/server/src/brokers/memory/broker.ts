/** The broker of a single process: streams in memory, one bound over all of them. */
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
import { channelMatcher } from '../../core/pattern.ts';
import { Stream } from './stream.ts';

export interface MemoryBrokerOptions {
  readonly clock: Clock;
  /** A string that no other stream ever had. */
  readonly newEpoch: () => string;
  /** All streams together, with their bookkeeping; the channels that were published to longest ago lose their history first. */
  readonly maxBytes?: number;
}

const sweepMs = 5_000;
const nothingKept = { size: 0, ttlMs: 0 };
/** Of the bound: what is free after room was made. */
const spareShare = 1 / 64;

export class MemoryBroker implements Broker {
  readonly #clock: Clock;
  readonly #newEpoch: () => string;
  readonly #maxBytes: number;
  /** In the order of the last publish, the longest ago first. */
  readonly #streams = new Map<string, Stream>();
  #bytes = 0;
  #sink: BrokerSink | undefined;
  #cancelSweep: Cancel | undefined;

  constructor({ clock, newEpoch, maxBytes = limits.memoryHistoryBytes }: MemoryBrokerOptions) {
    this.#clock = clock;
    this.#newEpoch = newEpoch;
    this.#maxBytes = maxBytes;
  }

  /** What all streams cost together. */
  get bytes(): number {
    return this.#bytes;
  }

  async start(sink: BrokerSink): Promise<void> {
    this.#sink = sink;
    this.#sweepLater();
  }

  async close(): Promise<void> {
    this.#cancelSweep?.();
    this.#sink = undefined;
  }

  async subscribe(channel: string): Promise<void> {
    this.#stream(channel).isSubscribed = true;
  }

  async unsubscribe(channel: string): Promise<void> {
    const stream = this.#streams.get(channel);
    if (stream === undefined) return;
    stream.isSubscribed = false;
    stream.touchedAt = this.#clock.now();
  }

  async publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined> {
    const { idempotencyKey, retention } = options;
    const sink = this.#sink;
    if (sink === undefined) throw refuse('notAvailable', 'the server is closing');
    const item = publicationOf(data, options, 0);
    const isNumbered = retention !== undefined || (this.#streams.get(channel)?.top ?? 0) > 0;
    if (!isNumbered && idempotencyKey === undefined) {
      sink.publications(channel, [item], '');
      return undefined;
    }
    const now = this.#clock.now();
    const stream = this.#touched(channel, now);
    if (idempotencyKey !== undefined) {
      this.#changing(stream, () => stream.expire(now));
      const answer = stream.answer(idempotencyKey);
      if (answer !== undefined) return answer.position;
    }
    const before = stream.bytes;
    const publication = isNumbered ? stream.append(item, retention ?? nothingKept, now) : item;
    const position = isNumbered ? { epoch: stream.epoch, offset: publication.offset } : undefined;
    if (idempotencyKey !== undefined) stream.remember(idempotencyKey, position, now);
    this.#bytes += stream.bytes - before;
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
    sink.publications(channel, [publication], position?.epoch ?? '');
    return position;
  }

  async answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined> {
    const stream = this.#streams.get(channel);
    if (stream === undefined) return undefined;
    this.#changing(stream, () => stream.expire(this.#clock.now()));
    return stream.answer(idempotencyKey);
  }

  async history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    const stream = this.#stream(channel);
    this.#changing(stream, () => stream.expire(this.#clock.now()));
    return stream.page(query);
  }

  async removeHistory(channel: string): Promise<void> {
    const stream = this.#streams.get(channel);
    if (stream !== undefined) this.#changing(stream, () => stream.clear());
  }

  async channels(query: ChannelQuery): Promise<readonly ChannelFigures[]> {
    const matches = channelMatcher(query);
    const found: ChannelFigures[] = [];
    const now = this.#clock.now();
    for (const [channel, stream] of this.#streams) {
      if (found.length >= query.limit) break;
      if (!matches(channel)) continue;
      this.#changing(stream, () => stream.expire(now));
      if (stream.isSubscribed || stream.size > 0) {
        found.push({ channel, publications: stream.size, top: stream.top });
      }
    }
    return found;
  }

  #stream(channel: string): Stream {
    const found = this.#streams.get(channel);
    if (found !== undefined) return found;
    const stream = new Stream(channel, this.#newEpoch(), this.#clock.now());
    this.#streams.set(channel, stream);
    this.#bytes += stream.bytes;
    if (this.#bytes > this.#maxBytes) this.#makeRoom();
    return stream;
  }

  /** The stream, moved to the end of the order in which histories are given up. */
  #touched(channel: string, now: number): Stream {
    const stream = this.#stream(channel);
    stream.touchedAt = now;
    this.#streams.delete(channel);
    this.#streams.set(channel, stream);
    return stream;
  }

  #changing(stream: Stream, change: () => void): void {
    const before = stream.bytes;
    change();
    this.#bytes += stream.bytes - before;
  }

  /**
   * Gives up what the channels that were used longest ago keep: the oldest publications first, the last of them only where that is
   * not enough, and then the position, too, where nobody listens. The newest publication of all stays. A little more goes than must,
   * so that not every publication has to look for room.
   */
  #makeRoom(): void {
    const target = this.#maxBytes * (1 - spareShare);
    let left = this.#streams.size;
    for (const [channel, stream] of this.#streams) {
      left -= 1;
      const excess = this.#bytes - target;
      if (excess <= 0) return;
      this.#changing(stream, () => stream.free(excess));
      if (left === 0) return;
      if (this.#bytes > target) this.#changing(stream, () => stream.clear());
      if (!stream.isSubscribed && this.#bytes > this.#maxBytes) this.#forget(channel, stream);
    }
  }

  #forget(channel: string, stream: Stream): void {
    this.#streams.delete(channel);
    this.#bytes -= stream.bytes;
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(sweepMs, () => {
      const now = this.#clock.now();
      for (const [channel, stream] of this.#streams) {
        this.#changing(stream, () => stream.expire(now));
        if (stream.isForgettable(now)) this.#forget(channel, stream);
      }
      this.#sweepLater();
    });
  }
}
