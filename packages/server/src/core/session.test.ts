import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { LineWire } from '../testing/line-wire.ts';

const subscribe = { op: 'subscribe', channel: 'h:1' };

describe('a connection that is full', () => {
  test('is given replies when it drains, before anything live', async () => {
    const host = await startCore();
    const client = host.connect({ capacity: 10 });
    await client.ask(subscribe);
    await host.node.publish('h:1', '1');
    await host.settle();
    client.connection.isPaused = false;
    client.send({ op: 'ping' });
    await host.node.publish('h:1', '2');
    expect(await client.messages()).toEqual([
      { event: 'h:1', data: 1, offset: 1 },
      { result: 'pong' },
      { event: 'h:1', data: 2, offset: 2 },
    ]);
  });

  test('falls behind in all of its channels, and loses nothing', async () => {
    const host = await startCore();
    const client = host.connect({ capacity: 40 });
    for (const channel of ['h:1', 'h:2', 'n:1']) await client.ask({ op: 'subscribe', channel });
    for (let turn = 0; turn < 10; turn++) {
      for (const channel of ['h:1', 'h:2', 'n:1']) await host.node.publish(channel, `${turn}`);
      await host.settle();
    }
    const messages = (await client.messages()) as { event: string; data: number }[];
    for (const channel of ['h:1', 'h:2', 'n:1']) {
      const data = messages.filter(({ event }) => event === channel).map(({ data: number }) => number);
      expect(data).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
  });

  test('WS14 is closed with 3008 when too much waits for it besides publications', async () => {
    const host = await startCore();
    const client = host.connect({ capacity: 10 });
    await client.ask(subscribe);
    const data = JSON.stringify('x'.repeat(60_000));
    for (let count = 0; count < 20; count++) await host.node.publish('h:1', data);
    await host.settle();
    expect(client.connection.ended).toBeUndefined();
    for (let count = 0; count < 10; count++) {
      // A client that sends on though nobody reads it, as far as this test can make it.
      client.connection.isPaused = false;
      client.send([
        { op: 'publish', channel: 'h:2', data: 'x' },
        ...Array(999).fill({ op: 'ping', id: 'x'.repeat(200) }),
      ]);
      client.connection.isPaused = false;
      await host.settle();
    }
    for (let count = 0; count < 20; count++) {
      client.connection.isPaused = false;
      client.send(Array(1_000).fill({ op: 'ping', id: 'x'.repeat(250) }));
      await host.settle();
    }
    expect(client.connection.ended).toEqual({ code: 3008, reason: 'slow' });
    expect(host.node.figures()).toMatchObject({ sessions: 0, subscriptions: 0, laneLogBytes: 0 });
  });

  test('does not make the server hold many histories', async () => {
    const host = await startCore();
    const data = JSON.stringify('x'.repeat(60_000));
    for (let count = 0; count < 20; count++) await host.node.publish('h:1', data);
    const client = host.connect({ capacity: 100_000 });
    for (let count = 0; count < 30; count++) client.send({ op: 'history', channel: 'h:1' });
    await host.settle();
    expect(client.connection.pending).toBeLessThan(limits.historyPageBytes + 10_000);
    expect(await client.messages()).toHaveLength(30);
    expect(client.connection.ended).toBeUndefined();
  });
});

describe('the end of a session', () => {
  test('leaves nothing behind, whichever side it comes from', async () => {
    const host = await startCore();
    const [one, two] = [host.connect({ token: 'token-ann' }), host.connect({ token: 'token-ann' })];
    for (const client of [one, two]) {
      await client.ask(subscribe, { op: 'subscribe', channel: 'n:1' }, { op: 'subscribe', channel: '@user' });
    }
    expect(host.node.figures()).toMatchObject({ sessions: 2, users: 1, channels: 3, subscriptions: 6 });
    one.connection.cut();
    expect(host.node.figures()).toMatchObject({ sessions: 1, users: 1, channels: 3, subscriptions: 3 });
    two.send('nonsense');
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, users: 0, channels: 0, subscriptions: 0 });
  });

  test('comes after what it was sent', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask(subscribe);
    client.send({ op: 'ping' });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    await host.node.close();
    expect(await client.messages()).toEqual([{ result: 'pong' }]);
    expect(client.connection.ended).toEqual({ code: 3001, reason: 'shutdown' });
  });

  test('makes later commands and publications harmless', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask(subscribe);
    client.send({ op: 'subscribe', channel: 'h:2' });
    client.connection.cut();
    await host.node.publish('h:1', '1');
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, channels: 0 });
    expect(host.errors).toEqual([]);
  });

  test('is counted by its code', async () => {
    const host = await startCore();
    for (let count = 0; count < 3; count++) await host.connect().ask('nonsense');
    expect(host.node.figures().counters.disconnects).toEqual(new Map([[3501, 3]]));
    expect(host.node.figures().counters.errors).toEqual(new Map([[107, 3]]));
  });
});

test('a wire without words for a loss is closed with 3008 in its place', async () => {
  const host = await startCore({ laneLogBytes: 100 });
  const client = host.connect({ wire: new LineWire({ isBare: true }), capacity: 50 });
  await client.ask({ op: 'subscribe', channel: 'n:1' });
  for (let turn = 0; turn < 200; turn++) {
    await host.node.publish('n:1', `"${turn}"`);
    await host.settle();
  }
  const before = await client.messages();
  expect(before.length).toBeLessThan(200);
  expect(before).toEqual(before.map((_, index) => String(index)));
  expect(client.connection.ended?.code).toBe(3008);
});
