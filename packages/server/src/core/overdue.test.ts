import { describe, expect, test } from 'vitest';
import { type CoreHost, keeping, memoryBroker, startCore, type TestClient } from '../testing/core-host.ts';
import { SlowInboxes } from '../testing/slow-inboxes.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { createCounters } from './figures.ts';
import { MemoryInboxes } from './inbox-store.ts';
import type { LifecycleSink } from './lifecycle.ts';
import { Overdue } from './overdue.ts';
import { type Rule, Rules } from './rules.ts';

const overdueMs = 60_000;
const rules: readonly Rule[] = [
  {
    ...{ pattern: 'user:{uid}', subscribe: 'owner', publish: 'nobody', readHistory: 'owner' },
    ...{ retention: { ...keeping, ttlMs: 600_000 }, inbox: { overdueMs } },
  },
];

interface World {
  readonly host: CoreHost;
  readonly told: unknown[];
  push(user?: string): Promise<void>;
  ack(offset: number): Promise<void>;
}

async function start(options: Parameters<typeof startCore>[0] = {}, wants = true): Promise<World> {
  const told: unknown[] = [];
  const sink: LifecycleSink = {
    wants: (name) => wants && name === 'inboxOverdue',
    tell: (name, event) => void told.push({ name, ...event }),
  };
  const host = await startCore({ rules, lifecycle: [sink], ...options });
  let client: TestClient | undefined;
  return {
    host,
    told,
    push: async (user = 'ann') => void (await host.node.publish(`user:${user}`, '1')),
    ack: async (offset) => {
      client ??= host.connect({ token: 'token-ann' });
      await client.ask({ op: 'ack', channel: 'user:ann', offset });
    },
  };
}

const overdue = (offset: number, unread: number, user = 'ann') => ({
  ...{ name: 'inboxOverdue', user, channel: `user:${user}`, offset, unread },
});

describe('INB8 inboxOverdue', () => {
  test('is told of a user who never was online, when the time is over and not before', async () => {
    const { host, told, push } = await start();
    await push();
    await host.clock.elapse(overdueMs - 1_000);
    expect(told).toEqual([]);
    await host.clock.elapse(1_000);
    expect(told).toEqual([overdue(1, 1)]);
    expect(host.node.figures().counters.overdue).toBe(1);
  });

  test('is told once for all messages, and not again before an acknowledgement', async () => {
    const { host, told, push } = await start();
    for (let count = 0; count < 5; count++) {
      await push();
      await host.clock.elapse(20_000);
    }
    expect(told).toEqual([overdue(1, 3)]);
    await host.clock.elapse(5 * overdueMs);
    expect(told).toHaveLength(1);
    expect(host.clock.timers).toBeLessThan(5);
  });

  test('is told again after an acknowledgement, for what is overdue then', async () => {
    const { host, told, push, ack } = await start();
    await push();
    await push();
    await host.clock.elapse(30_000);
    await push();
    await host.clock.elapse(30_000);
    expect(told).toEqual([overdue(1, 3)]);
    await ack(1);
    await host.settle();
    expect(told).toEqual([overdue(1, 3), overdue(2, 2)]);
    await ack(2);
    await host.clock.elapse(29_000);
    expect(told).toHaveLength(2);
    await host.clock.elapse(2_000);
    expect(told.slice(2)).toEqual([overdue(3, 1)]);
  });

  test('is not told of what was acknowledged in time, by any device or by the server side', async () => {
    const { host, told, push, ack } = await start();
    await push();
    await ack(1);
    await push('bob');
    const inbox = host.node.inboxes.named({ user: 'bob' });
    await host.node.inboxes.acknowledge(inbox, { device: undefined, offset: 1 });
    await host.clock.elapse(30_000);
    await push();
    await host.clock.elapse(31_000);
    expect(told).toEqual([]);
    await host.clock.elapse(30_000);
    expect(told).toEqual([overdue(2, 1)]);
  });

  test('is not told of what is gone', async () => {
    const { host, told, push } = await start();
    await push();
    await host.node.removeHistory('user:ann');
    await host.clock.elapse(2 * overdueMs);
    expect(told).toEqual([]);
    await push();
    await host.clock.elapse(overdueMs);
    expect(told).toEqual([overdue(2, 1)]);
  });

  test('counts from the publication, whatever came in the meantime', async () => {
    const { host, told, push, ack } = await start();
    await push();
    await host.clock.elapse(50_000);
    await push();
    await ack(1);
    await host.clock.elapse(overdueMs - 1_000);
    expect(told).toEqual([]);
    await host.clock.elapse(1_000);
    expect(told).toEqual([overdue(2, 1)]);
  });

  test('costs one place for each inbox, and one timer', async () => {
    const { host, told, push } = await start();
    const before = host.clock.timers;
    for (let user = 0; user < 500; user++) for (let count = 0; count < 3; count++) await push(`u${user}`);
    expect(host.clock.timers).toBe(before + 1);
    await host.clock.elapse(overdueMs + 1_000);
    expect(told).toHaveLength(500);
    expect(told).toContainEqual(overdue(1, 3, 'u499'));
  });

  test('where nobody wants to know, is not taken as told', async () => {
    const { host, told, push } = await start({}, false);
    await push();
    await host.clock.elapse(2 * overdueMs);
    expect(told).toEqual([]);
    expect(host.node.figures().counters.overdue).toBe(0);
  });

  test('is told when the store answers again, and asks it for few inboxes at a time', async () => {
    const clock = new VirtualClock();
    const store = new SlowInboxes(new MemoryInboxes(clock, { inboxesGivenUp: 0 }), clock);
    const { host, told, push } = await start({ clock, stores: { inboxes: store } });
    for (let user = 0; user < 100; user++) await push(`u${user}`);
    store.isDown = true;
    await host.clock.elapse(overdueMs + 1_000);
    expect(told).toEqual([]);
    expect(host.errors.length).toBe(100);
    store.isDown = false;
    await host.clock.elapse(20_000);
    expect(told).toHaveLength(100);
    expect(store.mostAtATime).toBeLessThanOrEqual(16);
  });

  test('watches so many inboxes and no more, and says so once', async () => {
    const clock = new VirtualClock();
    const host = await startCore({ rules, clock });
    const [counters, warnings, told] = [createCounters(), [] as string[], [] as string[]];
    const quiet = { debug() {}, info() {}, error() {} };
    const overdue = new Overdue({
      ...{ clock, counters, broker: host.broker, rules: new Rules(rules), maxInboxes: 2 },
      store: new MemoryInboxes(clock, counters),
      lifecycle: { wants: () => true, tell: (_, event) => void told.push(JSON.stringify(event)) },
      log: { ...quiet, warn: (message) => void warnings.push(message) },
    });
    for (const user of ['a', 'b', 'c', 'd', 'a']) {
      await host.node.publish(`user:${user}`, '1');
      overdue.published(`user:${user}`, overdueMs);
    }
    expect([overdue.size, counters.overdueUnwatched]).toEqual([2, 2]);
    expect(warnings).toEqual([expect.stringContaining('more than 2 inboxes')]);
    await clock.elapse(overdueMs + 1_000);
    expect([told.length, overdue.size]).toEqual([2, 0]);
    overdue.published('user:c', overdueMs);
    expect(overdue.size).toBe(1);
  });

  test('is told of what was published before the process began', async () => {
    const clock = new VirtualClock();
    const broker = memoryBroker(clock);
    const inboxes = new MemoryInboxes(clock, createCounters());
    const stores = { inboxes };
    const first = await start({ clock, broker, stores });
    for (const user of ['ann', 'bob', 'cat']) await first.push(user);
    await first.ack(1);
    await clock.elapse(30_000);
    await first.push('bob');
    await first.host.node.close();
    const second = await start({ clock, broker, stores });
    await clock.elapse(29_000);
    expect(second.told).toEqual([]);
    await clock.elapse(2_000);
    expect(second.told).toHaveLength(2);
    expect(second.told).toEqual(expect.arrayContaining([overdue(1, 2, 'bob'), overdue(1, 1, 'cat')]));
    await second.host.node.close();
    const third = await start({ clock, broker, stores });
    await clock.elapse(2 * overdueMs);
    expect(third.told).toEqual([]);
  });

  test('ends with the node', async () => {
    const { host, told, push } = await start();
    await push();
    await host.node.close();
    await host.clock.elapse(2 * overdueMs);
    expect(told).toEqual([]);
  });
});
