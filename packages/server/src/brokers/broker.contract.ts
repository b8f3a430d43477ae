/** What every broker must do, whatever it is made of. A broker's own test calls it with a way to make one. */
import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import type { Broker, BrokerSink, HistoryPage, Publication, PublishOptions } from '../core/broker.ts';
import type { ReplyError } from '../core/errors.ts';

/** A broker that has been made for one test, not started yet. */
export interface BrokerUnderTest {
  readonly broker: Broker;
  /** Lets time pass for the broker; what falls due happens. */
  elapse(ms: number): Promise<void>;
  /** Frees what the test took, after the broker was closed. */
  end?(): Promise<void>;
}

const retention = { size: 100, ttlMs: 60_000 };
const kept = { retention } satisfies PublishOptions;

/** What was handed on, in order. */
class Recorder implements BrokerSink {
  readonly seen: { channel: string; publication: Publication; epoch: string }[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  publications(channel: string, batch: readonly Publication[], epoch: string): void {
    for (const publication of batch) this.seen.push({ channel, publication, epoch });
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.seen.length < count) return true;
      resolve();
      return false;
    });
  }

  gap(): void {
    throw new Error('nothing was lost');
  }

  of(channel: string): Publication[] {
    return this.seen.filter((seen) => seen.channel === channel).map(({ publication }) => publication);
  }

  /** Resolves once so many publications were handed on, of all channels. */
  until(count: number): Promise<void> {
    if (this.seen.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }
}

/** Declares the suite. `make` is called for each test. */
export function brokerContract(name: string, make: () => Promise<BrokerUnderTest>): void {
  describe(`the contract of brokers: ${name}`, () => {
    const made: BrokerUnderTest[] = [];

    afterEach(async () => {
      for (const { broker, end } of made.splice(0)) {
        await broker.close();
        await end?.();
      }
    });

    async function start(): Promise<BrokerUnderTest & { sink: Recorder }> {
      const under = await make();
      made.push(under);
      const sink = new Recorder();
      await under.broker.start(sink);
      return { ...under, sink };
    }

    async function publishMany(broker: Broker, channel: string, count: number): Promise<void> {
      for (let number = 1; number <= count; number++) await broker.publish(channel, String(number), kept);
    }

    const offsets = ({ publications }: HistoryPage): number[] => publications.map(({ offset }) => offset);

    describe('publishing', () => {
      test('REC1 numbers from 1, by 1, in one epoch', async () => {
        const { broker } = await start();
        const positions = [];
        for (let count = 0; count < 3; count++) positions.push(await broker.publish('a', '1', kept));
        const epoch = positions[0]?.epoch;
        expect(epoch).toMatch(/^[\w-]{1,64}$/);
        expect(positions).toEqual([1, 2, 3].map((offset) => ({ epoch, offset })));
      });

      test('publishes that are not awaited keep the order in which they were called', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const all = Array.from({ length: 50 }, (_, index) => broker.publish('a', String(index), kept));
        const given = (await Promise.all(all)).map((position) => position?.offset);
        expect(given).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
        await sink.until(50);
        expect(sink.of('a').map(({ data }) => data)).toEqual(Array.from(given, (_, index) => String(index)));
      });

      test('channels are numbered apart', async () => {
        const { broker } = await start();
        await publishMany(broker, 'a', 3);
        expect(await broker.publish('b', '1', kept)).toMatchObject({ offset: 1 });
      });

      test('REC2 without retention there is no position, and nothing is kept', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        expect(await broker.publish('a', '"x"', {})).toBeUndefined();
        await sink.until(1);
        expect(sink.seen).toEqual([{ channel: 'a', publication: { offset: 0, data: '"x"' }, epoch: '' }]);
        expect((await broker.history('a', { limit: 10 })).publications).toEqual([]);
      });

      test('REC13 a channel that loses its retention goes on counting, and keeps nothing', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        await publishMany(broker, 'a', 3);
        const positions = await Promise.all([
          broker.publish('a', '4', {}),
          broker.publish('a', '5', { idempotencyKey: 'k' }),
          broker.publish('a', '6', kept),
          broker.publish('a', '7', {}),
          broker.publish('a', '8', kept),
        ]);
        expect(positions.map((position) => position?.offset)).toEqual([4, 5, 6, 7, 8]);
        const { epoch, ...page } = await broker.history('a', { limit: 100 });
        expect(new Set(positions.map((position) => position?.epoch))).toEqual(new Set([epoch]));
        expect(page).toMatchObject({ top: 8, oldest: 8, publications: [{ offset: 8, data: '8' }] });
        await sink.until(8);
        expect(sink.of('a').map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        expect(new Set(sink.seen.map((seen) => seen.epoch))).toEqual(new Set([epoch]));
      });

      test('REC13 a channel that gets retention begins to count, after everything that had no offset', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const published = ['1', '2', '3', '4'].map((data, index) =>
          broker.publish('a', data, index < 2 ? {} : kept),
        );
        expect((await Promise.all(published)).map((position) => position?.offset)).toEqual([
          undefined,
          undefined,
          1,
          2,
        ]);
        expect(await broker.publish('a', '5', {})).toMatchObject({ offset: 3 });
        await sink.until(5);
        expect(sink.of('a').map(({ data, offset }) => [data, offset])).toEqual([
          ['1', 0],
          ['2', 0],
          ['3', 1],
          ['4', 2],
          ['5', 3],
        ]);
      });

      test('NAM4 data is carried as it was written', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const data = '{"b":12345678901234567890,"a":"\\u00e9 é 🎈","c":1.0}';
        await broker.publish('a', data, kept);
        await sink.until(1);
        expect(sink.of('a')[0]?.data).toBe(data);
        expect((await broker.history('a', { limit: 1 })).publications[0]?.data).toBe(data);
      });

      test('exclusion and the mark of bytes are handed on and kept', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const exclude = { sessions: ['s'], users: ['u'] };
        await broker.publish('a', '"AA=="', { ...kept, binary: true, exclude });
        await sink.until(1);
        const publication = { offset: 1, data: '"AA=="', binary: true, exclude };
        expect(sink.of('a')).toMatchObject([publication]);
        expect((await broker.history('a', { limit: 1 })).publications).toMatchObject([publication]);
      });

      test('what is kept says when it was published', async () => {
        const { broker, elapse } = await start();
        await publishMany(broker, 'a', 1);
        await elapse(1_500);
        await publishMany(broker, 'a', 1);
        const [first, second] = (await broker.history('a', { limit: 2 })).publications;
        const apart = (second?.at ?? 0) - (first?.at ?? 0);
        expect(apart).toBeGreaterThanOrEqual(1_500);
      });

      test('a publish that resolved is in history', async () => {
        const { broker } = await start();
        for (let offset = 1; offset <= 5; offset++) {
          await broker.publish('a', '1', kept);
          expect((await broker.history('a', { limit: 10 })).top).toBe(offset);
        }
      });

      test('after close it is refused with 108', async () => {
        const { broker } = await start();
        await broker.close();
        await expect(broker.publish('a', '1', kept)).rejects.toMatchObject({
          code: 108,
          status: 503,
        } satisfies Partial<ReplyError>);
      });
    });

    describe('handing on', () => {
      test('a subscriber gets everything that is published after its subscribe resolved', async () => {
        const { broker, sink } = await start();
        await publishMany(broker, 'a', 2);
        await broker.subscribe('a');
        await publishMany(broker, 'a', 3);
        await sink.until(3);
        const numbers = sink.of('a').map(({ offset }) => offset);
        expect(numbers.slice(-3)).toEqual([3, 4, 5]);
      });

      test('offsets rise without a hole and come with the epoch of their position', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const position = await broker.publish('a', '1', kept);
        await publishMany(broker, 'a', 4);
        await sink.until(5);
        expect(sink.of('a').map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
        expect(new Set(sink.seen.map(({ epoch }) => epoch))).toEqual(new Set([position?.epoch]));
      });

      test('goes on after an unsubscribe and a new subscribe', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        await broker.unsubscribe('a');
        await publishMany(broker, 'a', 1);
        await broker.subscribe('a');
        await broker.publish('a', '"after"', kept);
        while (!sink.of('a').some(({ data }) => data === '"after"')) await sink.until(sink.seen.length + 1);
        expect(sink.of('a').at(-1)).toMatchObject({ offset: 2, data: '"after"' });
      });

      test('unsubscribing from what nobody subscribed to is harmless', async () => {
        const { broker } = await start();
        await broker.unsubscribe('never');
        expect(await broker.publish('never', '1', kept)).toMatchObject({ offset: 1 });
      });
    });

    describe('history', () => {
      test('an empty channel has top 0 and oldest 1', async () => {
        const { broker } = await start();
        expect(await broker.history('a', { limit: 10 })).toMatchObject({
          top: 0,
          oldest: 1,
          publications: [],
        });
      });

      test('an empty channel keeps its epoch', async () => {
        const { broker } = await start();
        const { epoch } = await broker.history('a', { limit: 0 });
        expect(await broker.publish('a', '1', kept)).toEqual({ epoch, offset: 1 });
      });

      test.each([
        [{ limit: 100 }, [1, 2, 3, 4, 5, 6]],
        [{ limit: 2 }, [1, 2]],
        [{ limit: 0 }, []],
        [{ limit: 2, sinceOffset: 0 }, [1, 2]],
        [{ limit: 2, sinceOffset: 3 }, [4, 5]],
        [{ limit: 9, sinceOffset: 5 }, [6]],
        [{ limit: 9, sinceOffset: 6 }, []],
        [{ limit: 9, sinceOffset: 60 }, []],
        [{ limit: 2, reverse: true }, [6, 5]],
        [{ limit: 2, reverse: true, sinceOffset: 4 }, [3, 2]],
        [{ limit: 9, reverse: true, sinceOffset: 1 }, []],
        [{ limit: 2, reverse: true, sinceOffset: 60 }, [6, 5]],
      ])('%j gives %j', async (query, expected) => {
        const { broker } = await start();
        await publishMany(broker, 'a', 6);
        const page = await broker.history('a', query);
        expect(offsets(page)).toEqual(expected);
        expect(page).toMatchObject({ top: 6, oldest: 1 });
      });

      test('a page stops before it exceeds its bytes, but never before the first', async () => {
        const { broker } = await start();
        const data = JSON.stringify('x'.repeat(998));
        for (let count = 0; count < 10; count++) await broker.publish('a', data, kept);
        const page = await broker.history('a', { limit: 10, maxBytes: 5_000 });
        expect(page.publications.length).toBeGreaterThanOrEqual(2);
        expect(page.publications.length).toBeLessThanOrEqual(5);
        expect(offsets(await broker.history('a', { limit: 10, maxBytes: 1 }))).toEqual([1]);
        expect(offsets(await broker.history('a', { limit: 10, maxBytes: 1, reverse: true }))).toEqual([10]);
      });

      test('keeps as many as its size says', async () => {
        const { broker } = await start();
        for (let count = 0; count < 25; count++) {
          await broker.publish('a', '1', { retention: { size: 3, ttlMs: 60_000 } });
        }
        const page = await broker.history('a', { limit: 100 });
        expect(page).toMatchObject({ top: 25, oldest: 23 });
        expect(offsets(page)).toEqual([23, 24, 25]);
        expect(offsets(await broker.history('a', { limit: 100, sinceOffset: 7 }))).toEqual([23, 24, 25]);
      });

      test('REC12 gives up each publication when its own time is over', async () => {
        const { broker, elapse } = await start();
        const brief = { retention: { size: 100, ttlMs: 10_000 } };
        await broker.publish('a', '1', brief);
        await elapse(6_000);
        await broker.publish('a', '2', brief);
        await elapse(6_000);
        const page = await broker.history('a', { limit: 10 });
        expect(page).toMatchObject({ top: 2, oldest: 2 });
        expect(offsets(page)).toEqual([2]);
        await elapse(6_000);
        expect(await broker.history('a', { limit: 10 })).toMatchObject({
          top: 2,
          oldest: 3,
          publications: [],
        });
      });

      test('removing it keeps epoch and offsets', async () => {
        const { broker } = await start();
        await publishMany(broker, 'a', 4);
        const { epoch } = await broker.history('a', { limit: 0 });
        await broker.removeHistory('a');
        expect(await broker.history('a', { limit: 9 })).toEqual({
          epoch,
          top: 4,
          oldest: 5,
          publications: [],
        });
        expect(await broker.publish('a', '1', kept)).toEqual({ epoch, offset: 5 });
        expect(offsets(await broker.history('a', { limit: 9 }))).toEqual([5]);
      });

      test('removing what was never there is harmless', async () => {
        const { broker } = await start();
        await broker.removeHistory('never');
      });
    });

    describe('CMD5 idempotency keys', () => {
      const once = { ...kept, idempotencyKey: 'k' };

      test('a repeat does nothing and gets the first answer', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const first = await broker.publish('a', '"first"', once);
        await broker.publish('a', '"other"', kept);
        expect(await broker.publish('a', '"again"', once)).toEqual(first);
        await sink.until(2);
        expect(sink.of('a').map(({ data }) => data)).toEqual(['"first"', '"other"']);
        expect((await broker.history('a', { limit: 9 })).top).toBe(2);
      });

      test('a repeat that comes while the first is under way waits for it', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        const [first, second] = await Promise.all([
          broker.publish('a', '1', once),
          broker.publish('a', '2', once),
        ]);
        expect(second).toEqual(first);
        expect((await broker.history('a', { limit: 9 })).top).toBe(1);
        expect(sink.of('a')).toHaveLength(1);
      });

      test('the first answer can be asked for, for as long as the key holds', async () => {
        const { broker, elapse } = await start();
        const asked = (): ReturnType<Broker['answered']> => broker.answered('a', 'k');
        expect(await asked()).toBeUndefined();
        const position = await broker.publish('a', '1', once);
        await broker.publish('b', '1', { idempotencyKey: 'k' });
        expect(await asked()).toMatchObject({ position });
        expect(await broker.answered('a', 'other')).toBeUndefined();
        const kept = await broker.answered('b', 'k');
        expect([kept !== undefined, kept?.position]).toEqual([true, undefined]);
        expect((await broker.history('a', { limit: 9 })).top).toBe(1);
        await elapse(limits.idempotencyTtlMs + 1_000);
        expect(await asked()).toBeUndefined();
      });

      test('keys of other channels are others', async () => {
        const { broker } = await start();
        await broker.publish('a', '1', once);
        await broker.publish('b', '1', kept);
        expect(await broker.publish('b', '2', once)).toMatchObject({ offset: 2 });
      });

      test('hold where the channel keeps no history, too', async () => {
        const { broker, sink } = await start();
        await broker.subscribe('a');
        for (let count = 0; count < 3; count++) {
          expect(await broker.publish('a', '1', { idempotencyKey: 'k' })).toBeUndefined();
        }
        await broker.publish('a', '"end"', {});
        await sink.until(2);
        expect(sink.of('a').map(({ data }) => data)).toEqual(['1', '"end"']);
      });

      test('hold for five minutes, though the history is gone by then, and no longer', async () => {
        const { broker, elapse } = await start();
        const brief = { retention: { size: 1, ttlMs: 1_000 }, idempotencyKey: 'k' };
        const first = await broker.publish('a', '1', brief);
        await elapse(limits.idempotencyTtlMs - 1_000);
        expect(await broker.publish('a', '1', brief)).toEqual(first);
        await elapse(2_000);
        expect(await broker.publish('a', '1', brief)).toMatchObject({ offset: 2 });
      });
    });

    describe('listing channels', () => {
      test('names what has history, with its figures, and nothing that does not match', async () => {
        const { broker } = await start();
        await publishMany(broker, 'a:1', 2);
        await publishMany(broker, 'b:1', 1);
        await broker.removeHistory('b:1');
        await publishMany(broker, 'a:2', 1);
        const found = await broker.channels({ pattern: 'a:*', limit: 10 });
        expect(found.toSorted((x, y) => (x.channel < y.channel ? -1 : 1))).toEqual([
          { channel: 'a:1', publications: 2, top: 2 },
          { channel: 'a:2', publications: 1, top: 1 },
        ]);
        expect(await broker.channels({ pattern: '*', limit: 1 })).toHaveLength(1);
      });
    });
  });
}
