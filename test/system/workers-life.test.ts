/** A server of several processes: any of them, or all, are killed, replaced and ended, and nothing acknowledged is lost or repeated. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  carillonBin,
  freePort,
  plainEnvironment,
  type RunningCarillon,
  runCarillon,
  startCarillon,
} from '../support/carillon.ts';
import { Crowd } from '../support/crowd.ts';
import { childrenOf, gone, lives } from '../support/processes.ts';

const key = 'a-key-for-the-tests';
const names = ['log:1', 'log:2', 'log:3', 'log:4'];
let folder = '';
let server: RunningCarillon | undefined;
/** Every process that was ever seen; none may be left. */
const seen = new Set<number>();
const closing: (() => void)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-life-'));
});

afterEach(async () => {
  if (server !== undefined) workersOf(server);
  for (const close of closing.splice(0)) close();
  await server?.stop('SIGKILL');
  server = undefined;
  const left = await gone(seen);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  seen.clear();
  rmSync(folder, { recursive: true, force: true });
  expect(left, 'processes that were left behind').toEqual([]);
});

function config(more: object = {}): Record<string, unknown> {
  return {
    workers: 2,
    api: { keys: [key] },
    auth: { anonymous: true },
    channels: {
      'log:*': { subscribe: 'anyone', publish: 'nobody', history: { size: 100_000, ttl: '1h' } },
    },
    drain: '0s',
    ...more,
  };
}

function kept(more: object = {}): Record<string, unknown> {
  return config({ dataDir: join(folder, 'data'), ...more });
}

/** The processes that serve, as far as they have started. */
function workersOf({ pid }: RunningCarillon): number[] {
  const workers = childrenOf(pid);
  for (const worker of [pid, ...workers]) seen.add(worker);
  return workers;
}

async function started(
  options: Parameters<typeof startCarillon>[0],
): Promise<{ running: RunningCarillon; url: string }> {
  const running = await startCarillon(options);
  server = running;
  // All workers serve, and signals are heard.
  await vi.waitFor(() => expect(running.stdout).toContain('Ctrl-C'), { timeout: 20_000, interval: 20 });
  expect(workersOf(running)).toHaveLength(2);
  return { running, url: running.url };
}

/** Resolves when the log has this so many times. */
async function logged(running: RunningCarillon, sentence: string, times = 1): Promise<void> {
  await vi.waitFor(() => expect(running.stderr.split(sentence).length - 1).toBeGreaterThanOrEqual(times), {
    timeout: 60_000,
    interval: 20,
  });
}

async function gather(url: string): Promise<Crowd> {
  const crowd = await Crowd.gather({ url, key, channels: names, readers: 16 });
  closing.push(() => crowd.close());
  return crowd;
}

function kill(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid !== undefined && lives(pid)) process.kill(pid, signal);
}

/** Kills the primary, waits until its workers are gone by themselves, and starts another one on the same port. */
async function again(running: RunningCarillon, options: Parameters<typeof startCarillon>[0]): Promise<void> {
  const workers = workersOf(running);
  // Its workers need a moment to end; the next one does not wait for that.
  kill(running.pid);
  await started(options);
  expect(await gone(workers)).toEqual([]);
}

describe('several workers and a data directory: 16 readers get everything acknowledged, once and in order, in one epoch', () => {
  test('LIF1 when one worker after another is killed', async () => {
    const { running, url } = await started({ config: kept() });
    const crowd = await gather(url);
    await crowd.publish(200, [0.2, 0.5, 0.8], async (index) => {
      kill(workersOf(running)[index % 2]);
      await logged(running, 'a worker serves again', index + 1);
    });
    await crowd.settled();
    crowd.expectWhole();
    expect(running.stderr).toContain('"reason":"killed by SIGKILL"');
  }, 120_000);

  test('LIF3 when the primary is killed and started again', async () => {
    const options = { port: await freePort(), config: kept() };
    const { url } = await started(options);
    const crowd = await gather(url);
    await crowd.publish(200, [0.3, 0.6], async () => {
      if (server !== undefined) await again(server, options);
    });
    await crowd.settled();
    crowd.expectWhole();
  }, 120_000);

  test('LIF3 when all are killed in the middle of their commits', async () => {
    const options = { port: await freePort(), config: kept() };
    const { url } = await started(options);
    const crowd = await gather(url);
    await crowd.publish(200, [0.3, 0.6], async () => {
      if (server === undefined) return;
      for (const worker of workersOf(server)) kill(worker);
      await again(server, options);
    });
    await crowd.settled();
    crowd.expectWhole();
  }, 120_000);

  test('LIF4 LIF5 when all workers are replaced one after another, and no request is refused or broken', async () => {
    const { running, url } = await started({ config: kept({ drain: '1s' }) });
    const before = workersOf(running);
    const crowd = await gather(url);
    await crowd.publish(300, [0.2, 0.6], async (index) => {
      kill(running.pid, 'SIGUSR2');
      // The same wish again.
      kill(running.pid, 'SIGUSR2');
      await logged(running, 'all workers were replaced', index + 1);
    });
    await crowd.settled();
    crowd.expectWhole();
    expect(crowd.failures).toBe(0);
    expect(workersOf(running).filter((pid) => before.includes(pid))).toEqual([]);
    expect(running.stderr.split('a worker is replaced')).toHaveLength(5);
  }, 120_000);

  test('when another server takes over', async () => {
    const port = await freePort();
    const { running, url } = await started({ port, config: kept({ drain: '1s' }) });
    const crowd = await gather(url);
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(kept({ drain: '1s', port })));
    await crowd.publish(200, [0.3], async () => {
      const next = spawn(process.execPath, [carillonBin, 'serve', '--config', file, '--takeover'], {
        env: plainEnvironment(),
        stdio: 'ignore',
      });
      if (next.pid !== undefined) seen.add(next.pid);
      const ended = once(next, 'close');
      closing.push(() => next.kill('SIGKILL'));
      expect(await running.exited).toBe(0);
      await vi.waitFor(() => expect(childrenOf(next.pid ?? 0)).toHaveLength(2), { timeout: 20_000 });
      for (const worker of childrenOf(next.pid ?? 0)) seen.add(worker);
      void ended;
    });
    await crowd.settled();
    crowd.expectWhole();
  }, 120_000);
});

describe('several workers without a data directory', () => {
  test('LIF1 lose nothing when one of them is killed', async () => {
    const { running, url } = await started({ config: config() });
    const crowd = await gather(url);
    await crowd.publish(200, [0.3, 0.7], async (index) => {
      kill(workersOf(running)[index]);
      await logged(running, 'a worker serves again', index + 1);
    });
    await crowd.settled();
    crowd.expectWhole();
  }, 120_000);

  test('LIF3 have every reader told when the primary is killed', async () => {
    const options = { port: await freePort(), config: config() };
    const { running, url } = await started(options);
    const crowd = await gather(url);
    await crowd.publish(50, [], async () => {});
    await crowd.settled();
    await again(running, options);
    await vi.waitFor(
      () => expect(crowd.readers.map(({ losses }) => losses)).toEqual(crowd.readers.map(() => 1)),
      { timeout: 30_000, interval: 20 },
    );
  }, 120_000);
});

/** A WebSocket: all that it is told, and the code that it is closed with. */
async function webSocket(url: string): Promise<{ code: Promise<number>; heard: string[] }> {
  const socket = new WebSocket(url);
  const heard: string[] = [];
  socket.addEventListener('message', ({ data }) => heard.push(String(data)));
  await once(socket, 'open');
  return {
    heard,
    code: new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code))),
  };
}

/** A stream over HTTP: resolves when its head is there; `end`: whether its last chunk came, or it was cut. */
function stream(url: string): Promise<{ end: Promise<'whole' | 'cut'> }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}/sub?channel=log:1`,
      { headers: { Accept: 'text/event-stream' } },
      (response) => {
        const end = new Promise<'whole' | 'cut'>((settle) => {
          response.on('error', () => {}).on('close', () => settle(response.complete ? 'whole' : 'cut'));
        });
        response.resume();
        resolve({ end });
      },
    );
    asked.on('error', reject).end();
  });
}

describe('workers whose primary is killed', () => {
  test('LIF3 close their clients, each in the words of its transport, and end', async () => {
    const { running, url } = await started({ config: config() });
    const sockets = await Promise.all(
      Array.from({ length: 12 }, () => webSocket(`${running.wsUrl}/sub?channel=log:1`)),
    );
    const streams = await Promise.all(Array.from({ length: 12 }, () => stream(url)));
    const workers = workersOf(running);
    kill(running.pid);
    expect(await Promise.all(sockets.map(({ code }) => code))).toEqual(sockets.map(() => 3001));
    expect(await Promise.all(streams.map(({ end }) => end))).toEqual(streams.map(() => 'whole'));
    expect(await gone(workers)).toEqual([]);
    expect(
      running.stderr.split('the primary is gone, so this worker closes its clients and ends'),
    ).toHaveLength(workers.length + 1);
  });

  test('LIF3 end in the middle of their drain, too', async () => {
    const { running } = await started({ config: config({ drain: '60s' }) });
    const sockets = await Promise.all(Array.from({ length: 6 }, () => webSocket(`${running.wsUrl}/ws`)));
    const workers = workersOf(running);
    kill(running.pid, 'SIGTERM');
    await sleep(200);
    kill(running.pid);
    expect(await Promise.all(sockets.map(({ code }) => code))).toEqual(sockets.map(() => 3001));
    expect(await gone(workers)).toEqual([]);
  });

  test('LIF3 end even where they hang while they start', async () => {
    const file = join(folder, 'carillon.config.mjs');
    writeFileSync(file, "if (process.argv.includes('worker')) for (;;);\nexport default { workers: 2 };\n");
    const primary = spawn(process.execPath, [carillonBin, 'serve', '--config', file, '--port', '0'], {
      env: plainEnvironment(),
      stdio: 'ignore',
    });
    const { pid = 0 } = primary;
    seen.add(pid);
    await vi.waitFor(() => expect(childrenOf(pid)).toHaveLength(2), { timeout: 20_000, interval: 20 });
    const workers = childrenOf(pid);
    // By then they loop.
    await sleep(2_000);
    expect(workers.filter(lives)).toEqual(workers);
    kill(pid);
    expect(await gone(workers)).toEqual([]);
  });
});

describe('a worker that hangs', () => {
  test('LIF2 is killed and replaced, and the log says why', async () => {
    const { running } = await started({ config: config() });
    const [worker] = workersOf(running);
    kill(worker, 'SIGSTOP');
    await logged(running, 'a worker does not answer and is killed');
    await logged(running, 'it had not answered for 20000 ms');
    await vi.waitFor(() => expect(workersOf(running)).toHaveLength(2), { timeout: 20_000, interval: 50 });
    expect(workersOf(running)).not.toContain(worker);
  }, 90_000);
});

describe('signals', () => {
  test('LIF6 that reach workers change nothing, and those to the whole group end all at once and in order', async () => {
    const { running } = await started({ config: config({ drain: '1s' }) });
    const workers = workersOf(running);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => webSocket(`${running.wsUrl}/ws`)));
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGINT', 'SIGTERM'] as const)
      for (const worker of workers) kill(worker, signal);
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    for (let times = 0; times < 3; times++) for (const pid of [...workers, running.pid]) kill(pid, 'SIGTERM');
    expect(await Promise.all(sockets.map(({ code }) => code))).toEqual(sockets.map(() => 3001));
    for (const { heard } of sockets)
      expect(heard.filter((frame) => frame.includes('"type":"reconnect"'))).toHaveLength(1);
    expect(await running.exited).toBe(0);
    expect(running.stderr).toContain('"msg":"clients are told to leave"');
    expect(running.stderr).toContain('"msg":"stopped"');
    expect(running.stderr).not.toMatch(/"level":"(?:warn|error)"/);
    expect(await gone(workers)).toEqual([]);
  });

  test('LIF6 that come again later cut the end short, and leave nobody behind', async () => {
    const { running } = await started({ config: config({ drain: '60s' }) });
    const workers = workersOf(running);
    const { code } = await webSocket(`${running.wsUrl}/ws`);
    kill(running.pid, 'SIGTERM');
    await sleep(2_100);
    kill(running.pid, 'SIGTERM');
    expect(await code).toBe(3001);
    expect(await running.exited).toBe(0);
    expect(running.stderr).toContain('stopped before everything was closed');
    expect(await gone(workers)).toEqual([]);
  });
});

describe('a server of several processes that cannot start', () => {
  test('LIF7 says so as one of one process does: an occupied port, whose workers share it or not', async () => {
    const { running } = await started({ config: config() });
    const file = join(folder, 'config.json');
    for (const workers of [1, 2]) {
      writeFileSync(file, JSON.stringify(config({ workers })));
      const second = await runCarillon(['serve', '--config', file, '--port', String(running.port)]);
      expect(second).toEqual({
        code: 69,
        stdout: '',
        stderr: `carillon: 127.0.0.1:${running.port} is in use by another program; end that one, or choose another port with --port.\n`,
      });
    }
  });

  test.each([
    ['hooks that fail', 78, { hooks: './hooks.mjs' }],
    ['a damaged log', 78, { dataDir: '.' }],
    [
      'a Redis that must be there',
      69,
      { ingest: { redis: { url: 'redis://127.0.0.1:1', required: true, channels: { 'log:*': 'log:*' } } } },
    ],
    ['an address that is none of this machine', 78, { host: '203.0.113.7' }],
  ])('LIF7 says so as one of one process does: %s', async (_, code, more) => {
    writeFileSync(join(folder, 'hooks.mjs'), "throw new Error('not today');\n");
    writeFileSync(join(folder, 'carillon.db'), 'no database');
    const file = join(folder, 'config.json');
    const told: unknown[] = [];
    for (const workers of [1, 2]) {
      writeFileSync(file, JSON.stringify(config({ workers, log: { level: 'silent' }, ...more })));
      told.push(await runCarillon(['serve', '--config', file, '--port', '0']));
    }
    expect(told[0]).toMatchObject({ code, stdout: '' });
    expect(told[1]).toEqual(told[0]);
  });

  test('the banner names the number of workers, where there are several', async () => {
    const { running } = await started({ config: config() });
    expect(running.stdout).toMatch(/\n {2}workers {4}2\n/);
  });
});
