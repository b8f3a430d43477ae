/** Proves that the broker delivers: publishes to a reserved channel and waits until it comes back. */
import type { Broker, BrokerSink, Publication } from './broker.ts';

/** Stands between the broker and the hub, and keeps what is its own. */
export class Canary implements BrokerSink {
  readonly #broker: Broker;
  readonly #sink: BrokerSink;
  readonly #channel: string;
  #waiting: (() => void)[] = [];
  #isListening = false;

  /** `worker`: which one this is, where several share the broker; each hears its own song alone. */
  constructor(broker: Broker, sink: BrokerSink, worker?: number) {
    this.#broker = broker;
    this.#sink = sink;
    this.#channel = worker === undefined ? canaryChannel : `${canaryChannel}:${worker}`;
  }

  /** Resolves when a publication came back. Whoever calls decides how long that may take. */
  async sing(): Promise<void> {
    if (!this.#isListening) await this.#broker.subscribe(this.#channel);
    this.#isListening = true;
    const heard = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.#broker.publish(this.#channel, 'true', { retention });
    await heard;
  }

  publications(channel: string, batch: readonly Publication[], epoch: string): void {
    if (channel === this.#channel) this.#heard();
    else this.#sink.publications(channel, batch, epoch);
  }

  /** What was lost had come as far as to be told of. */
  gap(channel: string): void {
    if (channel === this.#channel) this.#heard();
    else this.#sink.gap(channel);
  }

  room(): Promise<void> | undefined {
    return this.#sink.room?.();
  }

  #heard(): void {
    for (const heard of this.#waiting.splice(0)) heard();
  }
}

/** It is kept, so that a log that cannot be written does not look ready. */
const retention = { size: 1, ttlMs: 60_000, positionTtlMs: 60_000 };
/** Reserved names begin with `$`, so no client can subscribe to it or publish there. */
export const canaryChannel = '$canary';
