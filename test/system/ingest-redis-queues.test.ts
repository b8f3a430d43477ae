import { createClient } from 'redis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunningCarillon, type StartOptions, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const path = requireOrSkip('redis-server');
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(path === undefined)('streams and lists', () => {
  let redis: RedisServer;
  const running: RunningCarillon[] = [];
  const open: Listener[] = [];

  // They keep on disk what they acknowledged, so that a kill takes nothing back.
  beforeEach(async () => {
    redis = await RedisServer.start(path ?? '', { args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  });
  afterEach(async () => {
    for (const listener of open.splice(0)) listener[Symbol.dispose]();
    await Promise.all(running.splice(0).map((carillon) => carillon.stop()));
    await redis[Symbol.asyncDispose]();
  });

  async function start(ingest: object, options: Partial<StartOptions> = {}): Promise<RunningCarillon> {
    const carillon = await startCarillon({
      ...options,
      config: {
        auth: { anonymous: true },
        channels: { '*': { subscribe: 'anyone', history: { size: 10_000, ttl: '10m' } } },
        ingest: { redis: { url: redis.url, ...ingest } },
      },
    });
    running.push(carillon);
    return carillon;
  }

  async function subscribed(carillon: RunningCarillon, ...channels: readonly string[]): Promise<Listener> {
    const listener = await Listener.subscribed(`${carillon.wsUrl}/ws`, ...channels);
    open.push(listener);
    return listener;
  }

  const streams = { streams: { group: 'push', keys: { orders: 'orders', 'other:{x}': 'other' } } };

  test('entries of streams become publications and are acknowledged; all streams share one connection', async () => {
    const carillon = await start({ ...streams, channels: { 'chat:*': 'chat:*' } });
    const listener = await subscribed(carillon, 'orders', 'other', 'chat:a');
    await redis.cli('XADD', 'orders', '*', 'data', '{ "id": 1 }', 'ignored', 'x');
    await redis.cli('XADD', 'orders', '*', 'id', '2', 'state', 'paid');
    expect(await listener.until(2)).toEqual([
      '{"event":"orders","data":{"id":1},"offset":1}',
      '{"event":"orders","data":{"id":"2","state":"paid"},"offset":2}',
    ]);
    await redis.cli('XADD', 'other:{x}', '*', 'data', 'text');
    await redis.cli('PUBLISH', 'chat:a', '3');
    expect((await listener.until(4)).slice(2)).toEqual([
      '{"event":"other","data":"text","offset":1}',
      '{"event":"chat:a","data":3,"offset":1}',
    ]);
    await expect.poll(() => redis.cli('XPENDING', 'orders', 'push'), patient).toMatch(/^0/);
    expect(await redis.connections('carillon')).toHaveLength(2);
  });

  test('a thousand clients on a thousand channels and a stream cost two connections; the slowest gets all, once', async () => {
    const carillon = await start({ ...streams, channels: { 'chat:*': 'chat:*' } });
    const crowd = await Promise.all(
      Array.from({ length: 999 }, (_, at) => subscribed(carillon, `chat:room-${at}`)),
    );
    const slow = await subscribed(carillon, 'chat:slow');
    slow.pause();
    expect(await redis.connections('carillon')).toHaveLength(2);
    // Far more than the buffers of its socket hold.
    const publisher = await createClient({ url: redis.url }).connect();
    const large = 'x'.repeat(100_000);
    for (let at = 0; at < 200; at++) await publisher.publish('chat:slow', large);
    publisher.destroy();
    await redis.cli('PUBLISH', 'chat:slow', 'the last');
    await redis.cli('PUBLISH', 'chat:room-998', 'not delayed');
    await redis.cli('XADD', 'orders', '*', 'data', '1');
    expect(await crowd[998]?.until(1)).toEqual(['{"event":"chat:room-998","data":"not delayed","offset":1}']);
    expect(slow.got).toEqual([]);
    slow.resume();
    await slow.until(201);
    slow.send('{"id":1,"op":"ping"}');
    expect((await slow.until(202)).slice(200)).toEqual([
      '{"event":"chat:slow","data":"the last","offset":201}',
      '{"id":1,"result":"pong"}',
    ]);
    const offsets = slow.events.map((event) => (event as { offset?: number }).offset);
    expect(offsets).toEqual([...Array.from({ length: 201 }, (_, at) => at + 1), undefined]);
    expect(crowd.slice(0, 998).flatMap(({ got }) => got)).toEqual([]);
    expect(await redis.connections('carillon')).toHaveLength(2);
  });

  test('Redis killed in the middle of a thousand entries: none is missing, none is doubled', async () => {
    const carillon = await start(streams);
    const listener = await subscribed(carillon, 'orders');
    const add = async (from: number, to: number): Promise<void> => {
      const publisher = await createClient({ url: redis.url }).connect();
      const added = [];
      for (let at = from; at < to; at++) added.push(publisher.xAdd('orders', '*', { data: String(at) }));
      await Promise.all(added);
      publisher.destroy();
    };
    await add(0, 500);
    await listener.until(1);
    await redis.kill();
    await redis.restart();
    await add(500, 1_000);
    await listener.until(1_000);
    await expect.poll(() => redis.cli('XPENDING', 'orders', 'push'), patient).toMatch(/^0/);
    expect(listener.events).toEqual(
      Array.from({ length: 1_000 }, (_, at) => ({ event: 'orders', data: at, offset: at + 1 })),
    );
  });

  test('what was delivered and never acknowledged is published at the next start', async () => {
    await redis.cli('XGROUP', 'CREATE', 'orders', 'push', '$', 'MKSTREAM');
    for (const data of ['1', '2', '3']) await redis.cli('XADD', 'orders', '*', 'data', data);
    // As a server does that dies between reading and acknowledging.
    await redis.cli('XREADGROUP', 'GROUP', 'push', 'carillon', 'STREAMS', 'orders', '>');
    // And what another server holds that has been silent for more than a minute.
    const other = await redis.cli('XADD', 'orders', '*', 'data', '4');
    await redis.cli('XREADGROUP', 'GROUP', 'push', 'other', 'STREAMS', 'orders', '>');
    await redis.cli('XCLAIM', 'orders', 'push', 'other', '0', other, 'IDLE', '61000');
    const busy = await redis.cli('XADD', 'orders', '*', 'data', '5');
    await redis.cli('XREADGROUP', 'GROUP', 'push', 'other', 'STREAMS', 'orders', '>');
    expect(await redis.cli('XPENDING', 'orders', 'push')).toMatch(/^5/);
    const carillon = await start(streams);
    const late = await subscribed(carillon, 'orders');
    await expect.poll(() => redis.cli('XPENDING', 'orders', 'push'), patient).toMatch(/^1\n/);
    expect(await redis.cli('XPENDING', 'orders', 'push')).toContain(busy);
    late.send('{"id":1,"op":"history","channel":"orders"}');
    const [answer] = await late.until(1);
    expect(JSON.parse(String(answer)).result.publications.map(({ data }: { data: unknown }) => data)).toEqual(
      [1, 2, 3, 4],
    );
  });

  test('a stream that was deleted is made anew, and what is added to it meanwhile is not missed', async () => {
    const carillon = await start(streams);
    const listener = await subscribed(carillon, 'orders');
    await redis.cli('XADD', 'orders', '*', 'data', '1');
    await listener.until(1);
    await redis.cli('DEL', 'orders');
    await redis.cli('XADD', 'orders', '*', 'data', '2');
    await redis.cli('XADD', 'orders', '*', 'data', '3');
    expect((await listener.until(3)).slice(1)).toEqual([
      '{"event":"orders","data":2,"offset":2}',
      '{"event":"orders","data":3,"offset":3}',
    ]);
  });

  test('items of a list become publications in order and leave the processing list', async () => {
    const carillon = await start({ lists: { keys: { jobs: 'jobs' } } });
    const listener = await subscribed(carillon, 'jobs');
    await redis.cli('RPUSH', 'jobs', '{"n": 1}', 'two', '3');
    expect(await listener.until(3)).toEqual([
      '{"event":"jobs","data":{"n":1},"offset":1}',
      '{"event":"jobs","data":"two","offset":2}',
      '{"event":"jobs","data":3,"offset":3}',
    ]);
    await expect.poll(() => redis.cli('KEYS', '*'), patient).toBe('');
    expect(await redis.connections('carillon')).toHaveLength(1);
  });

  test('publishers that LPUSH are read from the right, and what a dead server left is published first', async () => {
    await redis.cli('RPUSH', 'jobs:processing:one', '1', '2');
    await redis.cli('LPUSH', 'jobs', '3', '4');
    const carillon = await start({ consumer: 'one', lists: { take: 'right', keys: { jobs: 'jobs' } } });
    await expect.poll(() => redis.cli('KEYS', '*'), patient).toBe('');
    const listener = await subscribed(carillon, 'jobs');
    listener.send('{"id":1,"op":"history","channel":"jobs"}');
    const [answer] = await listener.until(1);
    expect(JSON.parse(String(answer)).result.publications.map(({ data }: { data: unknown }) => data)).toEqual(
      [1, 2, 3, 4],
    );
  });

  test('a server that ends while it is blocked ends at once, and the next one goes on', async () => {
    const ingest = { ...streams, lists: { keys: { jobs: 'jobs' } }, channels: { news: 'news' } };
    const first = await start(ingest);
    await expect.poll(() => redis.connections('carillon'), patient).toHaveLength(3);
    expect(await first.stop()).toBe(0);
    await expect.poll(() => redis.connections('carillon'), patient).toEqual([]);
    await redis.cli('XADD', 'orders', '*', 'data', '1');
    await redis.cli('RPUSH', 'jobs', '2');
    const listener = await subscribed(await start(ingest), 'orders', 'jobs');
    await redis.cli('XADD', 'orders', '*', 'data', '3');
    await redis.cli('RPUSH', 'jobs', '4');
    await expect
      .poll(() => [...listener.events].map((event) => (event as { data: unknown }).data).sort(), patient)
      .toEqual([3, 4]);
    listener.send('{"id":1,"op":"history","channel":"orders"}');
    listener.send('{"id":2,"op":"history","channel":"jobs"}');
    const answers = (await listener.until(4)).slice(2).map((text) => JSON.parse(String(text)));
    expect(answers.map(({ result }) => result.offset)).toEqual([2, 2]);
  });
});
