/** What the primary does for all its workers, with the real binary: rendezvous, Redis, and another config. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { atEveryWorker, postAnywhere } from '../support/workers.ts';

const key = 'a-key-for-the-tests-of-workers';
const token = 'token-of-ada';
const base = {
  workers: 2,
  drain: '0s',
  api: { keys: [key] },
  auth: { tokens: { [token]: { user: 'ada' } } },
  channels: { 'chat:*': { subscribe: 'user', publish: 'user' } },
};
const patient = { timeout: 20_000, interval: 50 };

let carillon: RunningCarillon | undefined;
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
});

async function start(config: object): Promise<RunningCarillon> {
  carillon = await startCarillon({ config: { ...base, ...config } });
  return carillon;
}

/** A method of the server API, at any worker. */
async function api(method: string, params: object = {}): Promise<unknown> {
  const { body } = await postAnywhere(`${carillon?.url}/v1/${method}`, params, { 'X-API-Key': key });
  return (body as { readonly result?: unknown }).result ?? body;
}

describe('rendezvous', () => {
  test('RDV7 every step may be made at another worker, and the listeners of all are told', async () => {
    const { url } = await start({ rendezvous: {} });
    using listeners = await atEveryWorker({ wsUrl: carillon?.wsUrl ?? '' }, 2, token);
    for (let round = 0; round < 8; round++) {
      const { code, secret, channel } = (await postAnywhere(`${url}/rendezvous`, {})).body as Drawn;
      await listeners.send({ op: 'subscribe', channel });
      const told = listeners.next(3);
      expect(await api('rendezvous_scan', { code, device: 'phone' })).toMatchObject({ state: 'scanned' });
      expect(await postAnywhere(`${url}/rendezvous/consume`, { code, secret })).toMatchObject({
        status: 202,
      });
      expect(await api('rendezvous_confirm', { code, data: { round }, device: 'phone' })).toMatchObject({
        state: 'confirmed',
      });
      expect(await postAnywhere(`${url}/rendezvous/consume`, { code, secret: 'another' })).toMatchObject({
        status: 403,
        body: { error: { code: 103 } },
      });
      const collected = { status: 200, body: { data: { round } } };
      expect(await postAnywhere(`${url}/rendezvous/consume`, { code, secret })).toEqual(collected);
      expect(await postAnywhere(`${url}/rendezvous/consume`, { code, secret })).toMatchObject({
        status: 409,
      });
      expect(await api('rendezvous', { code })).toMatchObject({ state: 'consumed' });
      for (const events of await told)
        expect(events).toMatchObject(
          ['scanned', 'confirmed', 'consumed'].map((state) => ({ event: channel, data: { state } })),
        );
    }
  });

  test('RDV6 RDV7 an address has as many open ones as it may, over all workers', async () => {
    const { url } = await start({
      trustProxy: ['127.0.0.1'],
      rendezvous: { limits: { open: 100, perAddress: 3 } },
    });
    const visitor = { 'X-Forwarded-For': '198.51.100.7' };
    const drawn = [];
    for (let attempt = 0; attempt < 24; attempt++)
      drawn.push((await postAnywhere(`${url}/rendezvous`, {}, visitor)).status);
    expect(drawn).toEqual([200, 200, 200, ...Array.from({ length: 21 }, () => 429)]);
  });
});

interface Drawn {
  readonly code: string;
  readonly secret: string;
  readonly channel: string;
}

test('CMD5 HOK4 an idempotency key holds at every worker, also while a hook is being asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-keyed-'));
  const hooks = join(folder, 'hooks.mjs');
  writeFileSync(
    hooks,
    'export const publish = () => new Promise((resolve) => setTimeout(() => resolve({ data: Math.random() }), 50));',
  );
  const history = { size: 50, ttl: '1m' };
  await start({ hooks, channels: { 'chat:*': { subscribe: 'user', history } } });
  const publish = { channel: 'chat:1', data: 1, idempotency_key: 'once' };
  const answers = await Promise.all(Array.from({ length: 24 }, () => api('publish', publish)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await api('history', { channel: 'chat:1' })).toMatchObject({
    offset: 1,
    publications: [{ offset: 1 }],
  });
  rmSync(folder, { recursive: true, force: true });
});

const redisPath = requireOrSkip('redis-server');

describe.skipIf(redisPath === undefined)('Redis', () => {
  test('ING3 ING5 one connection serves the subscribers of all workers, who all hear of a loss', async () => {
    await using redis = await RedisServer.start(redisPath ?? '');
    await start({ ingest: { redis: { url: redis.url, channels: { 'chat:*': 'chat:*' } } } });
    using listeners = await atEveryWorker({ wsUrl: carillon?.wsUrl ?? '' }, 2, token);
    await listeners.send({ op: 'subscribe', channel: 'chat:1' });
    await listeners.send({ op: 'subscribe', channel: 'chat:2' });
    expect(await redis.connections('carillon')).toHaveLength(1);
    const told = listeners.next(20);
    for (let at = 0; at < 20; at++) expect(await redis.cli('PUBLISH', 'chat:1', `${at}`)).toBe('1');
    for (const events of await told)
      expect(events).toEqual(Array.from({ length: 20 }, (_, data) => ({ event: 'chat:1', data })));
    for (let asked = 0; asked < 8; asked++)
      expect(await api('info')).toMatchObject({
        ingest: { redis: { connected: true, received: 20, losses: 0 } },
      });
    const gaps = listeners.next(2);
    await redis.kill();
    await redis.restart();
    for (const events of await gaps)
      expect(events).toEqual(
        expect.arrayContaining(['chat:1', 'chat:2'].map((event) => ({ event, type: 'gap' }))),
      );
    await expect
      .poll(() => api('info'), patient)
      .toMatchObject({
        ingest: { redis: { connected: true, losses: 1 } },
      });
    expect(carillon?.stderr).toContain('"subscribersTold":4');
  });

  test('ING5 a Redis that is required and not there ends the start, before there are workers', async () => {
    const started = start({
      ingest: { redis: { url: 'redis://127.0.0.1:1', channels: { 'chat:*': 'chat:*' }, required: true } },
    });
    await expect(started).rejects.toThrow(/ended with 69[\s\S]*Redis \(127\.0\.0\.1:1\) cannot be used/);
  });
});

describe('another config', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'carillon-workers-'));
    file = join(folder, 'carillon.config.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(config: object): void {
    writeFileSync(file, JSON.stringify({ ...base, ...config }));
  }

  function writeHooks(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return `./${name}`;
  }

  async function startWith(config: object): Promise<RunningCarillon> {
    write(config);
    carillon = await startCarillon({ args: ['--config', file] });
    return carillon;
  }

  /** What several requests for the same are answered, at whichever workers. */
  async function answers(method: string, params: object = {}): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let asked = 0; asked < 8; asked++) all.push(await api(method, params));
    return all;
  }

  const rule = { subscribe: 'user', publish: 'user' };
  const channels = { 'chat:*': rule, 'news:*': rule };

  test('RLD1 RLD5 RLD6 is in force at every worker, and every worker tells the same of it', async () => {
    await startWith({});
    using listeners = await atEveryWorker({ wsUrl: carillon?.wsUrl ?? '' }, 2, token);
    await listeners.send({ op: 'subscribe', channel: 'chat:1' });
    expect((await listeners.send({ op: 'subscribe', channel: 'news:1' })).flat()).toMatchObject([
      { code: 102 },
      { code: 102 },
    ]);
    write({ channels, drain: '1s' });
    expect(await api('reload')).toEqual({ changed: ['channels["news:*"]'], restart: ['drain'] });
    const granted = await listeners.send({ op: 'subscribe', channel: 'news:1' });
    expect(granted).toEqual([[{ result: true }], [{ result: true }]]);
    const infos = (await answers('info')) as readonly { readonly config: object }[];
    expect(new Set(infos.map(({ config }) => JSON.stringify(config))).size).toBe(1);
    expect(infos[0]?.config).toMatchObject({ file, restart: ['drain'] });
    // A signal at the primary does the same.
    const ended = listeners.next(1);
    write({ channels: { 'chat:*': rule } });
    process.kill(carillon?.pid ?? 0, 'SIGHUP');
    for (const events of await ended)
      expect(events).toMatchObject([{ event: 'news:1', type: 'unsubscribed', code: 102 }]);
  });

  test('RLD2 RLD6 that cannot be used changes nothing at any worker, and says so once', async () => {
    await startWith({ hooks: writeHooks('good.mjs', "export const call = () => 'first';") });
    using listeners = await atEveryWorker({ wsUrl: carillon?.wsUrl ?? '' }, 2, token);
    const asked = { op: 'call', method: 'which', data: null };
    expect((await listeners.send(asked)).flat()).toEqual([{ result: 'first' }, { result: 'first' }]);
    write({ channels, hooks: writeHooks('bad.mjs', 'export const call = ;'), prot: 1 });
    expect(await api('reload')).toMatchObject({
      error: { code: 107, message: expect.stringMatching(/nothing has changed: .*prot: unknown key/) },
    });
    write({ channels, hooks: './bad.mjs' });
    expect(await api('reload')).toMatchObject({
      error: {
        code: 107,
        message: expect.stringMatching(/bad\.mjs cannot be loaded: it is not well-formed/),
      },
    });
    expect(carillon?.stderr.match(/bad\.mjs cannot be loaded/g)).toHaveLength(1);
    for (const info of await answers('info'))
      expect(info).toMatchObject({ config: { failing: { faults: [expect.stringContaining('bad.mjs')] } } });
    expect((await listeners.send(asked)).flat()).toEqual([{ result: 'first' }, { result: 'first' }]);
    expect((await listeners.send({ op: 'subscribe', channel: 'news:1' })).flat()).toMatchObject([
      { code: 102 },
      { code: 102 },
    ]);
    write({ channels, hooks: writeHooks('next.mjs', "export const call = () => 'second';") });
    expect(await api('reload')).toMatchObject({ changed: ['hooks', 'channels["news:*"]'] });
    expect((await listeners.send(asked)).flat()).toEqual([{ result: 'second' }, { result: 'second' }]);
  });

  test('RLD3 a signal that comes as soon as one worker answers is obeyed when all have started', async () => {
    await startWith({});
    write({ channels });
    process.kill(carillon?.pid ?? 0, 'SIGHUP');
    await expect.poll(() => carillon?.stderr, patient).toContain('the config was loaded again');
  });

  test('so is SIGTERM', async () => {
    await startWith({});
    expect(await carillon?.stop()).toBe(0);
  });

  test('RLD6 is what a worker begins with that comes later, whatever the file says by then', async () => {
    await startWith({});
    write({ channels });
    await api('reload');
    writeFileSync(file, 'no config');
    const { workers } = (await api('info')) as { readonly workers: readonly { readonly pid: number }[] };
    process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => carillon?.stderr, patient).toContain('a worker died and is replaced');
    using listeners = await atEveryWorker({ wsUrl: carillon?.wsUrl ?? '' }, 2, token);
    const granted = await listeners.send({ op: 'subscribe', channel: 'news:1' });
    expect(granted).toEqual([[{ result: true }], [{ result: true }]]);
  });
});
