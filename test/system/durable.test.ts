/** A server with a data directory: killed in the middle of its commits, it loses nothing that it acknowledged, and repeats nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const channels = {
  'user:{uid}': { subscribe: 'owner', inbox: true },
  'log:*': { subscribe: 'anyone', publish: 'nobody', history: { size: 100_000, ttl: '1h' } },
};
const key = 'a-key-for-the-tests';
let dataDir = '';
let server: RunningCarillon | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'carillon-data-'));
});

afterEach(async () => {
  await server?.stop('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

function config(more: object = {}): Record<string, unknown> {
  return { dataDir, api: { keys: [key] }, auth: { anonymous: true }, channels, drain: '0s', ...more };
}

interface Answer {
  readonly result?: { readonly offset: number; readonly epoch: string; readonly publications?: unknown[] };
  readonly error?: { readonly code: number; readonly message: string };
}

async function post(url: string, method: string, body: object): Promise<Answer> {
  const response = await fetch(`${url}/v1/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

/** A WebSocket that keeps what it is told. */
class Dialogue {
  readonly #socket: WebSocket;
  readonly #heard: unknown[] = [];

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#heard.push(JSON.parse(String(data))));
  }

  static async open(wsUrl: string): Promise<Dialogue> {
    const socket = new WebSocket(`${wsUrl}/ws`);
    await once(socket, 'open');
    return new Dialogue(socket);
  }

  say(...frames: readonly object[]): void {
    for (const frame of frames) this.#socket.send(JSON.stringify(frame));
  }

  /** Everything that was heard, when it is so much. */
  async until(count: number): Promise<readonly unknown[]> {
    await vi.waitFor(() => expect(this.#heard).toHaveLength(count), { timeout: 10_000, interval: 5 });
    return this.#heard;
  }

  close(): void {
    this.#socket.close();
  }
}

describe('a server with a data directory', () => {
  test('killed three times in the middle of its commits: 16 readers get everything acknowledged, once and in order, in one epoch', async () => {
    const port = await freePort();
    server = await startCarillon({ port, config: config() });
    const { url } = server;
    const names = ['log:1', 'log:2', 'log:3', 'log:4'];
    const crowd = await Crowd.gather({ url, key, channels: names, readers: 16 });
    await crowd.publish(300, [0.2, 0.5, 0.8], async () => {
      await server?.stop('SIGKILL');
      server = await startCarillon({ port, config: config() });
    });
    await crowd.settled();
    crowd.expectWhole();
    crowd.close();
  }, 120_000);

  test('INB6 ADR6 ADR7 after kill -9 it knows what was acknowledged, who is in a group, and how users are marked', async () => {
    const tokens = { 'token-ann': { user: 'ann' } };
    const known = config({ auth: { anonymous: true, tokens } });
    server = await startCarillon({ config: known });
    await post(server.url, 'group_join', { group: 'shop', user: 'ann' });
    await post(server.url, 'tag', { user: 'ann', tags: { vip: true } });
    for (const data of ['one', 'two', 'three'])
      await post(server.url, 'publish', { channel: 'user:ann', data });
    const commands = [
      { op: 'auth', token: 'token-ann', device: 'phone' },
      { op: 'subscribe', channel: '@user' },
    ];
    const before = await Dialogue.open(server.wsUrl);
    before.say(...commands, { op: 'ack', channel: '@user', offset: 2 });
    // Two replies, three messages, and the reply to the last.
    await before.until(6);
    await server.stop('SIGKILL');
    server = await startCarillon({ config: known });
    const after = await Dialogue.open(server.wsUrl);
    after.say(...commands);
    expect((await after.until(3)).at(-1)).toEqual({ event: '@user', data: 'three', offset: 3 });
    const sent = await post(server.url, 'send', { to: { where: 'vip' }, data: 'hello' });
    expect(sent.result).toEqual({ sessions: 1 });
    const group = await post(server.url, 'group', { group: 'shop' });
    expect(group.result).toMatchObject({ members: [{ user: 'ann' }] });
    for (const dialogue of [before, after]) dialogue.close();
  });

  test('a server takes over from another: that one drains, and 20 readers miss nothing of what is published meanwhile', async () => {
    const port = await freePort();
    const file = join(dataDir, 'config.json');
    writeFileSync(file, JSON.stringify(config({ drain: '2s', port })));
    server = await startCarillon({ port, config: config({ drain: '2s' }) });
    const { url } = server;
    const crowd = await Crowd.gather({ url, key, channels: ['log:1'], readers: 20 });
    const published = crowd.publish(400, [], async () => {});
    const next = spawn(process.execPath, [carillonBin, 'serve', '--config', file, '--takeover'], {
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let told = '';
    next.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    try {
      expect(await server.exited).toBe(0);
      await published;
      await crowd.settled();
      crowd.expectWhole();
      expect(told).toContain(`waiting until the server with process id ${server.pid} has drained`);
    } finally {
      crowd.close();
      next.kill('SIGKILL');
      await once(next, 'close');
    }
  });

  test('a second server is refused the folder, in one sentence', async () => {
    server = await startCarillon({ config: config() });
    const file = join(dataDir, 'config.json');
    writeFileSync(file, JSON.stringify(config()));
    const second = await runCarillon(['serve', '--config', file, '--port', String(await freePort())]);
    expect(second.code).toBe(78);
    expect(second.stderr.trim()).toBe(
      `carillon: dataDir: the log ${join(dataDir, 'carillon.db')} is in use by another process; one Carillon at a time may have it. With --takeover this one ends the other and goes on in its place.`,
    );
  });

  test('a folder that cannot be made is a plain sentence', async () => {
    const file = join(dataDir, 'a-file');
    writeFileSync(file, '');
    const { code, stderr } = await runCarillon(['serve', '--data', file, '--port', '0']);
    expect(code).toBe(78);
    expect(stderr.trim()).toMatch(/^carillon: dataDir: the folder .*a-file cannot be made \(EEXIST\)\.$/);
  });

  test('its folder is checked, exported and imported by the command line, when no server has it', async () => {
    server = await startCarillon({ config: config() });
    const { result } = await post(server.url, 'publish', { channel: 'log:1', data: { text: 'ü' } });
    const inUse = await runCarillon(['data', 'check', '--data', dataDir]);
    expect([inUse.code, inUse.stderr]).toEqual([78, expect.stringContaining('is in use by another process')]);
    await server.stop();
    const checked = await runCarillon(['data', 'check', '--data', dataDir, '--json']);
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true, publications: 1, faults: [] });
    const { stdout: archive } = await runCarillon(['data', 'export', '--data', dataDir]);
    const other = join(dataDir, 'other');
    const args = ['data', 'import', '--data', other, '--keep-positions'];
    expect(await runCarillon(args, archive)).toMatchObject({ code: 0, stderr: '' });
    server = await startCarillon({ config: config({ dataDir: other }) });
    const page = await post(server.url, 'history', { channel: 'log:1' });
    expect(page.result).toEqual({ ...result, publications: [{ offset: 1, data: { text: 'ü' } }] });
  });

  test('when the disk is full, publishing is refused, and what is kept can be read', async () => {
    server = await startCarillon({ config: config({ limits: { dataBytes: 1_048_576 } }) });
    const { url } = server;
    const data = 'x'.repeat(100_000);
    let last: Answer = {};
    let taken = 0;
    for (; last.error === undefined && taken < 50; taken++)
      last = await post(url, 'publish', { channel: 'log:1', data });
    expect(last.error).toMatchObject({ code: 108, message: expect.stringContaining('the disk is full') });
    const page = (await post(url, 'history', { channel: 'log:1' })) as {
      result?: { publications: unknown[] };
    };
    expect(page.result?.publications).toHaveLength(taken - 1);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});
