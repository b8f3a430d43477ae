/** What transports owe a client that goes from one to another: run for every pair of a family that shares its cursors. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FeedClient } from '../testing/feed-client.ts';
import type { FeedClientName } from '../testing/feed-clients.ts';
import { pause, upTo, Visitors } from './transport.contract.ts';

/** Transports whose cursors are the same. */
export interface Family {
  readonly name: string;
  /** Those that tell where they stand. */
  readonly giving: readonly FeedClientName[];
  readonly taking: readonly FeedClientName[];
  /** Makes a cursor's epochs unknown. */
  readonly outdate: (cursor: string) => string;
}

export function resumeContract({ name, giving, taking, outdate }: Family): void {
  describe(`a client that goes from one transport to another, ${name}`, () => {
    const visitors = new Visitors();
    const outcome = new Map<string, string>();

    beforeEach(async () => {
      await visitors.start();
    });
    afterEach(() => visitors.stop());
    afterAll(() => {
      const width = Math.max(...giving.concat(taking).map(({ length }) => length)) + 2;
      const line = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(width)).join('');
      const rows = giving.map((from) =>
        line([from, ...taking.map((to) => outcome.get(`${from} ${to}`) ?? 'failed')]),
      );
      console.info([`${name}: resumed from (down) to (across)`, line(['', ...taking]), ...rows].join('\n'));
    });

    for (const from of giving) {
      for (const to of taking) {
        test.each([
          ['one channel', ['open:a']],
          ['three channels', ['open:a', 'open:b', 'plain:c']],
        ])(`${from} to ${to}, %s: misses nothing, gets nothing twice`, async (_, channels) => {
          const { node } = visitors.host;
          let made = 0;
          const publish = async (count: number): Promise<void> => {
            for (let at = 0; at < count; at++) {
              made += 1;
              await node.publish(channels[made % Math.min(2, channels.length)] ?? '', `{"n":${made}}`);
            }
          };
          const first = await visitors.open(from, { channels });
          await publish(10);
          await first.has(10);
          first.cut();
          await publish(10);
          const second = await visitors.open(to, { channels, cursor: first.cursor });
          await publish(5);
          await second.has(made - 10);
          await pause(5);
          const numbers = [...first.numbers, ...second.numbers].map(Number);
          expect(numbers.sort((a, b) => a - b)).toEqual(upTo(made));
          expect([second.recovered, second.gaps]).toEqual([true, []]);
          outcome.set(`${from} ${to}`, 'yes');
        });
      }
    }

    test.each([1, 2, 3])(
      'is cut again and again amid publications, and misses nothing, seed %i',
      async (seed) => {
        const { node } = visitors.host;
        const chance = lottery(seed);
        const both = giving.filter((one) => taking.includes(one));
        const numbers: number[] = [];
        let made = 0;
        let cursor: string | undefined;
        let client: FeedClient | undefined;
        for (let hop = 0; hop < 40; hop++) {
          client = await visitors.open(both[chance(both.length)] ?? 'sse', {
            channels: ['open:a'],
            ...(cursor !== undefined && { cursor }),
          });
          const before = numbers.length;
          for (let burst = chance(4); burst > 0; burst--) {
            for (let count = 1 + chance(6); count > 0; count--)
              await node.publish('open:a', `{"n":${++made}}`);
            if (chance(2) === 0) await pause(0);
          }
          if (hop === 39) await client.has(made - before);
          client.cut();
          numbers.push(...client.numbers.map(Number));
          cursor = client.cursor;
        }
        expect(numbers).toEqual(upTo(made));
        expect(made).toBeGreaterThan(100);
      },
    );

    test.each(taking)('is told on %s that its cursor is too old, and gets what is kept', async (to) => {
      const { node } = await visitors.start({ size: 5 });
      const channels = ['open:a'];
      const first = await visitors.open(giving.at(-1) ?? to, { channels });
      for (let n = 1; n <= 2; n++) await node.publish('open:a', `{"n":${n}}`);
      await first.has(2);
      first.cut();
      for (let n = 3; n <= 20; n++) await node.publish('open:a', `{"n":${n}}`);
      const second = await visitors.open(to, { channels, cursor: first.cursor });
      await second.has(5);
      expect(second.numbers).toEqual([16, 17, 18, 19, 20]);
      expect(second.recovered).toBe(false);
      if (to !== 'websocket/bare') expect(second.gaps.length).toBe(1);
    });

    test.each(taking)('is told on %s that the epoch of its cursor is gone', async (to) => {
      const channels = ['open:a'];
      const first = await visitors.open(giving.at(-1) ?? to, { channels });
      await visitors.host.node.publish('open:a', '{"n":1}');
      await first.has(1);
      const cursor = outdate(first.cursor);
      expect(cursor).not.toBe(first.cursor);
      await visitors.start();
      await visitors.host.node.publish('open:a', '{"n":2}');
      const second = await visitors.open(to, { channels, cursor });
      await second.has(1);
      expect([second.numbers, second.recovered]).toEqual([[2], false]);
    });

    test.each(taking)('starts on %s at the newest, or where it asks to', async (to) => {
      const { node } = visitors.host;
      const channels = ['open:a'];
      for (let n = 1; n <= 5; n++) await node.publish('open:a', `{"n":${n}}`);
      const all = await visitors.open(to, { channels, more: 'from=oldest' });
      const two = await visitors.open(to, { channels, more: 'last=2' });
      const live = await visitors.open(to, { channels });
      await Promise.all([all.has(5), two.has(2)]);
      await node.publish('open:a', '{"n":6}');
      await Promise.all([all.has(6), two.has(3), live.has(1)]);
      expect([all.numbers, two.numbers, live.numbers]).toEqual([upTo(6), [4, 5, 6], [6]]);
    });
  });
}

/** Numbers below `bound`, the same ones for the same seed. */
function lottery(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
