import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const path = requireOrSkip('redis-server');
const apiKey = 'a-key-for-the-tests-of-ingest';
const patient = { timeout: 20_000, interval: 50 };

/** What the pages and publishers of the older designs find again. */
const config = {
  api: { keys: [apiKey] },
  auth: { anonymous: true },
  websocket: { path: '/native' },
  paths: { '/webws': { channel: 'chat:{channel}' }, '/ws': { channel: 'chat' } },
  channels: {
    '*': { subscribe: 'anyone', publish: 'anyone' },
    'kept:*': { subscribe: 'anyone', history: { size: 20_000, ttl: '10m' } },
  },
} as const;

const channels = {
  'chat:*': 'chat:*',
  chat: 'chat',
  'chat:vip': 'vip',
  news: 'site:news',
  'user:{id}:events': 'user:{id}',
  'kept:*': 'kept:*',
  'odd[1]?:*': 'odd:*',
};

describe.skipIf(path === undefined)('PUBLISH on a Redis that is listened to', () => {
  let redis: RedisServer;
  let carillon: RunningCarillon;
  const open: Listener[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start(path ?? '');
    carillon = await startCarillon({
      config: { ...config, ingest: { redis: { url: redis.url, channels } } },
    });
  });
  afterEach(() => {
    for (const listener of open.splice(0)) listener[Symbol.dispose]();
  });
  afterAll(async () => {
    await carillon?.stop();
    await redis?.[Symbol.asyncDispose]();
  });

  async function subscribed(...names: readonly string[]): Promise<Listener> {
    const listener = await Listener.subscribed(`${carillon.wsUrl}/native`, ...names);
    open.push(listener);
    return listener;
  }

  async function opened(pathAndQuery: string): Promise<Listener> {
    const listener = await Listener.open(`${carillon.wsUrl}${pathAndQuery}`);
    open.push(listener);
    return listener;
  }

  async function info(): Promise<{ readonly connected: boolean; readonly [name: string]: unknown }> {
    const response = await fetch(`${carillon.url}/v1/info`, {
      method: 'POST',
      headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
      body: '{}',
    });
    const { result } = (await response.json()) as { result: { ingest: { redis: { connected: boolean } } } };
    return result.ingest.redis;
  }

  test('reaches native, message-center and bare subscribers of the mapped channel, each once', async () => {
    const native = await subscribed('chat:zhang');
    const raw = await opened('/message-center');
    raw.send('{"op":"subscribe","channel":"chat:zhang"}');
    await raw.until(1);
    const page = await opened('/webws?channel=%22zhang%22');
    expect(await redis.cli('PUBLISH', 'chat:zhang', 'hello 你好')).toBe('1');
    expect(await native.until(1)).toEqual(['{"event":"chat:zhang","data":"hello 你好"}']);
    expect(await raw.until(2)).toEqual(['{"result":true}', 'hello 你好']);
    expect(await page.until(1)).toEqual(['hello 你好']);
    // What the page sends goes to the same people, and back to the page.
    page.send('from the page');
    expect(await page.until(2)).toEqual(['hello 你好', 'from the page']);
    expect(await native.until(2)).toHaveLength(2);
  });

  test('reaches a page whose WebSocket is /ws, mapped to one channel', async () => {
    const page = await opened('/ws');
    page.send('ping');
    await redis.cli('PUBLISH', 'chat', '网友42: hi');
    expect(await page.until(2)).toEqual(['pong', '网友42: hi']);
  });

  test('captures and fixed names say where it goes, and the most specific pattern decides', async () => {
    const user = await subscribed('user:7');
    const site = await subscribed('site:news');
    const vip = await subscribed('vip', 'chat:vip', 'chat:other');
    const odd = await subscribed('odd:x');
    await redis.cli('PUBLISH', 'user:7:events', '{"order":1}');
    await redis.cli('PUBLISH', 'news', 'today');
    // Matches `chat:vip` and `chat:*`: Redis delivers it twice, and it is taken once.
    expect(await redis.cli('PUBLISH', 'chat:vip', '"once"')).toBe('2');
    await redis.cli('PUBLISH', 'chat:other', '"after"');
    // Were its brackets and question mark not literal, this pattern would match other names, and not its own.
    expect(await redis.cli('PUBLISH', 'odd1x:x', '"other"')).toBe('0');
    expect(await redis.cli('PUBLISH', 'odd[1]?:x', '"own"')).toBe('1');
    expect(await user.until(1)).toEqual(['{"event":"user:7","data":{"order":1}}']);
    expect(await site.until(1)).toEqual(['{"event":"site:news","data":"today"}']);
    expect(await vip.until(2)).toEqual([
      '{"event":"vip","data":"once"}',
      '{"event":"chat:other","data":"after"}',
    ]);
    expect(await odd.until(1)).toEqual(['{"event":"odd:x","data":"own"}']);
  });

  test('JSON stays as it was written but for white space, other text is a string, other bytes are binary', async () => {
    const native = await subscribed('chat:data');
    const bare = await opened('/sub?channel=chat:data');
    const bytes = Buffer.from([0xff, 0x00, 0xfe, 0x0a]);
    const publisher = await createClient({ url: redis.url }).connect();
    const json = '{ "b" : 9007199254740993123 , "a" : [ 1.50, "x  y\\u0020" ] }';
    for (const payload of [json, 'no {json', '', '"text"', bytes])
      await publisher.publish('chat:data', payload);
    publisher.destroy();
    const compact = '{"b":9007199254740993123,"a":[1.50,"x  y\\u0020"]}';
    expect(await native.until(5)).toEqual([
      `{"event":"chat:data","data":${compact}}`,
      '{"event":"chat:data","data":"no {json"}',
      '{"event":"chat:data","data":""}',
      '{"event":"chat:data","data":"text"}',
      `{"event":"chat:data","data":"${bytes.toString('base64')}","binary":true}`,
    ]);
    expect(await bare.until(5)).toEqual([compact, 'no {json', '', 'text', bytes]);
  });

  test('what makes no valid channel name, or is too big, is refused, counted and logged', async () => {
    const { refused: before } = await info();
    const listener = await subscribed('chat:fine');
    await redis.cli('PUBLISH', 'chat:not a name', 'x');
    await redis.cli('PUBLISH', 'chat:', 'what stands for the star is empty');
    const publisher = await createClient({ url: redis.url }).connect();
    await publisher.publish('chat:fine', 'y'.repeat(1_048_577));
    await publisher.publish('chat:fine', 'fine');
    publisher.destroy();
    expect(await listener.until(1)).toEqual(['{"event":"chat:fine","data":"fine"}']);
    expect(await info()).toMatchObject({ refused: Number(before) + 3 });
    expect(carillon.stderr).toContain('something from Redis was refused');
    expect(carillon.stderr).toContain('must not contain spaces or control characters');
    const metrics = await (await fetch(`${carillon.url}/metrics`)).text();
    expect(metrics).toContain(`carillon_ingest_refused_total{source="redis"} ${Number(before) + 3}`);
    expect(metrics).toContain('carillon_ingest_connected{source="redis"} 1');
  });

  test('the publications are ordinary ones: they have offsets and can be recovered', async () => {
    const listener = await subscribed('kept:1');
    await redis.cli('PUBLISH', 'kept:1', '"a"');
    await redis.cli('PUBLISH', 'kept:1', '"b"');
    expect((await listener.until(2)).at(-1)).toBe('{"event":"kept:1","data":"b","offset":2}');
    const late = await opened('/native');
    late.send('{"op":"subscribe","channel":"kept:1","last":1}');
    expect((await late.until(2)).at(-1)).toBe('{"event":"kept:1","data":"b","offset":2}');
  });

  test('a thousand clients on a thousand channels cost one connection, and the last of them is reached', async () => {
    const crowd = await Promise.all(Array.from({ length: 1_000 }, (_, at) => subscribed(`chat:room-${at}`)));
    expect(await redis.connections('carillon')).toHaveLength(1);
    await redis.cli('PUBLISH', 'chat:room-999', 'still here');
    expect(await crowd[999]?.until(1)).toEqual(['{"event":"chat:room-999","data":"still here"}']);
    expect(crowd.slice(0, 999).flatMap(({ got }) => got)).toEqual([]);
  });

  test('a burst of 20,000 arrives completely and in order', async () => {
    const listener = await subscribed('kept:burst');
    const publisher = await createClient({ url: redis.url }).connect();
    const sent = Array.from({ length: 20_000 }, (_, at) => publisher.publish('kept:burst', String(at)));
    await Promise.all(sent);
    publisher.destroy();
    await listener.until(20_000);
    expect(listener.events).toEqual(
      Array.from({ length: 20_000 }, (_, at) => ({ event: 'kept:burst', data: at, offset: at + 1 })),
    );
  });

  test('Redis killed and started again: subscribers are told, bare ones closed with 3010, then it goes on', async () => {
    const [native, other] = [await subscribed('chat:kill'), await subscribed('unmapped:1')];
    const bare = await opened('/sub?channel=chat:kill');
    const { losses } = await info();
    await redis.kill();
    await expect.poll(async () => (await info()).connected, patient).toBe(false);
    native.send('{"op":"ping"}');
    expect(await native.until(1)).toEqual(['{"result":"pong"}']);
    await redis.restart();
    expect(await native.until(2)).toEqual(['{"result":"pong"}', '{"event":"chat:kill","type":"gap"}']);
    expect(await bare.closed).toBe(3010);
    expect(await info()).toMatchObject({ connected: true, losses: Number(losses) + 1 });
    await redis.cli('PUBLISH', 'chat:kill', 'back');
    expect((await native.until(3)).at(-1)).toBe('{"event":"chat:kill","data":"back"}');
    expect(other.got).toEqual([]);
    expect(await redis.connections('carillon')).toHaveLength(1);
  });

  test('a connection that Redis resets comes back, and its loss is told', async () => {
    const native = await subscribed('chat:reset');
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await native.until(1)).toEqual(['{"event":"chat:reset","type":"gap"}']);
    await redis.cli('PUBLISH', 'chat:reset', '1');
    expect((await native.until(2)).at(-1)).toBe('{"event":"chat:reset","data":1}');
  });

  test('a Redis that pauses loses nothing', async () => {
    const native = await subscribed('chat:pause');
    redis.signal('SIGSTOP');
    const published = redis.cli('PUBLISH', 'chat:pause', '1');
    native.send('{"op":"ping"}');
    expect(await native.until(1)).toEqual(['{"result":"pong"}']);
    redis.signal('SIGCONT');
    await published;
    expect((await native.until(2)).at(-1)).toBe('{"event":"chat:pause","data":1}');
  });

  test('past the output buffer that Redis allows it is cut off, comes back, and says so', async () => {
    const native = await subscribed('chat:flood');
    await redis.cli('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 512kb 1');
    const publisher = await createClient({ url: redis.url }).connect();
    process.kill(carillon.pid, 'SIGSTOP');
    const text = 'z'.repeat(1_000_000);
    for (let at = 0; at < 40; at++) await publisher.publish('chat:elsewhere', text);
    expect(await redis.connections('carillon')).toEqual([]);
    process.kill(carillon.pid, 'SIGCONT');
    expect(await native.until(1)).toEqual(['{"event":"chat:flood","type":"gap"}']);
    await publisher.publish('chat:flood', 'after');
    publisher.destroy();
    expect((await native.until(2)).at(-1)).toBe('{"event":"chat:flood","data":"after"}');
  });
});
