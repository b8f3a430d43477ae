import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from './faults.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

let cwd: string;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-ingest-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function load(redis: object, env: Readonly<Record<string, string>> = {}): Promise<LoadedConfig> {
  writeFileSync(join(cwd, 'carillon.config.json'), JSON.stringify({ ingest: { redis } }));
  return loadConfig({ env, cwd });
}

async function faultsOf(redis: object): Promise<readonly string[]> {
  const error = await load(redis).catch((thrown: unknown) => thrown);
  return error instanceof ConfigError ? error.faults : [];
}

const url = 'redis://127.0.0.1:6380/2';
const channels = { 'chat:*': 'chat:*' };

describe('where Redis is', () => {
  it('is said by a URL, with defaults for the rest', async () => {
    const { settings } = await load({ url, channels });
    expect(settings.ingest.redis).toEqual({
      where: { kind: 'server', endpoint: { host: '127.0.0.1', port: 6380 } },
      credentials: {},
      database: 2,
      connectionName: 'carillon',
      consumer: 'carillon',
      required: false,
      channels: [{ source: 'chat:*', target: 'chat:*' }],
    });
  });

  it('is said with credentials that the keys and the environment overrule', async () => {
    const { settings } = await load({ url: 'rediss://me:p%40ss@[::1]', channels });
    expect(settings.ingest.redis).toMatchObject({
      where: { endpoint: { host: '::1', port: 6379 } },
      credentials: { username: 'me', password: 'p@ss' },
      tls: { verify: true },
    });
    const overruled = await load(
      { url: 'redis://me:p%40ss@[::1]', channels },
      { CARILLON_INGEST_REDIS_PASSWORD: 'other' },
    );
    expect(overruled.settings.ingest.redis?.credentials).toEqual({ username: 'me', password: 'other' });
    expect(overruled.settings.ingest.redis?.tls).toBeUndefined();
  });

  it('is said by Sentinels, by nodes of a Cluster, or by a socket', async () => {
    const sentinel = { name: 'main', addresses: ['a:26379', 'b:26379'], password: 'secret-1', database: 3 };
    const { settings } = await load({ sentinel, channels, password: 'secret-2' });
    expect(settings.ingest.redis).toMatchObject({
      where: {
        kind: 'sentinel',
        name: 'main',
        addresses: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26379 },
        ],
        credentials: { password: 'secret-1' },
      },
      credentials: { password: 'secret-2' },
      database: 3,
    });
    const cluster = (await load({ cluster: ['[::1]:7000'], channels })).settings.ingest.redis?.where;
    expect(cluster).toEqual({ kind: 'cluster', addresses: [{ host: '::1', port: 7000 }] });
    const socket = (await load({ url: 'unix:///run/redis.sock?db=1', channels })).settings.ingest.redis;
    expect(socket).toMatchObject({ where: { endpoint: { path: '/run/redis.sock' } }, database: 1 });
  });

  it('must be said once', async () => {
    expect(await faultsOf({ channels })).toEqual([
      "ingest.redis: needs to know where Redis is: set 'url', 'sentinel' or 'cluster'.",
    ]);
    expect(await faultsOf({ url, cluster: ['a:1'], channels })).toEqual([
      'ingest.redis: url and cluster contradict each other; keep one of them.',
    ]);
  });

  it('never shows a password', async () => {
    const secret = 'sesame-42';
    const { inForce } = await load({ url: `redis://me:${secret}@h`, password: secret, channels });
    expect(JSON.stringify(inForce)).not.toContain(secret);
    expect((await faultsOf({ url: `http://me:${secret}@h`, channels })).join()).not.toContain(secret);
  });

  it('takes the files of TLS relative to the file that names them', async () => {
    const { settings } = await load(
      { url, channels, tls: { ca: 'tls/ca.pem', serverName: 'redis.local' } },
      { CARILLON_INGEST_REDIS_TLS_KEY: 'k.pem' },
    );
    expect(settings.ingest.redis?.tls).toEqual({
      ca: join(cwd, 'tls/ca.pem'),
      key: join(cwd, 'k.pem'),
      serverName: 'redis.local',
      verify: true,
    });
  });
});

describe('a mapping', () => {
  it.each([
    [{}, "ingest.redis: maps nothing; set 'channels', for example { 'chat:*': 'chat:*' }."],
    [
      { channels: { 'a:{x}': 'b:{y}' } },
      "ingest.redis.channels[\"a:{x}\"]: 'b:{y}' uses {y}, which 'a:{x}' does not have.",
    ],
    [{ channels: { news: 'n:*' } }, "ingest.redis.channels.news: 'n:*' has 1 of *, and 'news' has 0."],
    [
      { channels: { '{a}:{a}': 'x' } },
      'ingest.redis.channels["{a}:{a}"]: {a} stands there twice; give each part its own name.',
    ],
    [
      { channels: { 'u:{id}': 'user:{id}', 'u:*': 'user:*' } },
      'ingest.redis.channels["u:*"]: matches the same as \'u:{id}\'; keep one of them.',
    ],
    [
      { streams: { keys: { s: 'a:*' } } },
      "ingest.redis.streams.keys.s: 'a:*' must be one channel, without * and {name}.",
    ],
    [
      { lists: { keys: { l: 'a:{b}' } } },
      "ingest.redis.lists.keys.l: 'a:{b}' must be one channel, without * and {name}.",
    ],
  ])('%j is refused', async (mapping, fault) => {
    expect(await faultsOf({ url, ...mapping })).toEqual([fault]);
  });

  it('must name channels that can be', async () => {
    expect(await faultsOf({ url, channels: { a: '$reserved', b: 'with space' } })).toHaveLength(2);
  });

  it('may be of streams or lists alone, whose braces mean nothing', async () => {
    const { settings } = await load({ url, streams: { keys: { 'o:{tag}': 'orders' } }, lists: {} });
    expect(settings.ingest.redis).toMatchObject({
      channels: [],
      streams: { group: 'carillon', keys: [{ key: 'o:{tag}', channel: 'orders' }] },
      lists: { take: 'left', keys: [] },
    });
  });
});
