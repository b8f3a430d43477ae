/** Hooks with the real binary: swapped under full load, broken in every way, and what they can do. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { carillonBin, plainEnvironment, type RunningCarillon, startCarillon } from '../support/carillon.ts';

const run = promisify(execFile);
const key = 'a-key-that-is-long-enough';
const rule = { subscribe: 'anyone', publish: 'anyone', history: { size: 20_000, ttl: '10m' } };

let folder: string;
let carillon: RunningCarillon;

afterEach(async () => {
  await carillon?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

/** A server whose hooks are this text, or these files, beside its config. */
async function start(hooks: string | Record<string, string>, further: object = {}): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
  const files = typeof hooks === 'string' ? { 'hooks.ts': hooks } : hooks;
  for (const [name, text] of Object.entries(files)) write(name, text);
  const config = {
    api: { keys: [key] },
    auth: { anonymous: true },
    hooks: './hooks.ts',
    channels: { '*': rule },
    ...further,
  };
  write('carillon.config.json', JSON.stringify(config));
  carillon = await startCarillon({ args: ['--config', join(folder, 'carillon.config.json')] });
}

interface Answer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

async function api(method: string, params: object = {}): Promise<Answer> {
  const response = await fetch(`${carillon.url}/v1/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  return (await response.json()) as Answer;
}

async function code(data: unknown): Promise<number | undefined> {
  return (await api('publish', { channel: 'room:1', data })).error?.code;
}

/** Looks again and again, for half a minute at most. */
async function until(isThere: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 20) {
    if (await isThere()) return;
    await sleep(20);
  }
  throw new Error(`no ${what()}\n${carillon.stderr}`);
}

type Message = Readonly<Record<string, unknown>>;

async function open(path: string, take: (message: Message) => void, headers = {}): Promise<WebSocket> {
  const socket = new WebSocket(`${carillon.wsUrl}${path}`, { headers });
  await once(socket, 'open');
  socket.on('message', (text) => take(JSON.parse(String(text)) as Message));
  return socket;
}

describe('RUN8 hooks that are saved 100 times while everybody publishes', () => {
  /** What a publisher may have under way: enough to be never idle. */
  const atOnce = 8;
  const swaps = 100;
  const stamping = (version: number): string =>
    `import { version } from './version.ts';
     export const publish = ({ data }, { generation }) => ({ data: { ...data, version, other: ${version}, generation } });`;

  /** Keeps `atOnce` under way until it is told to stop; resolves when the last is answered. */
  async function publisher(
    name: string,
    path: string,
    frame: (id: number) => object,
  ): Promise<{ stop: () => Promise<number> }> {
    let [sent, answered, isStopped] = [0, 0, false];
    const bad: Message[] = [];
    const socket = await open(
      path,
      (message) => {
        answered += 1;
        if (message['result'] === undefined) bad.push(message);
        if (!isStopped) next();
      },
      { Authorization: `Bearer ${key}` },
    );
    const next = (): void => {
      sent += 1;
      socket.send(JSON.stringify(frame(sent)));
    };
    for (let count = 0; count < atOnce; count++) next();
    return {
      async stop() {
        isStopped = true;
        await until(
          () => answered === sent,
          () => `answer to ${name}: ${answered} of ${sent}`,
        );
        expect(bad).toEqual([]);
        expect(socket.readyState).toBe(WebSocket.OPEN);
        socket.close();
        return sent;
      },
    };
  }

  test('lose no message and no connection, and each message is of one generation, in order', async () => {
    // Each worker swaps in its own time: one waits for the files to be at rest while the next save begins for another.
    const files = { 'hooks.ts': stamping(0), 'version.ts': 'export const version = 0;' };
    await start(files, { workers: 1 });
    const seen = new Map<string, { count: number; generation: number }>();
    const faults: unknown[] = [];
    let newest = 0;
    const subscriber = await open('/ws', ({ event, data, result }) => {
      if (event === undefined) return void (result === true || faults.push(result));
      const { name, n, version, other, generation } = data as Record<string, unknown>;
      const before = seen.get(String(name)) ?? { count: 0, generation: 0 };
      const isWhole = version === other && typeof generation === 'number';
      if (!isWhole || n !== before.count + 1 || generation < before.generation) faults.push([before, data]);
      seen.set(String(name), { count: Number(n), generation: Number(generation) });
      newest = Math.max(newest, Number(version));
    });
    subscriber.on('close', (...why) => faults.push(why));
    subscriber.send('{"op":"subscribe","channel":"room:load"}');
    const data = (name: string, n: number): object => ({ channel: 'room:load', data: { name, n } });
    const publishers = [
      await publisher('ws-1', '/ws', (id) => ({ id, op: 'publish', ...data('ws-1', id) })),
      await publisher('ws-2', '/ws', (id) => ({ id, op: 'publish', ...data('ws-2', id) })),
      await publisher('api', '/v1/ws', (id) => ({ id, method: 'publish', params: data('api', id) })),
    ];
    for (let version = 1; version <= swaps; version++) {
      // Two files; what is seen of one save is never mixed with another.
      write('version.ts', `export const version = ${version};`);
      write('hooks.ts', stamping(version));
      await until(
        () => newest >= version,
        () => `version ${version}`,
      );
    }
    const sent: number[] = [];
    for (const { stop } of publishers) sent.push(await stop());
    await until(
      () => sum([...seen.values()].map(({ count }) => count)) === sum(sent),
      () => 'rest',
    );
    expect(faults).toEqual([]);
    expect([...seen.values()].map(({ count }) => count).toSorted()).toEqual(sent.toSorted());
    expect(subscriber.readyState).toBe(WebSocket.OPEN);
    expect(carillon.stderr).not.toContain('"level":"error"');
    const { hooks } = (await api('info')).result as { hooks: { generation: number } };
    expect(hooks.generation).toBeGreaterThan(swaps);
    subscriber.removeAllListeners('close').close();
  }, 240_000);

  function sum(numbers: readonly number[]): number {
    return numbers.reduce((total, number) => total + number, 0);
  }
});

describe('RUN4 RUN5 hooks that go wrong', () => {
  const broken = `
    export function publish({ data }) {
      if (data === 'throw') throw new TypeError('a bug');
      if (data === 'refuse') throw Object.assign(new Error('not here'), { code: 451 });
      if (data === 'loop') while (true);
      if (data === 'heap') { const kept = []; for (;;) kept.push({ a: [1] }); }
      if (data === 'buffers') { const kept = []; for (;;) kept.push(Buffer.alloc(1_000_000, 1)); }
      if (data === 'exit') process.exit(3);
      if (data === 'reject') void Promise.reject(new Error('forgotten'));
    }`;

  test('are told, and the server goes on', async () => {
    await start(broken, { hookTimeout: '1s', limits: { hookMemoryBytes: 67_108_864 } });
    const heard: unknown[] = [];
    const socket = await open('/ws', (message) => heard.push(message));
    socket.send('{"op":"subscribe","channel":"room:1"}');
    expect([await code('throw'), await code('refuse')]).toEqual([100, 451]);
    for (const [data, expected] of [
      ['loop', 108],
      ['exit', 108],
      ['heap', 108],
      ['buffers', 108],
      ['reject', undefined],
    ] as const) {
      expect(await code(data)).toBe(expected);
      await until(
        async () => (await code(`after ${data}`)) === undefined,
        () => `answer after ${data}`,
      );
    }
    for (const line of [
      "the hook 'publish' failed: TypeError: a bug (hooks.ts:3)",
      "it has not come back for 1 s, as in a loop without end, while the hook 'publish' was running",
      "it needs more memory than 64 MiB (limits.hookMemoryBytes), while the hook 'publish' was running",
      "it ended itself: process.exit(3) (hooks.ts:8), begun by the hook 'publish'",
      "a promise was rejected and nobody caught it: forgotten (hooks.ts:9), begun by the hook 'publish'",
    ]) {
      await until(
        () => carillon.stderr.includes(line),
        () => line,
      );
    }
    await until(
      () => JSON.stringify(heard).includes('after reject'),
      () => 'last publication',
    );
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
    const text = await (
      await fetch(`${carillon.url}/metrics`, { headers: { Authorization: `Bearer ${key}` } })
    ).text();
    expect(text).toMatch(/^carillon_hook_calls_total\{hook="publish",outcome="refused"\} 1$/m);
    expect(text).toMatch(/^carillon_hook_seconds_bucket\{le="\+Inf",hook="publish"\} \d+$/m);
    expect(text).toMatch(/^carillon_hooks_generation [5-9]$/m);
  }, 60_000);

  test('at the start end it with 78 and one sentence, and check says the same', async () => {
    folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
    write('hooks.ts', 'import "./missing.ts";');
    write('carillon.config.json', '{"hooks":"hooks.ts","port":0}');
    const options = { cwd: folder, env: plainEnvironment() };
    for (const command of ['serve', 'check']) {
      const failed = await run(process.execPath, [carillonBin, command], options).catch(
        (error: unknown) => error,
      );
      expect(failed).toMatchObject({ code: 78 });
      const { stderr } = failed as { stderr: string };
      expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
        /hooks: .*hooks\.ts cannot be loaded: .*missing\.ts/,
      );
      expect(stderr).not.toContain('    at ');
    }
    write('hooks.ts', 'export const call = () => 1; export const publish = { url: "http://127.0.0.1:1/" };');
    const { stdout } = await run(process.execPath, [carillonBin, 'check', '--json'], options);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, hooks: ['call', 'publish'] });
  });
});

describe('RUN10 a hook', () => {
  test('publishes by itself without being asked, reads, calls the API and logs', async () => {
    await start(`
      import { defineHooks } from 'carillon';
      export default defineHooks({
        publish: ({ data }) => ({ data: ['asked', data] }),
        async call({ method, user, data }, carillon) {
          if (method === 'wrong') return carillon.publish('$secret', 1).catch(({ code, message }) => ({ code, message }));
          const { offset } = await carillon.publish('room:1', data, { idempotency_key: 'once' });
          await carillon.publish('room:1', data, { idempotency_key: 'once' });
          const { publications } = await carillon.history('room:1');
          const { channels } = await carillon.api('channels');
          carillon.log.warn('called', { offset });
          return { offset, publications, channels: channels.length, user };
        },
      });`);
    const replies: Message[] = [];
    const socket = await open('/ws', (message) => replies.push(message));
    socket.send('{"op":"call","method":"m","data":{"a":1}}');
    socket.send('{"op":"call","method":"wrong","data":1}');
    await until(
      () => replies.length === 2,
      () => 'two replies',
    );
    expect(replies).toEqual([
      { result: { offset: 1, publications: [{ offset: 1, data: { a: 1 } }], channels: 1 } },
      { result: { code: 107, message: expect.stringContaining("'channel' must not begin with '$'") } },
    ]);
    await api('publish', { channel: 'room:1', data: 2 });
    const { publications } = (await api('history', { channel: 'room:1' })).result as {
      publications: unknown[];
    };
    expect(publications.at(-1)).toEqual({ offset: 2, data: ['asked', 2] });
    expect(carillon.stderr).toContain('"offset":1,"hook":"call","msg":"called"');
    socket.close();
  });

  test('of a config in TypeScript is swapped when the config is saved', async () => {
    const config = (word: string): string => `
      import { defineConfig } from 'carillon';
      export default defineConfig({
        workers: 2,
        api: { keys: ['${key}'] },
        hooks: { publish({ data }) { return { data: ['${word}', data] }; } },
        channels: { 'room:*': { subscribe: 'anyone', history: { size: 10, ttl: '1m' } } },
      });`;
    folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
    write('carillon.config.ts', config('a'));
    carillon = await startCarillon({ args: ['--config', join(folder, 'carillon.config.ts')] });
    await api('publish', { channel: 'room:1', data: 1 });
    write('carillon.config.ts', config('b'));
    // Each worker swaps by itself.
    await until(
      () => carillon.stderr.split('generation 2 is in force').length - 1 === 2,
      () => 'generation 2',
    );
    await api('publish', { channel: 'room:1', data: 2 });
    const { publications } = (await api('history', { channel: 'room:1' })).result as {
      publications: object[];
    };
    expect(publications).toMatchObject([{ data: ['a', 1] }, { data: ['b', 2] }]);
  });
});
