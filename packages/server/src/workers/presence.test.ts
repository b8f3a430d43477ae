/** Lists of members over links: what is kept of them in order, and what a worker that is behind is told. */
import { duplexPair } from 'node:stream';
import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { createCounters } from '../core/figures.ts';
import { Grace } from '../core/grace.ts';
import { MemoryPresence } from '../core/memory-presence.ts';
import type { PresenceChange } from '../core/presence-store.ts';
import { Calls } from '../link/calls.ts';
import { FrameStream } from '../link/frames.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { LinkedPresence, SharedPresence } from './presence.ts';

const announced = { announces: true, former: undefined };

/** A primary with lists, and workers of which each writes down what it is told. */
class World {
  readonly clock = new VirtualClock();
  readonly counters = createCounters();
  readonly lists = new MemoryPresence(new Grace(this.clock, 5_000), this.counters);
  /** The workers that have subscribers, whatever the channel. */
  followers: readonly number[] = [];
  readonly desk = new SharedPresence(this.lists, () => this.followers);
  readonly linked = new LinkedWorkers({ shared: [this.desk], clock: this.clock });

  worker(): Worker {
    const worker = new Worker(this.linked.begin());
    this.followers = [...this.followers, worker.id];
    return worker;
  }
}

class Worker {
  readonly store: LinkedPresence;
  readonly heard: string[] = [];
  readonly #end: TestWorker;

  constructor(end: TestWorker) {
    this.#end = end;
    this.store = new LinkedPresence(end.calls);
    this.store.start({ changed: (channel, change) => this.heard.push(textOf(channel, change)) });
  }

  get id(): number {
    return this.#end.id;
  }

  join(channel: string, name: string, user = name): void {
    this.store.join(channel, { session: this.#end.sessionId(name), user }, announced);
  }

  leave(channel: string, name: string, mayReturn: boolean): void {
    this.store.leave(channel, this.#end.sessionId(name), mayReturn);
  }

  end(): void {
    this.#end.end();
  }
}

function textOf(channel: string, change: PresenceChange): string {
  if (change.type === 'gap') return `${channel} gap`;
  return `${channel} ${change.type} ${change.member.session}`;
}

const worlds: World[] = [];

function start(count: number): { world: World; workers: [Worker, Worker] } {
  const world = new World();
  worlds.push(world);
  return { world, workers: Array.from({ length: count }, () => world.worker()) as [Worker, Worker] };
}

afterEach(() => {
  for (const { linked } of worlds.splice(0)) expect(linked.faults).toEqual([]);
});

describe('lists of several workers', () => {
  test('PRE13 have the members of all, and every worker with subscribers is told who comes and goes, in one order', async () => {
    const { world, workers } = start(3);
    const [one, two] = workers;
    world.followers = [one.id, two.id];
    for (const name of ['a', 'b', 'c']) {
      one.join('x', name);
      two.join('x', name);
    }
    await settled();
    one.leave('x', 'a', false);
    await settled();
    expect(one.heard).toHaveLength(7);
    expect(two.heard).toEqual(one.heard);
    expect(world.worker().heard).toEqual([]);
    const list = await two.store.list('x', false);
    expect(list).toEqual(await one.store.list('x', false));
    expect(list).toMatchObject({ sessions: 5, users: 3 });
    expect(list.members.map(({ session }) => session).toSorted()).toEqual([
      '1.b',
      '1.c',
      '2.a',
      '2.b',
      '2.c',
    ]);
    expect(await one.store.stats('x')).toEqual({ sessions: 5, users: 3 });
    expect([world.lists.size, one.store.size, two.store.size]).toEqual([5, 0, 0]);
    expect(Object.fromEntries(world.counters.presenceEvents)).toEqual({ join: 6, leave: 1 });
  });

  test('PRE8 what is told after a list is heard after it', async () => {
    const { workers } = start(2);
    const [one, two] = workers;
    one.join('x', 'a');
    await settled();
    one.heard.length = 0;
    const listed = one.store.list('x', true).then(({ members }) => {
      one.heard.push(`list of ${members.length}`);
    });
    // In one write with the answer, so that both arrive together.
    two.join('x', 'b');
    one.leave('x', 'a', false);
    await listed;
    await settled();
    // Whether the other one's was quicker is chance; that the list has what was told before it, is none.
    const inOrder = [
      ['x join 2.b', 'list of 2', 'x leave 1.a'],
      ['list of 1', 'x join 2.b', 'x leave 1.a'],
      ['list of 1', 'x leave 1.a', 'x join 2.b'],
    ];
    expect(inOrder).toContainEqual(one.heard);
  });

  test('PRE13 the members of a worker that is gone left as with a lost connection: back in time, they were never away', async () => {
    const { world, workers } = start(2);
    const [one, two] = workers;
    for (const name of ['ann', 'bob']) one.join('x', name);
    two.join('x', 'eve');
    await settled();
    // Somebody who follows the list knows all of them.
    await two.store.list('x', true);
    two.heard.length = 0;
    one.end();
    await settled();
    expect(await two.store.list('x', false)).toMatchObject({ members: [{ session: '2.eve' }], sessions: 1 });
    two.join('x', 'ann-again', 'ann');
    await settled();
    await world.clock.elapse(6_000);
    await settled();
    expect(two.heard).toEqual(['x leave 1.bob']);
    expect(await two.store.stats('x')).toEqual({ sessions: 2, users: 2 });
  });
});

test('PRE9 a worker that does not read is told a gap for each channel instead of more than its bound', async () => {
  const lists = new MemoryPresence(new Grace(new VirtualClock(), 0), createCounters());
  const desk = new SharedPresence(lists, () => [1]);
  const [here, there] = duplexPair();
  const faults: string[] = [];
  const failed = (name: string): void => void faults.push(name);
  desk.begun({ id: 1, calls: new Calls(new FrameStream(here), failed) });
  const worker = new LinkedPresence(new Calls(new FrameStream(there), failed));
  const heard: string[] = [];
  worker.start({ changed: (channel, change) => heard.push(textOf(channel, change)) });
  there.pause();
  const info = 'x'.repeat(1_000_000);
  const count = Math.ceil(limits.linkWaitingBytes / info.length) + 20;
  const enter = (channel: string, session: string): void =>
    lists.join(channel, { session, user: session, info }, announced);
  for (let number = 0; number < count; number++) enter('x', `s${number}`);
  enter('y', 's');
  await settled();
  there.resume();
  for (let turns = 0; turns < 100 && !heard.includes('y gap'); turns++) await settled();
  expect(heard.slice(-2).toSorted()).toEqual(['x gap', 'y gap']);
  expect(heard.length).toBeLessThan(count);
  enter('y', 'later');
  await settled();
  expect(heard.at(-1)).toBe('y join later');
  expect(faults).toEqual([]);
});

test('PRE13 who comes and who goes leaves for the primary before the turn ends, with all of the same step', async () => {
  const [here, there] = duplexPair();
  const failed = (): void => {};
  const worker = new LinkedPresence(new Calls(new FrameStream(there, { later: () => {} }), failed));
  const lists = new MemoryPresence(new Grace(new VirtualClock(), 0), createCounters());
  new SharedPresence(lists, () => []).begun({ id: 1, calls: new Calls(new FrameStream(here), failed) });
  worker.join('x', { session: '1.a' }, announced);
  worker.join('x', { session: '1.b' }, announced);
  worker.leave('x', '1.a', false);
  await settled();
  expect(await lists.stats('x')).toMatchObject({ sessions: 1 });
});
