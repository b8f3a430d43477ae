/** The memory broker behind a link that delays, loses and restarts, as a broker in another process would be seen. */
import type { JsonText, Position } from '../../packages/protocol/src/index.ts';
import type { MemoryBroker } from '../../packages/server/src/brokers/memory/broker.ts';
import type {
  Broker,
  BrokerSink,
  ChannelFigures,
  ChannelQuery,
  EarlierAnswer,
  HistoryPage,
  HistoryQuery,
  Publication,
  PublishOptions,
} from '../../packages/server/src/core/broker.ts';
import type { Clock } from '../../packages/server/src/core/clock.ts';
import type { Random } from '../support/random.ts';
import type { Truth } from './truth.ts';

export interface SlowBrokerOptions {
  readonly clock: Clock;
  readonly draw: Random;
  readonly truth: Truth;
  /** Makes a broker that remembers nothing. */
  readonly make: () => MemoryBroker;
  /** The most that one way takes; 0: everything at once, as within one process. */
  readonly delayMs: number;
  /** Answers overtake publications that were handed on before: history may be ahead of what the node was given. */
  readonly answersOvertake: boolean;
}

export class SlowBroker implements Broker {
  readonly #options: SlowBrokerOptions;
  readonly #subscribed = new Set<string>();
  #inner: MemoryBroker;
  #sink: BrokerSink | undefined;
  /** Publications are lost on the way until the link is mended. */
  #isBroken = false;
  /** Channels whose subscribers must be told when the link is mended. */
  readonly #holes = new Set<string>();
  #requestsBusyUntil = 0;
  #answersBusyUntil = 0;
  readonly #generation = new Map<string, number>();

  constructor(options: SlowBrokerOptions) {
    this.#options = options;
    this.#inner = options.make();
  }

  get inner(): MemoryBroker {
    return this.#inner;
  }

  start(sink: BrokerSink): Promise<void> {
    this.#sink = sink;
    return this.#startInner();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async subscribe(channel: string): Promise<void> {
    await this.#request();
    await this.#inner.subscribe(channel);
    this.#generation.set(channel, (this.#generation.get(channel) ?? 0) + 1);
    this.#subscribed.add(channel);
    await this.#answer();
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#request();
    await this.#inner.unsubscribe(channel);
    this.#subscribed.delete(channel);
    this.#holes.delete(channel);
    await this.#answer();
  }

  async publish(channel: string, data: JsonText, options: PublishOptions): Promise<Position | undefined> {
    await this.#request();
    const position = await this.#inner.publish(channel, data, options);
    await this.#answer();
    return position;
  }

  async answered(channel: string, idempotencyKey: string): Promise<EarlierAnswer | undefined> {
    await this.#request();
    const answer = await this.#inner.answered(channel, idempotencyKey);
    await this.#answer();
    return answer;
  }

  async history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    await this.#request();
    const page = await this.#inner.history(channel, query);
    await this.#answer();
    return page;
  }

  async removeHistory(channel: string): Promise<void> {
    await this.#request();
    await this.#inner.removeHistory(channel);
    await this.#answer();
  }

  channels(query: ChannelQuery): Promise<readonly ChannelFigures[]> {
    return this.#inner.channels(query);
  }

  /** From now on what is published does not arrive. */
  break(): void {
    this.#isBroken = true;
  }

  /** Publications arrive again; where some did not, the node is told first. */
  mend(): void {
    this.#isBroken = false;
    for (const channel of this.#holes) this.#arrive(channel, () => this.#sink?.gap(channel));
    this.#holes.clear();
  }

  /** The broker forgets everything, and the node's subscriptions are renewed before anything new arrives. */
  restart(): void {
    this.mend();
    const old = this.#inner;
    this.#inner = this.#options.make();
    void this.#startInner();
    for (const channel of this.#subscribed) {
      void this.#inner.subscribe(channel);
      this.#arrive(channel, () => this.#sink?.gap(channel));
    }
    void old.close();
  }

  #startInner(): Promise<void> {
    return this.#inner.start({
      publications: (channel, batch, epoch) => this.#numbered(channel, batch, epoch),
      gap: () => {
        throw new Error('the memory broker loses nothing');
      },
    });
  }

  #numbered(channel: string, batch: readonly Publication[], epoch: string): void {
    for (const { data, offset, exclude } of batch) {
      const { name } = JSON.parse(data) as { readonly name: string };
      this.#options.truth.add(channel, name, epoch, offset, exclude);
    }
    if (!this.#subscribed.has(channel)) return;
    if (this.#isBroken) this.#holes.add(channel);
    else this.#arrive(channel, () => this.#sink?.publications(channel, batch, epoch));
  }

  /** Things arrive in order, and only as long as the subscription is the same. */
  #arrive(channel: string, task: () => void): void {
    const generation = this.#generation.get(channel);
    const { clock, delayMs } = this.#options;
    if (delayMs === 0) {
      task();
      return;
    }
    clock.after(this.#answerDelay(), () => {
      if (this.#subscribed.has(channel) && this.#generation.get(channel) === generation) task();
    });
  }

  /** Requests reach the broker in the order in which they were made. */
  #request(): Promise<void> {
    const { clock, draw, delayMs } = this.#options;
    if (delayMs === 0) return Promise.resolve();
    this.#requestsBusyUntil = Math.max(this.#requestsBusyUntil, clock.now() + draw(delayMs));
    return this.#after(this.#requestsBusyUntil - clock.now());
  }

  #answer(): Promise<void> {
    const { draw, delayMs, answersOvertake } = this.#options;
    if (delayMs === 0) return Promise.resolve();
    return this.#after(answersOvertake ? draw(delayMs) : this.#answerDelay());
  }

  #answerDelay(): number {
    const { clock, draw, delayMs } = this.#options;
    this.#answersBusyUntil = Math.max(this.#answersBusyUntil, clock.now() + draw(delayMs));
    return this.#answersBusyUntil - clock.now();
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
  }
}
