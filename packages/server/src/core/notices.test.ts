import { describe, expect, test } from 'vitest';
import { type CoreHost, keeping, startCore, type TestClient } from '../testing/core-host.ts';
import type { Rule } from './rules.ts';

const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const presence = { announces: true };
const rules: readonly Rule[] = [
  { pattern: 'p:*', ...open, presence, retention: { ...keeping, size: 1_000 } },
  { pattern: 'q:*', ...open, presence },
];

function start(laneLogBytes = 1_048_576): Promise<CoreHost> {
  return startCore({ rules, laneLogBytes, graceMs: 0 });
}

async function enter(host: CoreHost, more: object = {}, capacity?: number): Promise<TestClient> {
  const client = host.connect(capacity === undefined ? {} : { capacity });
  client.send({ op: 'subscribe', channel: 'p:1', ...more });
  await host.settle();
  return client;
}

/** What a client got, in short: `1`, `2` publications, `+s` and `-s` who came and went, `gap`. */
async function story(client: TestClient): Promise<string[]> {
  return (await client.messages()).map((message) => {
    const { data, type, member } = message as {
      readonly data?: unknown;
      readonly type?: string;
      readonly member?: { readonly session: string };
    };
    if (data !== undefined) return String(data);
    if (member !== undefined)
      return `${type === 'join' ? '+' : '-'}${member.session.replace('session-', 's')}`;
    return type ?? 'reply';
  });
}

async function publish(host: CoreHost, from: number, to = from, sessions?: readonly string[]): Promise<void> {
  for (let number = from; number <= to; number++) {
    await host.node.publish('p:1', `${number}`, sessions === undefined ? {} : { exclude: { sessions } });
  }
  await host.settle();
}

describe('events between the publications of a channel with history', () => {
  test('PRE5 reach everybody once, in their order, in one write a turn', async () => {
    const host = await start();
    const ann = await enter(host);
    await publish(host, 1);
    expect(await story(ann)).toEqual(['reply', '1']);
    const writes = ann.connection.writes;
    host.connect().send({ op: 'subscribe', channel: 'p:1' });
    host.connect().send({ op: 'subscribe', channel: 'p:1' });
    for (const number of ['2', '3']) void host.node.publish('p:1', number);
    // What promises have ready still belongs to this turn.
    await new Promise((resolve) => setImmediate(resolve));
    await host.settle();
    expect((await story(ann)).toSorted()).toEqual(['+s2', '+s3', '2', '3']);
    expect(ann.connection.writes).toBe(writes + 1);
  });

  test('PRE5 REC3 a subscriber that recovers gets neither gap nor repeat, and goes live', async () => {
    const host = await start();
    const ann = await enter(host);
    const slow = await enter(host, {}, 0);
    await publish(host, 1, 3);
    const bob = await enter(host);
    await publish(host, 4, 5);
    const [{ result }] = (await (await host.connect()).ask({ op: 'history', channel: 'p:1' })) as [
      { readonly result: { readonly epoch: string } },
    ];
    const back = await enter(host, { since: { epoch: result.epoch, offset: 2 } });
    bob.connection.cut();
    await publish(host, 6);
    expect(await story(back)).toEqual(['reply', '3', '4', '5', '-s3', '6']);
    expect(await story(ann)).toEqual(['reply', '+s2', '1', '2', '3', '+s3', '4', '5', '+s5', '-s3', '6']);
    slow.connection.capacity = Number.POSITIVE_INFINITY;
    expect(await story(slow)).toEqual(['reply', '1', '2', '3', '+s3', '4', '5', '+s5', '-s3', '6']);
    expect(host.node.figures()).toMatchObject({ laneLogBytes: 0, counters: { gaps: 0, rereads: 0 } });
  });

  test('PRE9 who falls behind the log is told that events are missing, and gets every publication', async () => {
    const host = await start(2_000);
    const slow = await enter(host, {}, 0);
    await publish(host, 1);
    const bob = await enter(host);
    await publish(host, 2, 100);
    bob.connection.cut();
    await publish(host, 101);
    slow.connection.capacity = Number.POSITIVE_INFINITY;
    const got = [...(await story(slow)), ...(await story(slow))];
    expect(got.filter((entry) => !Number.isNaN(Number(entry)))).toEqual(
      Array.from({ length: 101 }, (_, index) => `${index + 1}`),
    );
    expect(got.filter((entry) => Number.isNaN(Number(entry)))).toEqual(['reply', 'gap', '-s2']);
    expect(host.node.figures()).toMatchObject({ counters: { rereads: 1 } });
    await enter(host);
    expect(await story(slow)).toEqual(['+s3']);
  });

  test('PRE9 who falls behind the log where no event was is told of nothing', async () => {
    const host = await start(2_000);
    const ann = await enter(host);
    const slow = await enter(host, {}, 0);
    expect(await story(ann)).toEqual(['reply', '+s2']);
    await publish(host, 1, 100);
    slow.connection.capacity = Number.POSITIVE_INFINITY;
    const got = [...(await story(slow)), ...(await story(slow))];
    expect(got).toEqual(['reply', ...Array.from({ length: 100 }, (_, index) => `${index + 1}`)]);
    expect(host.node.figures()).toMatchObject({ counters: { rereads: 1, gaps: 0 } });
  });

  test('PRE9 without history one gap tells of both', async () => {
    const host = await start(2_000);
    const slow = host.connect({ capacity: 0 });
    slow.send({ op: 'subscribe', channel: 'q:1' });
    await host.settle();
    host.connect().send({ op: 'subscribe', channel: 'q:1' });
    for (let number = 1; number <= 100; number++) {
      await host.node.publish('q:1', `${number}`);
      await host.settle();
    }
    slow.connection.capacity = Number.POSITIVE_INFINITY;
    const got = [...(await story(slow)), ...(await story(slow))];
    expect(got.slice(0, 2)).toEqual(['reply', 'gap']);
    expect(got.at(-1)).toBe('100');
    expect(got.filter((entry) => entry === 'gap')).toHaveLength(1);
  });

  test('REC8 exclusions hold among them', async () => {
    const host = await start();
    const ann = await enter(host);
    const bob = await enter(host);
    await enter(host);
    await publish(host, 1, 2, [ann.session]);
    await publish(host, 3);
    expect(await story(ann)).toEqual(['reply', '+s2', '+s3', '3']);
    expect(await story(bob)).toEqual(['reply', '+s3', '1', '2', '3']);
  });

  test('PRE5 a channel that has had no publication yet tells them, too', async () => {
    const host = await start();
    await publish(host, 1, 3);
    await host.settle();
    const ann = await enter(host);
    const bob = await enter(host);
    bob.connection.cut();
    await publish(host, 4);
    const carl = await enter(host, { last: 2 });
    expect(await story(carl)).toEqual(['reply', '3', '4']);
    await enter(host);
    expect(await story(ann)).toEqual(['reply', '+s2', '-s2', '4', '+s3', '+s4']);
    expect(await story(carl)).toEqual(['+s4']);
  });
});
