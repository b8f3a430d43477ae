import { limits, type StandardResult, type StandardSchema } from '@carillon/protocol';
import * as v from 'valibot';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { MemoryBroker } from '../brokers/memory/broker.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Node } from './node.ts';
import { Rules } from './rules.ts';

const retention = { size: 5_000, ttlMs: 600_000 };
const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone', retention } as const;
const order = z.object({
  id: z.number(),
  items: z.array(z.object({ price: z.number().min(0) })).default([]),
});

/** Schemas that answer when the test says so, in any order. */
let verdicts: Map<unknown, (result: StandardResult<unknown> | Error) => void>;
const late: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      if (value === 'soon') return { value };
      return new Promise((resolve, reject) =>
        verdicts.set(value, (result) => (result instanceof Error ? reject(result) : resolve(result))),
      );
    },
  },
};
const tree: z.ZodType = z.lazy(() => z.array(tree));

let clock: VirtualClock;
let node: Node;

beforeEach(async () => {
  verdicts = new Map();
  clock = new VirtualClock();
  node = new Node({
    broker: new MemoryBroker({ clock, newEpoch: () => 'e1', maxBytes: 1e9 }),
    rules: new Rules([
      { pattern: 'order:*', ...open, schema: order },
      { pattern: 'order:raw:*', ...open },
      { pattern: 'mood', ...open, schema: v.picklist(['good', 'bad']) },
      { pattern: 'late:*', ...open, schema: late },
      { pattern: 'tree', ...open, schema: tree },
      { pattern: 'buggy', ...open, schema: late },
    ]),
    authenticator: { admitsAnonymous: true, authenticate: () => Promise.reject(new Error('nobody')) },
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    newSessionId: () => 's',
    channelsPerConnection: 10,
    laneLogBytes: 1_000_000,
  });
  await node.start();
  return () => node.close();
});

async function kept(channel: string): Promise<readonly string[]> {
  return (await node.history(channel, {})).publications.map(({ data }) => data);
}

function refused(channel: string, data: string): Promise<{ code: number; message: string }> {
  return node.publish(channel, data).then(
    () => ({ code: 0, message: 'published' }),
    ({ code, message }) => ({ code, message }),
  );
}

describe('a publication that fits', () => {
  test('is published as it was written, whatever the schema would make of it', async () => {
    const text = '{"more":12345678901234567890,"id":1.50}';
    expect(await node.publish('order:1', text)).toEqual({ epoch: 'e1', offset: 1 });
    await node.publish('mood', '"good"');
    expect([await kept('order:1'), await kept('mood')]).toEqual([[text], ['"good"']]);
  });

  test('is judged by the most specific rule alone', async () => {
    await node.publish('order:raw:1', '"anything"');
    expect(await kept('order:raw:1')).toEqual(['"anything"']);
  });
});

describe('a publication that does not fit', () => {
  test.each([
    ['order:1', '{"id":"1"}', "'data.id': Invalid input: expected number, received string"],
    ['order:1', '{"id":1,"items":[{"price":1},{"price":-1}]}', "'data.items[1].price': Too small"],
    ['order:1', 'null', "'data': Invalid input: expected object, received null"],
    ['mood', '"fair"', `'data': Invalid type: Expected ("good" | "bad") but received "fair"`],
  ])('is refused with the place of the fault: %s %s', async (channel, data, sentence) => {
    const { code, message } = await refused(channel, data);
    expect(code).toBe(107);
    expect(message).toContain(sentence);
    expect(await kept(channel)).toEqual([]);
  });

  test('is told at most five faults, and none at length', async () => {
    const items = Array.from({ length: 9 }, () => ({ price: 'x' }));
    const { message } = await refused('order:1', JSON.stringify({ id: 1, items }));
    expect(message.match(/'data\./g)).toHaveLength(limits.schemaIssues);
    expect(message).toContain('; and 4 more');
    const long = await refused('mood', JSON.stringify('x'.repeat(10_000)));
    expect(long.message.length).toBeLessThan(300);
  });

  test('is refused where it is bytes', async () => {
    await expect(node.publish('mood', '"Z29vZA=="', { binary: true })).rejects.toMatchObject({ code: 107 });
    expect(await kept('mood')).toEqual([]);
  });

  test('is refused where it goes deeper than the schema can follow', async () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect((await refused('tree', deep(50))).code).toBe(0);
    expect(await refused('tree', deep(30_000))).toMatchObject({
      code: 107,
      message: expect.stringContaining('nested too deep'),
    });
  });
});

describe('a schema that answers later', () => {
  test('keeps the order of a channel, whichever answer comes first', async () => {
    const all = ['a', 'b', 'soon', 'c'].map((name) => node.publish('late:1', `"${name}"`));
    const other = node.publish('late:2', '"soon"');
    expect(await other).toMatchObject({ offset: 1 });
    const timers = clock.timers - 3;
    verdicts.get('c')?.({ value: 'c' });
    verdicts.get('b')?.({ issues: [{ message: 'no' }] });
    await Promise.resolve();
    expect(await kept('late:1')).toEqual([]);
    verdicts.get('a')?.({ value: 'a' });
    const [, refusal, ...rest] = await Promise.allSettled(all);
    expect(refusal).toMatchObject({ status: 'rejected', reason: { code: 107 } });
    expect(rest.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await kept('late:1')).toEqual(['"a"', '"soon"', '"c"']);
    expect(clock.timers).toBe(timers);
  });

  test('is given up after a while, and the next publication goes on', async () => {
    const first = refused('late:1', '"a"');
    const second = refused('late:1', '"soon"');
    clock.advance(limits.schemaCheckMs);
    expect(await first).toMatchObject({ code: 108, message: expect.stringContaining('5000 ms') });
    expect(await second).toMatchObject({ code: 0 });
    expect(await kept('late:1')).toEqual(['"soon"']);
  });

  test('may have so many waiting, and then refuses at once', async () => {
    const waiting = Array.from({ length: limits.waiting }, (_, at) => node.publish('late:1', `${at}`));
    expect(await refused('late:2', '"a"')).toMatchObject({ code: 108 });
    expect(await refused('late:1', '"soon"')).toMatchObject({ code: 108 });
    for (const [value, settle] of verdicts) settle({ value });
    await Promise.all(waiting);
    expect(await refused('late:1', '"soon"')).toMatchObject({ code: 0 });
    const { publications } = await node.history('late:1', { limit: 3, reverse: true });
    expect(publications.map(({ data }) => data)).toEqual(['"soon"', '9999', '9998']);
  });

  test('that fails by a fault of its own lets nothing pass', async () => {
    const published = node.publish('buggy', '"a"');
    verdicts.get('a')?.(new Error('a bug'));
    await expect(published).rejects.toThrow('a bug');
    expect(await kept('buggy')).toEqual([]);
  });
});
