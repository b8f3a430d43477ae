import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import type { BrokerSink } from '../../core/broker.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { brokerContract } from '../broker.contract.ts';
import { MemoryBroker } from './broker.ts';

const silent: BrokerSink = { publications() {}, gap() {} };
const keeping = { retention: { size: 100, ttlMs: 60_000 } };
const day = 86_400_000;
const kilobyte = JSON.stringify('x'.repeat(998));

async function start(maxBytes?: number): Promise<{ broker: MemoryBroker; clock: VirtualClock }> {
  const clock = new VirtualClock();
  let epochs = 0;
  const newEpoch = (): string => `epoch-${++epochs}`;
  const broker = new MemoryBroker({ clock, newEpoch, ...(maxBytes !== undefined && { maxBytes }) });
  await broker.start(silent);
  return { broker, clock };
}

brokerContract('memory', async () => {
  const clock = new VirtualClock();
  let epochs = 0;
  const broker = new MemoryBroker({ clock, newEpoch: () => `epoch-${++epochs}` });
  return { broker, elapse: async (ms) => clock.advance(ms) };
});

describe('the bound over all channels', () => {
  test('the channel that was published to longest ago gives up its history first', async () => {
    const { broker } = await start(20_000);
    for (const channel of ['old', 'busy', 'middle', 'busy']) await broker.publish(channel, kilobyte, keeping);
    const has = async (channel: string): Promise<number> =>
      (await broker.history(channel, { limit: 100 })).publications.length;
    for (let round = 0; (await has('old')) > 0; round++) {
      expect(round).toBeLessThan(20);
      await broker.publish('filler', kilobyte, keeping);
    }
    expect([await has('middle'), await has('busy')]).toEqual([1, 2]);
    for (let round = 0; (await has('middle')) > 0; round++) {
      expect(round).toBeLessThan(20);
      await broker.publish('filler', kilobyte, keeping);
    }
    expect(await has('busy')).toBe(2);
    expect(broker.bytes).toBeLessThanOrEqual(20_000);
  });

  test('holds over many channels of any size', async () => {
    const { broker } = await start(50_000);
    for (let count = 0; count < 2_000; count++) {
      await broker.publish(`c${count % 300}`, JSON.stringify('é'.repeat(count % 700)), keeping);
      expect(broker.bytes).toBeLessThanOrEqual(50_000);
    }
  });

  test('of channels that are published to in turn, none gives up more than it must', async () => {
    const { broker } = await start(50_000);
    for (let count = 0; count < 200; count++) {
      for (const channel of ['a', 'b']) await broker.publish(channel, kilobyte, keeping);
      const kept = (await broker.history('a', { limit: 100 })).publications.length;
      expect(kept).toBeGreaterThanOrEqual(Math.min(count, 3));
      expect(broker.bytes).toBeLessThanOrEqual(50_000);
    }
    // Nothing that would have fitted is gone.
    expect(broker.bytes).toBeGreaterThan(48_000);
  });

  test('one channel alone gives up its oldest publications, never the one just published', async () => {
    const { broker } = await start(10_000);
    for (let count = 0; count < 50; count++) await broker.publish('a', kilobyte, keeping);
    const { publications, top } = await broker.history('a', { limit: 100 });
    expect(publications.at(-1)?.offset).toBe(50);
    expect(publications.length).toBeGreaterThan(1);
    expect(top).toBe(50);
    expect(broker.bytes).toBeLessThanOrEqual(10_000);
    await broker.publish('a', JSON.stringify('x'.repeat(20_000)), keeping);
    expect((await broker.history('a', { limit: 100 })).publications.map(({ offset }) => offset)).toEqual([
      51,
    ]);
  });

  test('a channel with subscribers loses its history but never its epoch', async () => {
    const { broker } = await start(5_000);
    await broker.subscribe('followed');
    const before = await broker.publish('followed', kilobyte, keeping);
    for (let count = 0; count < 40; count++) await broker.publish(`c${count}`, kilobyte, keeping);
    const after = await broker.history('followed', { limit: 10 });
    expect(after).toEqual({ epoch: before?.epoch, top: 1, oldest: 2, publications: [] });
  });
});

describe('what the count of bytes says', () => {
  test('the same after everything has expired as a channel costs that never had any', async () => {
    const { broker, clock } = await start();
    await broker.publish('a', '1', keeping);
    await broker.removeHistory('a');
    const empty = broker.bytes;
    for (let count = 0; count < 30; count++) await broker.publish('a', kilobyte, keeping);
    expect(broker.bytes).toBeGreaterThan(30_000);
    clock.advance(70_000);
    expect(broker.bytes).toBe(empty);
  });

  test('is right where a repeat finds that history has expired', async () => {
    const { broker, clock } = await start();
    await broker.publish('a', '1', keeping);
    await broker.removeHistory('a');
    const empty = broker.bytes;
    await broker.publish('a', kilobyte, { retention: { size: 9, ttlMs: 1_000 }, idempotencyKey: 'k' });
    clock.advance(2_000);
    await broker.publish('a', kilobyte, { retention: { size: 9, ttlMs: 1_000 }, idempotencyKey: 'k' });
    clock.advance(limits.idempotencyTtlMs + 10_000);
    expect(broker.bytes).toBe(empty);
  });

  test('nothing when every channel is forgotten', async () => {
    const { broker, clock } = await start();
    for (let count = 0; count < 20; count++) {
      await broker.publish(`c${count}`, kilobyte, { ...keeping, idempotencyKey: `k${count}` });
    }
    clock.advance(2 * day);
    expect(broker.bytes).toBe(0);
    expect(await broker.channels({ pattern: '*', limit: 100 })).toEqual([]);
  });
});

describe('REC12 an idle channel', () => {
  test.each([
    ['a minute', 60_000],
    ['three days', 3 * day],
  ])('keeps epoch and top for a day after its history, kept for %s, is gone', async (_, ttlMs) => {
    const { broker, clock } = await start();
    const position = await broker.publish('a', '1', { retention: { size: 9, ttlMs } });
    clock.advance(ttlMs + limits.positionTtlMs - 10_000);
    expect(await broker.history('a', { limit: 1 })).toEqual({
      epoch: position?.epoch,
      top: 1,
      oldest: 2,
      publications: [],
    });
    const { broker: other, clock: otherClock } = await start();
    const before = await other.publish('a', '1', { retention: { size: 9, ttlMs } });
    otherClock.advance(ttlMs + limits.positionTtlMs + 20_000);
    const after = await other.publish('a', '1', keeping);
    expect(after?.offset).toBe(1);
    expect(after?.epoch).not.toBe(before?.epoch);
  });

  test('keeps them for as long as somebody is subscribed, and for a day after', async () => {
    const { broker, clock } = await start();
    await broker.subscribe('a');
    const { epoch } = await broker.history('a', { limit: 0 });
    clock.advance(10 * day);
    expect((await broker.history('a', { limit: 0 })).epoch).toBe(epoch);
    await broker.unsubscribe('a');
    clock.advance(day - 10_000);
    expect((await broker.history('a', { limit: 0 })).epoch).toBe(epoch);
    clock.advance(20_000);
    expect((await broker.history('a', { limit: 0 })).epoch).not.toBe(epoch);
  });

  test('keeps no timer after close', async () => {
    const { broker, clock } = await start();
    expect(clock.timers).toBe(1);
    await broker.close();
    expect(clock.timers).toBe(0);
  });
});
