/** Publishers and readers around a server that is disturbed, and what each of them must have got in the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Carillon } from '@carillon/client';
import { expect, vi } from 'vitest';

export interface Acknowledged {
  readonly data: string;
  readonly offset: number;
  readonly epoch: string;
}

interface Answer {
  readonly result?: { readonly offset: number; readonly epoch: string };
}

/** Publishes numbers to a channel, one after another, and repeats with the same key what was not answered. */
export class Publisher {
  readonly acknowledged: Acknowledged[] = [];
  /** Requests that no answer came to, or none but a refusal. */
  failures = 0;
  readonly #channel: string;
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string, channel: string) {
    this.#url = url;
    this.#key = key;
    this.#channel = channel;
  }

  async publish(count: number): Promise<void> {
    for (let number = 0; number < count; number++) {
      const data = `${this.#channel} ${number}`;
      this.acknowledged.push({ data, ...(await this.#until(data)) });
    }
  }

  async #until(data: string): Promise<{ offset: number; epoch: string }> {
    const request = { channel: this.#channel, data, idempotency_key: data };
    for (let attempt = 0; attempt < 4_000; attempt++) {
      const answer = await this.#post(request).catch(() => undefined);
      if (answer?.result !== undefined) return answer.result;
      this.failures += 1;
      await sleep(10);
    }
    throw new Error(`nobody takes ${data}`);
  }

  async #post(request: object): Promise<Answer> {
    const response = await fetch(`${this.#url}/v1/publish`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#key}` },
      body: JSON.stringify(request),
    });
    return (await response.json()) as Answer;
  }
}

/** A client of the library in one channel. */
export class Reader {
  readonly client: Carillon;
  readonly got: { readonly data: string; readonly offset: number }[] = [];
  /** How often it was told that something is missing. */
  losses = 0;
  readonly #ready: Promise<unknown>;

  constructor(url: string, name: string) {
    this.client = new Carillon(url, { backoff: { minMs: 1, maxMs: 50 } });
    const channel = this.client.channel<string>(name);
    channel.on('message', (data, { offset = 0 }) => this.got.push({ data, offset }));
    channel.on('gap', () => {
      this.losses += 1;
    });
    this.#ready = channel.subscribe();
  }

  async ready(): Promise<void> {
    await this.#ready;
  }
}

export interface CrowdOptions {
  readonly url: string;
  readonly key: string;
  readonly channels: readonly string[];
  readonly readers: number;
}

/** One publisher for each channel; readers are dealt out to the channels in turn. */
export class Crowd {
  readonly readers: readonly Reader[];
  readonly publishers: readonly Publisher[];

  private constructor({ url, key, channels, readers }: CrowdOptions) {
    this.publishers = channels.map((name) => new Publisher(url, key, name));
    this.readers = Array.from(
      { length: readers },
      (_, index) => new Reader(url, channels[index % channels.length] ?? ''),
    );
  }

  /** Every reader is subscribed. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    await Promise.all(crowd.readers.map((reader) => reader.ready()));
    return crowd;
  }

  get acknowledged(): number {
    return this.publishers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  }

  get failures(): number {
    return this.publishers.reduce((sum, { failures }) => sum + failures, 0);
  }

  /** Has every publisher publish so many, and `disturb` happen whenever one more of the shares of all is acknowledged. */
  async publish(
    each: number,
    shares: readonly number[],
    disturb: (index: number) => Promise<void>,
  ): Promise<void> {
    const published = Promise.all(this.publishers.map((publisher) => publisher.publish(each)));
    for (const [index, share] of shares.entries()) {
      const enough = this.publishers.length * each * share;
      await vi.waitFor(() => expect(this.acknowledged).toBeGreaterThan(enough), {
        timeout: 60_000,
        interval: 1,
      });
      await disturb(index);
    }
    await published;
  }

  /** Resolves when every reader has got as much as was acknowledged in its channel, whatever that is. */
  async settled(): Promise<void> {
    await vi.waitFor(
      () => {
        for (const [index, { got }] of this.readers.entries())
          expect(got.length).toBeGreaterThanOrEqual(this.#ofReader(index).length);
      },
      { timeout: 30_000, interval: 20 },
    );
  }

  /** Every reader got everything acknowledged, once and in order, in one epoch, and was told of no loss. */
  expectWhole(): void {
    for (const [index, { got, losses }] of this.readers.entries()) {
      expect(got).toEqual(this.#ofReader(index).map(({ data, offset }) => ({ data, offset })));
      expect(losses).toBe(0);
    }
    for (const { acknowledged } of this.publishers) {
      expect(acknowledged.map(({ offset }) => offset)).toEqual(acknowledged.map((_, index) => index + 1));
      expect(new Set(acknowledged.map(({ epoch }) => epoch)).size).toBe(1);
    }
  }

  close(): void {
    for (const { client } of this.readers) client.close();
  }

  #ofReader(index: number): readonly Acknowledged[] {
    return this.publishers[index % this.publishers.length]?.acknowledged ?? [];
  }
}
