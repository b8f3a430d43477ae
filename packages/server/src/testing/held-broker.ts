/** A broker whose history answers when a test says so, and whose publications a test can lose. */
import type { Broker, BrokerSink, HistoryPage, HistoryQuery } from '../core/broker.ts';

/** Stands before the memory broker and lets a test decide when history answers, and what the node is told. */
export class HeldBroker implements Broker {
  readonly #broker: Broker;
  /** While true, history waits for {@link release}. */
  isHeld = false;
  #waiting: (() => void)[] = [];
  #sink: BrokerSink | undefined;
  /** Publications are lost on the way. */
  isDeaf = false;
  failing: Error | undefined;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  start(sink: BrokerSink): Promise<void> {
    this.#sink = sink;
    return this.#broker.start({
      publications: (...args) => {
        if (!this.isDeaf) sink.publications(...args);
      },
      gap: (channel) => sink.gap(channel),
    });
  }

  gap(channel: string): void {
    this.#sink?.gap(channel);
  }

  release(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  async history(channel: string, query: HistoryQuery): Promise<HistoryPage> {
    if (this.failing !== undefined) throw this.failing;
    const page = await this.#broker.history(channel, query);
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return page;
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
  subscribe(channel: string): Promise<void> {
    return this.#broker.subscribe(channel);
  }
  unsubscribe(channel: string): Promise<void> {
    return this.#broker.unsubscribe(channel);
  }
  publish(...args: Parameters<Broker['publish']>): ReturnType<Broker['publish']> {
    return this.#broker.publish(...args);
  }
  answered(...args: Parameters<Broker['answered']>): ReturnType<Broker['answered']> {
    return this.#broker.answered(...args);
  }
  removeHistory(channel: string): Promise<void> {
    return this.#broker.removeHistory(channel);
  }
  channels(...args: Parameters<Broker['channels']>): ReturnType<Broker['channels']> {
    return this.#broker.channels(...args);
  }
}
