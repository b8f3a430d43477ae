import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FeedClientName } from '../testing/feed-clients.ts';
import { pause, type TransportTraits, transportContract, upTo, Visitors } from './transport.contract.ts';

const socket = { isLasting: true, end: 3001 } as const;
const stream = { isNamed: true, tellsGaps: true, isLasting: true, end: 'end', binary: 'object' } as const;
const poll = { isNamed: true, tellsGaps: true, isLasting: false, end: 'end', binary: 'object' } as const;

const traits: Readonly<Record<FeedClientName, TransportTraits>> = {
  'websocket/native': { ...socket, isNamed: true, tellsGaps: true, binary: 'object' },
  'websocket/raw': { ...socket, isNamed: false, tellsGaps: true, binary: 'bytes' },
  'websocket/bare': { ...socket, isNamed: false, tellsGaps: false, binary: 'bytes' },
  'websocket/json': { ...socket, isNamed: true, tellsGaps: true, binary: 'object' },
  sse: { ...stream, isNamed: false },
  ndjson: stream,
  iframe: stream,
  longpoll: poll,
  jsonp: poll,
  'longpoll/raw': { ...poll, isNamed: false },
};

const names = Object.keys(traits) as FeedClientName[];
for (const name of names) transportContract(name, traits[name]);

describe('a client that goes from one transport to another', () => {
  const visitors = new Visitors();
  const given = names.filter((name) => !/native|raw$|bare/.test(name) || name === 'longpoll/raw');
  const taking = names.filter((name) => !/native|websocket\/raw/.test(name));
  const outcome = new Map<string, string>();

  beforeEach(async () => {
    await visitors.start();
  });
  afterEach(() => visitors.stop());
  afterAll(() => {
    const width = Math.max(...names.map(({ length }) => length)) + 2;
    const line = (cells: readonly string[]): string => cells.map((cell) => cell.padEnd(width)).join('');
    const rows = given.map((from) =>
      line([from, ...taking.map((to) => outcome.get(`${from} ${to}`) ?? 'failed')]),
    );
    console.info(['resumed from (down) to (across)', line(['', ...taking]), ...rows].join('\n'));
  });

  for (const from of given) {
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

  test.each(taking)('is told on %s that its cursor is too old, and gets what is kept', async (to) => {
    const { node } = await visitors.start({ size: 5 });
    const channels = ['open:a'];
    const first = await visitors.open('longpoll', { channels });
    for (let n = 1; n <= 2; n++) await node.publish('open:a', `{"n":${n}}`);
    await first.has(2);
    first.cut();
    for (let n = 3; n <= 20; n++) await node.publish('open:a', `{"n":${n}}`);
    const second = await visitors.open(to, { channels, cursor: first.cursor });
    await second.has(5);
    expect(second.numbers).toEqual([16, 17, 18, 19, 20]);
    expect(second.recovered).toBe(false);
    if (to !== 'websocket/bare') expect(second.gaps.length).toBe(1);
    await visitors.host.node.removeHistory('open:a');
  });

  test.each(taking)('is told on %s that the epoch of its cursor is gone', async (to) => {
    const channels = ['open:a'];
    const first = await visitors.open('ndjson', { channels });
    await visitors.host.node.publish('open:a', '{"n":1}');
    await first.has(1);
    const { cursor } = first;
    await visitors.start();
    await visitors.host.node.history('open:before', {});
    await visitors.host.node.publish('open:a', '{"n":2}');
    const second = await visitors.open(to, { channels, cursor: cursor.replace(/\.\w+\./, '.gone.') });
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
    if (traits[to].isLasting) expect(live.recovered).toBeUndefined();
  });
});
