import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  carillonBin,
  freePort,
  plainEnvironment,
  type RunningCarillon,
  startCarillon,
} from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { RedisServer, type RedisStart } from '../support/redis.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';
import { selfSigned } from '../support/self-signed.ts';

const path = requireOrSkip('redis-server');
const patient = { timeout: 25_000, interval: 100 };
const mapping = { channels: { 'chat:*': 'chat:*' } };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(path === undefined)('where Redis is', () => {
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  async function startRedis(start: RedisStart = {}): Promise<RedisServer> {
    const redis = await RedisServer.start(path ?? '', start);
    endings.push(() => redis[Symbol.asyncDispose]());
    return redis;
  }

  function configOf(redis: object): Record<string, unknown> {
    return {
      auth: { anonymous: true },
      channels: { '*': { subscribe: 'anyone' } },
      ingest: { redis: { ...mapping, ...redis } },
    };
  }

  async function start(redis: object): Promise<RunningCarillon> {
    const carillon = await startCarillon({ config: configOf(redis) });
    endings.push(() => carillon.stop());
    return carillon;
  }

  async function subscribed(carillon: RunningCarillon, ...channels: readonly string[]): Promise<Listener> {
    const listener = await Listener.subscribed(`${carillon.wsUrl}/ws`, ...channels);
    endings.push(() => listener[Symbol.dispose]());
    return listener;
  }

  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'carillon-places-'));
    endings.push(() => rmSync(made, { recursive: true, force: true }));
    return made;
  }

  function command(redis: object, ...args: readonly string[]): Promise<Ended> {
    const cwd = folder();
    writeFileSync(join(cwd, 'carillon.config.json'), JSON.stringify(configOf(redis)));
    return new Promise((resolve) => {
      const options = { cwd, env: plainEnvironment(), timeout: 20_000 };
      const child = execFile(process.execPath, [carillonBin, ...args], options, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
  }

  test('a Redis that is down at the start is a warning; subscribers are told when it comes', async () => {
    const port = await freePort();
    const carillon = await start({ url: `redis://127.0.0.1:${port}` });
    expect(carillon.stderr).toContain('Redis ingest is not in force');
    expect(carillon.stderr).toContain('nothing listens there (ECONNREFUSED)');
    const listener = await subscribed(carillon, 'chat:1');
    const redis = await startRedis({ port });
    expect(await listener.until(1)).toEqual(['{"event":"chat:1","type":"gap"}']);
    await redis.cli('PUBLISH', 'chat:1', '1');
    expect((await listener.until(2)).at(-1)).toBe('{"event":"chat:1","data":1}');
  });

  test('required and down: the server ends with 69 and one sentence, and so does check', async () => {
    const port = await freePort();
    const redis = { url: `redis://carillon:s3cret-word@127.0.0.1:${port}`, required: true };
    const served = await command(redis, 'serve', '--port', '0');
    expect(served.code).toBe(69);
    const sentence = `Redis (127.0.0.1:${port}) cannot be used: nothing listens there (ECONNREFUSED); it is required`;
    expect(served.stderr).toContain(`carillon: ingest.redis: ${sentence}.`);
    const checked = await command(redis, 'check');
    expect(checked).toMatchObject({ code: 69 });
    expect(checked.stdout).toContain(sentence);
    expect(checked.stdout + checked.stderr + served.stderr).not.toContain('s3cret-word');
  });

  test('check tries the connection and says in a line what it found', async () => {
    const redis = await startRedis();
    const good = await command({ url: redis.url }, 'check');
    expect(good).toMatchObject({ code: 0, stderr: '' });
    expect(good.stdout).toMatch(
      new RegExp(`^ingest.redis: Redis at 127.0.0.1:${redis.port} answers \\(version [\\d.]+\\)\\.$`, 'm'),
    );
    const down = await command({ url: `redis://127.0.0.1:${await freePort()}` }, 'check', '--json');
    expect(down.code).toBe(0);
    expect(JSON.parse(down.stdout).ingest.redis).toMatchObject({ usable: false });
    redis.signal('SIGSTOP');
    const silent = await command({ url: redis.url }, 'check');
    expect(silent.stdout).toContain('cannot be used: it did not answer within 2 s');
    redis.signal('SIGCONT');
  });

  test('a user with the right to subscribe alone is enough; a wrong password is named, not repeated', async () => {
    const redis = await startRedis();
    await redis.cli('ACL', 'SETUSER', 'push', 'on', '>pass:w0rd/', '&chat:*', '+subscribe', '+psubscribe');
    await redis.cli('ACL', 'SETUSER', 'default', 'off');
    const address = `127.0.0.1:${redis.port}`;
    const right = await command({ url: `redis://push:pass%3Aw0rd%2F@${address}` }, 'check');
    expect(right.stdout).toContain(`ingest.redis: Redis at ${address} answers.`);
    const wrong = await command(
      { url: `redis://push:pass%3Aw0rd%2F@${address}`, password: 'other-w0rd' },
      'check',
    );
    expect(wrong.stdout).toContain('cannot be used: WRONGPASS');
    expect(wrong.stdout).not.toMatch(/w0rd/);
    const forbidden = await command(
      { url: `redis://${address}`, username: 'push', password: 'pass:w0rd/', channels: { '*': '*' } },
      'check',
    );
    expect(forbidden.stdout).toContain('cannot be used: NOPERM');
    const credentials = { url: `redis://${address}`, username: 'push', password: 'pass:w0rd/' };
    const carillon = await start(credentials);
    expect(carillon.stderr).not.toContain('not in force');
  });

  test('the rights that the guide names are enough for streams and lists', async () => {
    const redis = await startRedis();
    const rights = '+xgroup +xreadgroup +xack +xautoclaim +lrange +llen +blmove +lrem';
    await redis.cli('ACL', 'SETUSER', 'push', 'on', '>secret', '~*', ...rights.split(' '));
    const carillon = await start({
      url: `redis://push:secret@127.0.0.1:${redis.port}`,
      channels: {},
      streams: { keys: { orders: 'orders' } },
      lists: { keys: { jobs: 'jobs' } },
    });
    const listener = await subscribed(carillon, 'orders', 'jobs');
    await redis.cli('XADD', 'orders', '*', 'data', '1');
    await listener.until(1);
    await redis.cli('RPUSH', 'jobs', '2');
    expect(await listener.until(2)).toEqual(['{"event":"orders","data":1}', '{"event":"jobs","data":2}']);
    expect(carillon.stderr).not.toContain('not in force');
  });

  test('TLS, with a certificate of its own on either side', async () => {
    const files = folder();
    const { certificate, key } = selfSigned();
    writeFileSync(join(files, 'redis.crt'), certificate);
    writeFileSync(join(files, 'redis.key'), key);
    const [cert, secret] = [join(files, 'redis.crt'), join(files, 'redis.key')];
    const port = await freePort();
    const args = [
      '--tls-port',
      String(port),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      secret,
      '--tls-ca-cert-file',
      cert,
    ];
    const cli = ['--tls', '--cacert', cert, '--cert', cert, '--key', secret];
    const redis = await startRedis({ port, args, cli });
    const url = `rediss://127.0.0.1:${port}`;
    const carillon = await start({ url, tls: { ca: cert, certificate: cert, key: secret } });
    const listener = await subscribed(carillon, 'chat:tls');
    expect(await redis.cli('PUBLISH', 'chat:tls', '1')).toBe('1');
    expect(await listener.until(1)).toEqual(['{"event":"chat:tls","data":1}']);
    const stranger = await command({ url }, 'check');
    expect(stranger.stdout).toContain('cannot be used: self-signed certificate');
    const believing = await command({ url, tls: { verify: false, certificate: cert, key: secret } }, 'check');
    expect(believing.stdout).toContain('answers');
  });

  test('a Unix socket', async () => {
    const socket = join(folder(), 'redis.sock');
    const redis = await startRedis({ args: ['--unixsocket', socket] });
    const listener = await subscribed(await start({ url: `unix://${socket}` }), 'chat:unix');
    expect(await redis.cli('PUBLISH', 'chat:unix', '1')).toBe('1');
    expect(await listener.until(1)).toEqual(['{"event":"chat:unix","data":1}']);
  });

  test('Sentinels name the primary; after a failover the new one is listened to, over one connection', {
    timeout: 90_000,
  }, async () => {
    const primary = await startRedis();
    const replica = await startRedis({ args: ['--replicaof', `127.0.0.1 ${primary.port}`] });
    const file = join(folder(), 'sentinel.conf');
    const lines = ['down-after-milliseconds main 300', 'failover-timeout main 2000', 'parallel-syncs main 1'];
    writeFileSync(
      file,
      [`monitor main 127.0.0.1 ${primary.port} 1`, ...lines].map((line) => `sentinel ${line}\n`).join(''),
    );
    const sentinel = await startRedis({ args: [file, '--sentinel'] });
    await expect.poll(() => replica.cli('INFO', 'replication'), patient).toContain('master_link_status:up');
    await expect
      .poll(() => sentinel.cli('SENTINEL', 'REPLICAS', 'main'), patient)
      .toContain(`${replica.port}`);
    const nobody = `127.0.0.1:${await freePort()}`;
    const carillon = await start({
      sentinel: { name: 'main', addresses: [nobody, `127.0.0.1:${sentinel.port}`] },
      streams: { keys: { orders: 'orders' } },
    });
    const listener = await subscribed(carillon, 'chat:s', 'orders');
    await primary.cli('PUBLISH', 'chat:s', '1');
    expect(await listener.until(1)).toEqual(['{"event":"chat:s","data":1}']);
    expect(await primary.connections('carillon')).toHaveLength(2);
    await primary.kill();
    await expect.poll(() => replica.cli('ROLE'), patient).toContain('master');
    await expect.poll(() => replica.connections('carillon'), patient).toHaveLength(2);
    await listener.until(2);
    expect(listener.got[1]).toBe('{"event":"chat:s","type":"gap"}');
    await replica.cli('PUBLISH', 'chat:s', '2');
    expect((await listener.until(3))[2]).toBe('{"event":"chat:s","data":2}');
    await replica.cli('XADD', 'orders', '*', 'data', '3');
    expect((await listener.until(4))[3]).toBe('{"event":"orders","data":3}');
    const unknown = await command(
      { sentinel: { name: 'nope', addresses: [`127.0.0.1:${sentinel.port}`] } },
      'check',
    );
    expect(unknown.stdout).toContain("knows no primary 'nope'");
  });

  test('a Cluster: PUBLISH on any node arrives; streams and lists are read on the nodes that have them', {
    timeout: 90_000,
  }, async () => {
    const nodes: RedisServer[] = [];
    const buses: number[] = [];
    for (let at = 0; at < 3; at++) {
      const bus = await freePort();
      buses.push(bus);
      nodes.push(await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(bus)] }));
    }
    const [first, second, third] = nodes as [RedisServer, RedisServer, RedisServer];
    for (const [at, node] of nodes.entries()) {
      const [from, to] = [at * 5_462, Math.min(16_383, at * 5_462 + 5_461)];
      await node.cli('CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      if (at > 0) await first.cli('CLUSTER', 'MEET', '127.0.0.1', String(node.port), String(buses[at]));
    }
    for (const node of nodes)
      await expect.poll(() => node.cli('CLUSTER', 'INFO'), patient).toContain('cluster_state:ok');
    const carillon = await start({
      cluster: [`127.0.0.1:${await freePort()}`, `127.0.0.1:${second.port}`, `127.0.0.1:${third.port}`],
      // Three keys that lie in the three thirds of the slots.
      streams: { keys: { foo: 'foo', bar: 'bar' } },
      lists: { keys: { hello: 'hello' } },
    });
    const slots = await Promise.all(
      ['foo', 'bar', 'hello'].map((key) => first.cli('CLUSTER', 'KEYSLOT', key)),
    );
    expect(slots).toEqual(['12182', '5061', '866']);
    const listener = await subscribed(carillon, 'chat:c', 'foo', 'bar', 'hello');
    for (const [at, node] of nodes.entries()) {
      await node.cli('PUBLISH', 'chat:c', String(at));
      await listener.until(at + 1);
    }
    await third.cli('XADD', 'foo', '*', 'data', '4');
    await listener.until(4);
    await first.cli('XADD', 'bar', '*', 'data', '5');
    await listener.until(5);
    await first.cli('RPUSH', 'hello', '6');
    expect(await listener.until(6)).toEqual([
      '{"event":"chat:c","data":0}',
      '{"event":"chat:c","data":1}',
      '{"event":"chat:c","data":2}',
      '{"event":"foo","data":4}',
      '{"event":"bar","data":5}',
      '{"event":"hello","data":6}',
    ]);
    const connections = (await Promise.all(nodes.map((node) => node.connections('carillon')))).flat();
    expect(connections.filter((line) => line.includes(' psub=1 '))).toHaveLength(1);
    expect(connections).toHaveLength(4);
  });
});
