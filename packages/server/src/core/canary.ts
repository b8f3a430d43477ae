/** Proves that the broker delivers: publishes to a reserved channel and waits until it comes back. */
import type { Broker, BrokerSink, Publication } from './broker.ts';

/** Stands between the broker and the hub, and keeps what is its own. */
export class Canary implements BrokerSink {
  readonly #broker: Broker;
  readonly #sink: BrokerSink;
  #waiting: (() => void)[] = [];
  #isListening = false;

  constructor(broker: Broker, sink: BrokerSink) {
    this.#broker = broker;
    this.#sink = sink;
  }

  /** Resolves when a publication came back. Whoever calls decides how long that may take. */
  async sing(): Promise<void> {
    if (!this.#isListening) await this.#broker.subscribe(canaryChannel);
    this.#isListening = true;
    const heard = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.#broker.publish(canaryChannel, 'true', { retention });
    await heard;
  }

  publications(channel: string, batch: readonly Publication[], epoch: string): void {
    if (channel !== canaryChannel) {
      this.#sink.publications(channel, batch, epoch);
      return;
    }
    for (const heard of this.#waiting.splice(0)) heard();
  }

  gap(channel: string): void {
    this.#sink.gap(channel);
  }
}

/** It is kept, so that a log that cannot be written does not look ready. */
const retention = { size: 1, ttlMs: 60_000, positionTtlMs: 60_000 };
/** Reserved names begin with `$`, so no client can subscribe to it or publish there. */
const canaryChannel = '$canary';
