import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { MemoryInboxes } from './inbox-store.ts';

const hour = 3_600_000;
const at = (offset: number, epoch = 'e') => ({ epoch, offset });

function make(bounds = { devices: 3, entries: 1_000 }) {
  const clock = new VirtualClock();
  const counters = { inboxesGivenUp: 0 };
  return { clock, counters, store: new MemoryInboxes(clock, counters, bounds) };
}

describe('INB4 a cursor', () => {
  test('moves forward only, and each device has its own', async () => {
    const { store } = make();
    expect(await store.acknowledge('a', 'x', at(5), hour)).toEqual({
      hasMoved: true,
      isFurther: true,
      furthest: at(5),
    });
    expect(await store.acknowledge('a', 'x', at(3), hour)).toMatchObject({
      hasMoved: false,
      furthest: at(5),
    });
    expect(await store.acknowledge('a', 'y', at(4), hour)).toMatchObject({
      hasMoved: true,
      isFurther: false,
    });
    expect(await store.see('a', 'x', hour)).toEqual(at(5));
    expect(await store.see('a', 'y', hour)).toEqual(at(4));
    expect(await store.see('b', 'x', hour)).toBeUndefined();
  });

  test('goes over to another epoch, wherever it stood in the old one', async () => {
    const { store } = make();
    await store.acknowledge('a', 'x', at(5), hour);
    expect(await store.acknowledge('a', 'x', at(1, 'f'), hour)).toMatchObject({ furthest: at(1, 'f') });
    expect(await store.see('a', 'x', hour)).toEqual(at(1, 'f'));
  });

  test('of all devices at once, and none is made by that', async () => {
    const { store } = make();
    await store.acknowledge('a', undefined, at(2), hour);
    expect(await store.read('a')).toEqual({ furthest: at(2), devices: [] });
    await store.see('a', 'x', hour);
    await store.acknowledge('a', 'y', at(7), hour);
    await store.acknowledge('a', undefined, at(6), hour);
    const { devices, furthest } = await store.read('a');
    expect(furthest).toEqual(at(7));
    expect(devices.map(({ device, acknowledged }) => [device, acknowledged])).toEqual([
      ['x', at(6)],
      ['y', at(7)],
    ]);
  });
});

describe('INB6 what is forgotten', () => {
  test('the device that was away longest, where there are too many', async () => {
    const { store } = make();
    for (const device of ['x', 'y', 'z']) await store.acknowledge('a', device, at(1), hour);
    await store.see('a', 'x', hour);
    await store.see('a', 'new', hour);
    expect((await store.read('a')).devices.map(({ device }) => device)).toEqual(['z', 'x', 'new']);
    expect(await store.see('a', 'y', hour)).toBeUndefined();
    expect(store.entries).toBe(4);
  });

  test('a device that was away for longer than publications are kept, but not what all have read', async () => {
    const { clock, store } = make();
    await store.acknowledge('a', 'x', at(1), hour);
    clock.advance(hour);
    await store.acknowledge('a', 'y', at(2), hour);
    expect((await store.read('a')).devices).toHaveLength(2);
    clock.advance(1);
    expect((await store.read('a')).devices.map(({ device }) => device)).toEqual(['y']);
    expect(await store.see('a', 'x', hour)).toBeUndefined();
    expect((await store.read('a')).furthest).toEqual(at(2));
  });

  test('an inbox that nobody used for so long, without anybody asking for it', async () => {
    const { clock, counters, store } = make();
    for (const channel of ['a', 'b', 'c']) await store.see(channel, 'x', hour);
    clock.advance(hour + 1);
    expect(await store.read('a')).toEqual({ furthest: undefined, devices: [] });
    await store.see('d', 'x', hour);
    expect(store.entries).toBe(2);
    expect(counters.inboxesGivenUp).toBe(0);
  });

  test('the inboxes that were used longest ago, where all together are too many', async () => {
    const { counters, store } = make({ devices: 3, entries: 6 });
    for (const channel of ['a', 'b', 'c']) await store.acknowledge(channel, 'x', at(1), hour);
    await store.see('a', 'x', hour);
    await store.acknowledge('d', 'x', at(1), hour);
    expect(await store.see('a', 'x', hour)).toEqual(at(1));
    expect((await store.read('b')).devices).toEqual([]);
    expect([store.entries, counters.inboxesGivenUp]).toEqual([6, 1]);
  });

  test('a device that the server side forgets begins anew; what it read stays read', async () => {
    const { store } = make();
    await store.acknowledge('a', 'x', at(4), hour);
    await store.forget('a', 'x');
    await store.forget('a', 'nobody');
    await store.forget('nothing', 'x');
    expect(await store.read('a')).toEqual({ furthest: at(4), devices: [] });
    expect(store.entries).toBe(1);
  });
});

test('INB8 what is overdue is told once until there is an acknowledgement', async () => {
  const { clock, store } = make();
  expect(await store.claim('a', at(0), hour)).toBe(true);
  expect(await store.claim('a', at(0), hour)).toBe(false);
  expect(await store.claim('a', at(2), hour)).toBe(true);
  expect(await store.claim('a', at(0, 'f'), hour)).toBe(true);
  clock.advance(hour + 1);
  expect(await store.claim('a', at(0, 'f'), hour)).toBe(true);
});
