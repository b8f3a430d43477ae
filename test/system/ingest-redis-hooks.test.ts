/** What comes by Redis passes the publish hook like everything else, and takes one connection, whatever the number of workers asked for. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { RedisServer } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { postAnywhere } from '../support/workers.ts';

const path = requireOrSkip('redis-server');
const patient = { timeout: 20_000, interval: 50 };

const hooks = `export default {
  publish({ source, channel, data, session }) {
    if (data === 'secret') throw Object.assign(new Error('not this'), { code: 450 });
    if (data === 'plain') return;
    return { data: { source, channel, data, session } };
  },
};
`;

describe.skipIf(path === undefined)('PUBLISH on a Redis, under a publish hook', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-ingest-hook-'));
  let redis: RedisServer;
  let carillon: RunningCarillon;

  beforeAll(async () => {
    writeFileSync(join(folder, 'hooks.mjs'), hooks);
    redis = await RedisServer.start(path ?? '');
    carillon = await startCarillon({
      config: {
        workers: 4,
        drain: '0s',
        api: { keys: ['a-key-for-the-tests'] },
        auth: { anonymous: true },
        hooks: join(folder, 'hooks.mjs'),
        channels: { 'chat:*': { subscribe: 'anyone', history: { size: 10, ttl: '1m' } } },
        ingest: { redis: { url: redis.url, channels: { 'chat:*': 'chat:*' } } },
      },
    });
  });

  afterAll(async () => {
    await carillon?.stop();
    await redis?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('HOK1 ING1 it is rewritten, refused or let pass, and keeps its order', async () => {
    using listener = await Listener.subscribed(`${carillon.wsUrl}/ws`, 'chat:zhang');
    for (const text of ['plain', 'secret', '"rewritten"', 'plain'])
      await redis.cli('PUBLISH', 'chat:zhang', text);
    expect((await listener.until(3)).map((line) => JSON.parse(String(line)))).toEqual([
      { event: 'chat:zhang', data: 'plain', offset: 1 },
      {
        event: 'chat:zhang',
        data: { source: 'ingest', channel: 'chat:zhang', data: 'rewritten' },
        offset: 2,
      },
      { event: 'chat:zhang', data: 'plain', offset: 3 },
    ]);
  });

  test('there is one connection', async () => {
    const clients = (await redis.cli('CLIENT', 'LIST'))
      .split('\n')
      .filter((line) => line.includes('name=carillon'));
    expect(clients).toHaveLength(1);
  });

  test('ING5 what comes while there is no worker waits for one, and its hook', async () => {
    const api = async (method: string, params: object): Promise<unknown> =>
      (await postAnywhere(`${carillon.url}/v1/${method}`, params, { 'X-API-Key': 'a-key-for-the-tests' }))
        .body;
    const pids = new Set<number>();
    const ask = async (): Promise<number> => {
      const { result } = (await api('info', {})) as {
        readonly result: { readonly workers: readonly { readonly pid: number }[] };
      };
      for (const { pid } of result.workers) pids.add(pid);
      return pids.size;
    };
    await expect.poll(ask, patient).toBe(4);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await expect
      .poll(() => carillon.stderr.match(/a worker died/g)?.length, { timeout: 20_000, interval: 5 })
      .toBe(4);
    expect(await redis.cli('PUBLISH', 'chat:later', '"waited"')).toBe('1');
    await expect
      .poll(() => api('history', { channel: 'chat:later' }).catch(() => undefined), patient)
      .toMatchObject({
        result: {
          publications: [{ offset: 1, data: { source: 'ingest', channel: 'chat:later', data: 'waited' } }],
        },
      });
  });
});
