/** What every transport owes its client. Run for each of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FeedClient, FeedQuery } from '../testing/feed-client.ts';
import { type FeedClientName, feedClients } from '../testing/feed-clients.ts';
import { type FeedHost, type FeedHostOptions, maxFrameBytes, startFeeds } from '../testing/feed-host.ts';

export interface TransportTraits {
  /** Its messages name channel and offset. */
  readonly isNamed: boolean;
  /** A loss is told in words; else by the end of the connection. */
  readonly tellsGaps: boolean;
  /** It is there all the time, with signs of life, and not one request after another. */
  readonly isLasting: boolean;
  /** It is there between requests too: that its client is gone shows by none coming. */
  readonly isPolled?: boolean;
  /** How it ends when the server does. */
  readonly end: string | number;
  /** How a message over the limit is refused: by the close code of a WebSocket, or a status, and the session lives. Absent: takes none. */
  readonly oversize?: 1009 | 413;
}

/** Opens clients and ends them with the test. */
export class Visitors {
  #host: FeedHost | undefined;
  readonly #clients: FeedClient[] = [];

  get host(): FeedHost {
    if (this.#host === undefined) throw new Error('start first');
    return this.#host;
  }

  async start(options?: FeedHostOptions): Promise<FeedHost> {
    await this.stop();
    this.#host = await startFeeds(options);
    return this.#host;
  }

  async open(name: FeedClientName, query: FeedQuery): Promise<FeedClient> {
    const client = feedClients[name]();
    this.#clients.push(client);
    await client.open(this.host.port, query);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.cut();
    await this.endServer();
  }

  /** Ends the server before its clients. */
  async endServer(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    await host?.stop();
    if (host !== undefined) expect(host.errors).toEqual([]);
  }
}

export function transportContract(name: FeedClientName, traits: TransportTraits): void {
  describe(`the transport ${name}`, () => {
    const visitors = new Visitors();
    const open = (query: FeedQuery): Promise<FeedClient> => visitors.open(name, query);
    const publish = (channel: string, n: number, more: object = {}): Promise<unknown> =>
      visitors.host.node.publish(channel, JSON.stringify({ n, ...more }));

    beforeEach(async () => {
      await visitors.start();
    });
    afterEach(() => visitors.stop());

    test('brings every publication once and in order', async () => {
      const client = await open({ channels: ['open:a'] });
      for (let n = 1; n <= 300; n++) {
        await publish('open:a', n);
        if (n % 37 === 0) await pause(2);
      }
      await client.has(300);
      await pause(20);
      expect(client.numbers).toEqual(upTo(300));
      expect(client.gaps).toEqual([]);
      if (!traits.isNamed) return;
      expect(client.received.at(-1)).toEqual({ channel: 'open:a', data: { n: 300 }, offset: 300 });
    });

    test('brings several channels, each in order', async () => {
      const client = await open({ channels: ['open:a', 'open:b', 'plain:c', 'open:a'] });
      for (let n = 1; n <= 60; n++) {
        await publish(n % 2 === 0 ? 'open:a' : 'open:b', n);
        if (n % 20 === 0) await pause(5);
      }
      await client.has(60);
      const even = (n: unknown): boolean => Number(n) % 2 === 0;
      expect(client.numbers.filter(even)).toEqual(upTo(60).filter(even));
      expect(client.numbers.filter((n) => !even(n))).toEqual(upTo(60).filter((n) => !even(n)));
    }, 20_000);

    test.runIf(traits.isLasting)('brings what no channel keeps, without offset', async () => {
      const client = await open({ channels: ['plain:a'] });
      for (let n = 1; n <= 5; n++) await publish('plain:a', n);
      await client.has(5);
      expect(client.numbers).toEqual(upTo(5));
      expect(client.received.every(({ offset }) => offset === undefined)).toBe(true);
      expect(client.cursor).toBe('');
    });

    test('brings a publication of nearly a megabyte whole', async () => {
      const client = await open({ channels: ['open:a'] });
      const text = 'x\\"<é'.repeat(150_000);
      await publish('open:a', 1, { text });
      await client.has(1);
      expect(client.received[0]?.data).toEqual({ n: 1, text });
    });

    test('brings bytes, marked as such', async () => {
      const client = await open({ channels: ['open:a'] });
      await visitors.host.node.publish('open:a', '"AP8B"', { binary: true });
      await client.has(1);
      expect(client.received[0]).toMatchObject({ data: 'AP8B', binary: true });
    });

    test('leaves out who is excluded, also when it comes back', async () => {
      const seven = await open({ channels: ['open:a'], token: 'token-of-7' });
      const eight = await open({ channels: ['open:a'], token: 'token-of-8' });
      for (let n = 1; n <= 3; n++) {
        const exclude = { users: n === 2 ? ['7'] : [] };
        await visitors.host.node.publish('open:a', `{"n":${n}}`, { exclude });
        await pause(2);
      }
      await Promise.all([seven.has(2), eight.has(3)]);
      expect([seven.numbers, eight.numbers]).toEqual([
        [1, 3],
        [1, 2, 3],
      ]);
      const again = await open({ channels: ['open:a'], token: 'token-of-7', more: 'from=oldest' });
      await again.has(2);
      expect(again.numbers).toEqual([1, 3]);
    });

    test('gives a client that does not read everything in the end, or tells it what is gone', async () => {
      const host = await visitors.start({ size: 40 });
      const client = await open({ channels: ['open:a'] });
      client.pause();
      const text = 'x'.repeat(64_000);
      for (let n = 1; n <= 300; n++) {
        await publish('open:a', n, { text });
        if (n % 10 === 0) await pause(1);
      }
      expect(host.node.figures().sessions).toBeLessThanOrEqual(1);
      client.resume();
      await client.until(() => client.numbers.at(-1) === 300 || client.ended !== undefined);
      const numbers = client.numbers.map(Number);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      const missing = 300 - numbers.length;
      if (client.ended !== undefined) expect(client.ended).toBe(3008);
      else if (missing > 0) expect(client.gaps.length).toBeGreaterThan(0);
      if (traits.tellsGaps && traits.isLasting) {
        expect(missing).toBeGreaterThan(0);
        expect(client.ended).toBeUndefined();
      }
    }, 30_000);

    test('hears when the server ends', async () => {
      const client = await open({ channels: ['open:a'] });
      await publish('open:a', 1);
      await client.has(1);
      // Who polls is told where a poll is held; else by the refusal of the next.
      if (traits.isPolled) await pause(50);
      await visitors.endServer();
      await client.until(() => client.ended !== undefined);
      expect(client.ended).toBe(traits.end);
      expect(client.numbers).toEqual([1]);
    });

    test('is kept while nothing happens, with signs of life where it lasts', async () => {
      const client = await open({ channels: ['open:a'] });
      for (let step = 0; step < 75; step++) {
        visitors.host.clock.advance(4_000);
        await pause(3);
      }
      await publish('open:a', 1);
      await client.has(1);
      expect(client.ended).toBeUndefined();
      if (traits.isLasting) expect(client.heartbeats).toBeGreaterThan(8);
    });

    test.runIf(traits.oversize)(
      'takes a message as large as the limit, and refuses a larger one',
      async () => {
        const client = await open({ channels: ['open:a'] });
        const command = '{"op":"ping"}';
        await client.say(command.padEnd(maxFrameBytes));
        await publish('open:a', 1);
        await client.until(() => client.numbers.includes(1));
        const status = await client.say(command.padEnd(maxFrameBytes + 1));
        if (traits.oversize === 413) {
          expect(status).toBe(413);
          await publish('open:a', 2);
          await client.until(() => client.numbers.includes(2));
          expect(client.ended).toBeUndefined();
        } else {
          await client.until(() => client.ended !== undefined);
          expect(client.ended).toBe(1009);
        }
      },
    );

    test.runIf(traits.isLasting)('is ended when its client takes nothing for too long', async () => {
      const client = await open({ channels: ['open:a'] });
      client.pause();
      const text = 'x'.repeat(64_000);
      for (let n = 1; n <= 300; n++) {
        await publish('open:a', n, { text });
        if (n % 10 === 0) await pause(1);
      }
      expect(visitors.host.node.figures().sessions).toBe(1);
      for (let second = 0; second < 200; second++) {
        visitors.host.clock.advance(1_000);
        await pause(1);
      }
      expect(visitors.host.node.figures().sessions).toBe(0);
    });

    test('leaves nothing behind when its client goes away', async () => {
      const client = await open({ channels: ['open:a', 'open:b'] });
      await client.until(() => visitors.host.node.figures().sessions === 1);
      client.cut();
      if (traits.isPolled) visitors.host.clock.advance(65_000);
      await client.until(() => visitors.host.node.figures().sessions === 0);
      const { sessions, channels, subscriptions } = visitors.host.node.figures();
      expect([sessions, channels, subscriptions]).toEqual([0, 0, 0]);
      const { native, feeds, websocket } = visitors.host;
      const left = [...native.connections(), ...feeds.connections(), ['websocket', websocket.connections]];
      expect(left.filter(([, count]) => count !== 0)).toEqual([]);
    });
  });
}

/** The numbers from 1 to `last`. */
export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
