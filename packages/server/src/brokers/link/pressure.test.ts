/** What happens on a link when one end is slower than the other. */
import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type LinkedBroker, LinkMachine } from '../../testing/link-machine.ts';
import { settled } from '../../testing/linked.ts';
import { gapFrame } from './messages.ts';

const kept = { retention: { size: 100, ttlMs: 60_000 } };
const large = JSON.stringify('x'.repeat(500_000));
const machines: LinkMachine[] = [];
const eventually = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 20_000 });

async function start() {
  const machine = await LinkMachine.start();
  machines.push(machine);
  const workers = await machine.workers(2);
  const [slow, quick] = workers as [LinkedBroker, LinkedBroker];
  await Promise.all(workers.map(({ broker }) => broker.subscribe('a')));
  return { machine, slow, quick };
}

/** Publishes without waiting; how many were answered so far. */
function publishing({ broker }: LinkedBroker, channel: string, data: string, count: number) {
  const counted = { answers: 0, all: Promise.resolve() as Promise<unknown> };
  const each = Array.from({ length: count }, () =>
    broker.publish(channel, data, kept).then(() => {
      counted.answers += 1;
    }),
  );
  counted.all = Promise.all(each);
  return counted;
}

/** The quick worker has everything, and the link of the slow one is beyond what publishers wait for. */
async function fill({ machine, slow, quick }: Awaited<ReturnType<typeof start>>, count = 8) {
  slow.socket.pause();
  const all = quick.seen.length + count;
  const counted = publishing(quick, 'a', large, count);
  await eventually(() => expect(quick.seen).toHaveLength(all));
  expect(machine.streams[0]?.waitingBytes).toBeGreaterThan(limits.linkFullBytes);
  return counted;
}

afterEach(async () => {
  for (const machine of machines.splice(0)) await machine.end();
});

describe('publishers', () => {
  test('wait for a worker that is behind, and go on when it has caught up', async () => {
    const world = await start();
    const counted = await fill(world);
    await settled(100);
    expect(counted.answers).toBeLessThan(8);
    world.slow.socket.resume();
    await counted.all;
    await eventually(() => expect(world.slow.seen).toEqual(world.quick.seen));
    expect(world.slow.gaps).toEqual([]);
    await eventually(() => expect(world.machine.streams[0]?.waitingBytes).toBe(0));
  });

  test('wait for it so long and not longer, and then no more before it has caught up', async () => {
    const world = await start();
    const { machine, slow, quick } = world;
    const counted = await fill(world);
    machine.clock.advance(limits.linkPatienceMs - 1);
    await settled(100);
    expect(counted.answers).toBeLessThan(8);
    machine.clock.advance(1);
    await counted.all;
    await quick.broker.publish('a', '"at once"', kept);
    slow.socket.resume();
    await eventually(() => expect(slow.seen).toEqual(quick.seen));
    // It has caught up, and has to fall behind anew.
    const again = await fill(world, 17);
    await settled(100);
    expect(again.answers).toBeLessThan(17);
    slow.socket.resume();
    await again.all;
  });

  test('wait for nobody who has no subscriber of the channel, or is gone', async () => {
    const world = await start();
    const { machine, slow, quick } = world;
    const counted = await fill(world);
    await quick.broker.publish('b', '1', kept);
    slow.socket.destroy();
    await counted.all;
    expect(machine.clock.timers).toBe(1);
    await quick.broker.publish('a', '1', kept);
  });
});

describe('a worker that has no room for more', () => {
  test('takes nothing until it has, and loses nothing', async () => {
    const world = await start();
    const { machine, slow, quick } = world;
    let goOn: () => void = () => {};
    slow.wait = new Promise((resolve) => {
      goOn = resolve;
    });
    const counted = publishing(quick, 'a', large, 8);
    await eventually(() => expect(quick.seen).toHaveLength(8));
    await settled(100);
    expect(slow.batches).toHaveLength(1);
    expect(machine.streams[0]?.waitingBytes).toBeGreaterThan(limits.linkFullBytes);
    expect(counted.answers).toBeLessThan(8);
    slow.wait = undefined;
    goOn();
    await counted.all;
    await eventually(() => expect(slow.seen).toEqual(quick.seen));
    expect(slow.gaps).toEqual([]);
  });
});

describe('a worker that does not read', () => {
  test('gets a gap for each channel instead of more than its bound', async () => {
    const { machine, slow, quick } = await start();
    await Promise.all([slow.broker.subscribe('b'), quick.broker.subscribe('b')]);
    slow.socket.pause();
    const count = Math.ceil(limits.linkWaitingBytes / large.length) + 20;
    const counted = publishing(quick, 'a', large, count);
    await eventually(() => expect(quick.seen).toHaveLength(count));
    expect(machine.streams[0]?.waitingBytes).toBeLessThan(limits.linkWaitingBytes + large.length * 2);
    // Nothing more piles up behind it, so nobody has to wait.
    await quick.broker.publish('b', '1', kept);
    machine.clock.advance(limits.linkPatienceMs);
    await counted.all;
    slow.socket.resume();
    await eventually(() => expect(slow.gaps.toSorted()).toEqual(['a', 'b']));
    expect(slow.seen.length).toBeLessThan(count);
    await quick.broker.publish('a', '"after"', kept);
    await eventually(() => expect(slow.seen.at(-1)).toBe(`a ${count + 1} "after"`));
    const { publications } = await slow.broker.history('a', { limit: 100 });
    expect(publications).toHaveLength(count + 1);
  });

  test('is told of its gaps though answers keep its link busy', async () => {
    const { machine, slow, quick } = await start();
    slow.socket.pause();
    const count = Math.ceil(limits.linkWaitingBytes / large.length) + 8;
    const counted = publishing(quick, 'a', large, count);
    await eventually(() => expect(quick.seen).toHaveLength(count));
    machine.clock.advance(limits.linkPatienceMs);
    await counted.all;
    // Whatever is taken, something follows: the link is never empty, until it has told of the gap.
    const [stream] = machine.streams;
    stream?.onTaken(() => {
      if (!slow.gaps.includes('a')) stream.send(gapFrame('filler'));
    });
    slow.socket.resume();
    await eventually(() => expect(slow.gaps).toContain('a'));
  });

  test('has no more pages of history read for it than it takes', async () => {
    const { machine, slow, quick } = await start();
    for (let number = 0; number < 10; number++) await quick.broker.publish('a', large, kept);
    await eventually(() => expect(slow.seen).toHaveLength(10));
    slow.socket.pause();
    const pages = Array.from({ length: 60 }, (_, index) =>
      slow.broker.history('a', { limit: 1, sinceOffset: index % 10, maxBytes: 1_000 + index }),
    );
    await eventually(() => expect(machine.streams[0]?.waitingBytes).toBeGreaterThan(limits.linkFullBytes));
    await settled(200);
    expect(machine.streams[0]?.waitingBytes).toBeLessThan(limits.linkFullBytes + 8 * large.length);
    expect(machine.inner.reads).toBeLessThan(20);
    slow.socket.resume();
    const read = await Promise.all(pages);
    expect(read.map(({ publications }) => publications[0]?.offset)).toEqual(
      pages.map((_, index) => (index % 10) + 1),
    );
    expect(machine.inner.reads).toBe(60);
  });

  test('that ends leaves nobody waiting', async () => {
    const { machine, slow, quick } = await start();
    for (let number = 0; number < 10; number++) await quick.broker.publish('a', large, kept);
    slow.socket.pause();
    const pages = Array.from({ length: 60 }, (_, index) =>
      slow.broker.history('a', { limit: 1, sinceOffset: index % 10, maxBytes: 1_000 + index }),
    );
    const refused = Promise.allSettled(pages);
    await eventually(() => expect(machine.streams[0]?.waitingBytes).toBeGreaterThan(limits.linkFullBytes));
    slow.socket.destroy();
    expect((await refused).map(({ status }) => status)).toEqual(pages.map(() => 'rejected'));
    await eventually(() => expect(machine.streams[0]?.isOver).toBe(true));
    await settled(100);
    expect(machine.clock.timers).toBe(1);
  });
});

describe('a primary that does not read', () => {
  test('is asked so much and not more, and hears what is let go', async () => {
    const { machine, slow } = await start();
    const [socket] = machine.sockets;
    socket?.pause();
    const count = Math.ceil(limits.linkAskedBytes / large.length) + 20;
    const asked = Array.from({ length: count }, () => slow.broker.publish('c', large, kept));
    const outcomes = Promise.allSettled(asked);
    expect(slow.stream.waitingBytes).toBeLessThan(limits.linkAskedBytes + 2 * large.length);
    await expect(slow.broker.publish('c', '1', kept)).rejects.toMatchObject({ code: 108, status: 503 });
    await expect(slow.broker.history('c', { limit: 1 })).rejects.toMatchObject({ code: 108 });
    const left = slow.broker.unsubscribe('a');
    socket?.resume();
    await left;
    const kinds = (await outcomes).map(({ status }) => status);
    const published = kinds.filter((status) => status === 'fulfilled').length;
    expect(kinds.slice(published)).toEqual(Array(count - published).fill('rejected'));
    expect((await slow.broker.history('c', { limit: 100 })).top).toBe(published);
    expect(published).toBeGreaterThanOrEqual(Math.floor(limits.linkAskedBytes / large.length));
  });

  test('that answers nothing is asked so much and not more', async () => {
    const { machine, slow } = await start();
    machine.sockets[0]?.pause();
    const asked = Array.from({ length: limits.linkQuestions }, () => slow.broker.answered('a', 'k'));
    await expect(slow.broker.answered('a', 'k')).rejects.toMatchObject({ code: 108 });
    machine.sockets[0]?.resume();
    expect(new Set(await Promise.all(asked))).toEqual(new Set([undefined]));
  });
});

describe('one turn', () => {
  test('of publications in one channel arrives at once, in order with what else is answered', async () => {
    const { slow, quick } = await start();
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => quick.broker.publish('a', String(index), kept)),
    );
    await eventually(() => expect(slow.seen).toHaveLength(50));
    expect(slow.seen).toEqual(quick.seen);
    expect(slow.batches.length).toBeLessThan(10);
  });

  test('in which many subscribers ask for the same page reads it once', async () => {
    const { machine, slow } = await start();
    await slow.broker.publish('a', '1', kept);
    const before = machine.inner.reads;
    const read = (sinceOffset: number) => slow.broker.history('a', { sinceOffset, limit: 10 });
    const pages = await Promise.all(Array.from({ length: 500 }, () => read(0)));
    expect(machine.inner.reads).toBe(before + 1);
    expect(new Set(pages.map(({ top }) => top))).toEqual(new Set([1]));
    await Promise.all([read(0), read(1)]);
    expect(machine.inner.reads).toBe(before + 3);
  });

  test('does not share a page that is asked for again after something new', async () => {
    const { slow } = await start();
    const first = slow.broker.history('a', { limit: 10 });
    await settled(2);
    await slow.broker.publish('a', '1', kept);
    const second = slow.broker.history('a', { limit: 10 });
    expect([(await first).top, (await second).top]).toEqual([0, 1]);
  });
});
