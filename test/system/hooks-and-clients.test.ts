/** Hooks in a file, the real binary, and clients on real sockets: what the application decides is what they see. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

const key = 'key-of-this-test';
const hooks = `
const refusal = (code, message) => Object.assign(new Error(message), { code });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const connect = ({ headers }) => {
  if (headers['x-banned']) throw refusal(452, 'you are banned');
  return headers['x-user'] ? { user: headers['x-user'] } : undefined;
};
export const auth = ({ token, device, headers }) => {
  if (token === 'closed') throw refusal(470, 'the account is closed');
  return token.startsWith('app-') ? { user: token.slice(4), info: { device, agent: headers['user-agent'] } } : undefined;
};
export const subscribe = ({ channel, user, data }) => {
  if (channel === 'asked:members' && user === undefined) throw refusal(403, 'members only');
  if (channel === 'asked:coded' && data?.code !== 42) throw refusal(404, 'wrong code');
};
export const publish = async ({ data, source, user }) => {
  if (data === 'spam') throw refusal(451, 'no spam');
  // Each answers before the one before it.
  if (typeof data?.order === 'number') await wait(40 - data.order * 10);
  return typeof data === 'string' ? { data: { text: data, from: user ?? source } } : undefined;
};
export const message = ({ data, channel }) => {
  if (channel !== undefined) return data === 'quiet' ? false : undefined;
  return data.op === 'time' ? { data: { zone: data.zone } } : undefined;
};
export const call = ({ method, data, user }) => {
  if (method === 'sum') return data.reduce((sum, each) => sum + each, 0);
  if (method === 'whoami') return user;
  throw refusal(404, 'there is no ' + method);
};
`;
const open = { subscribe: 'anyone', publish: 'anyone', history: { size: 100, ttl: '1m' } };

let folder: string;
let carillon: RunningCarillon;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
  writeFileSync(join(folder, 'hooks.mjs'), hooks);
  carillon = await startCarillon({
    config: {
      api: { keys: [key] },
      auth: { anonymous: true },
      hooks: join(folder, 'hooks.mjs'),
      channels: { 'open:*': open, 'asked:*': { ...open, subscribe: 'hook', publish: 'hook' } },
    },
  });
});
afterAll(async () => {
  await carillon?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A client that asks and gets the next message. */
class Client {
  readonly #socket: WebSocket;
  readonly #messages: string[] = [];
  #came: (() => void) | undefined;

  constructor(path = '/ws', headers: Record<string, string> = {}) {
    this.#socket = new WebSocket(carillon.wsUrl + path, { headers });
    this.#socket.on('message', (data) => {
      this.#messages.push(String(data));
      this.#came?.();
    });
  }

  async ask(...frames: unknown[]): Promise<unknown> {
    await this.open();
    for (const frame of frames) {
      this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    }
    return this.next();
  }

  async open(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CONNECTING) await once(this.#socket, 'open');
  }

  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      await new Promise<void>((resolve) => {
        this.#came = resolve;
      });
    }
    return JSON.parse(this.#messages.shift() ?? '');
  }

  /** Status before the upgrade, or code and reason after it. */
  end(): Promise<string> {
    return new Promise((resolve) => {
      this.#socket.once('unexpected-response', (_request, { statusCode }) => resolve(`status ${statusCode}`));
      this.#socket.once('close', (code, reason) => resolve(`${code} ${reason}`));
      this.#socket.once('error', () => {});
    });
  }

  close(): void {
    this.#socket.close();
  }
}

async function kept(channel: string): Promise<unknown[]> {
  const response = await fetch(`${carillon.url}/v1/history`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel }),
  });
  const { result } = (await response.json()) as {
    readonly result: { readonly publications: readonly { readonly data: unknown }[] };
  };
  return result.publications.map(({ data }) => data);
}

describe('HOK8, HOK9: who comes in', () => {
  test('is turned away on each transport as that can say it', async () => {
    const headers = { 'x-banned': 'yes' };
    expect(await new Client('/ws', headers).end()).toBe('3507 you are banned');
    expect(await new Client('/sub?channel=open:1', headers).end()).toBe('status 403');
    for (const path of ['/stream', '/sub?channel=open:1', '/sub?channel=open:1&transport=sse']) {
      const answer = await fetch(carillon.url + path, { headers });
      expect([path, answer.status, await answer.json()]).toEqual([
        path,
        403,
        { error: { code: 452, message: 'you are banned' } },
      ]);
    }
  });

  test('is who the hooks say', async () => {
    const known = new Client('/ws', { 'x-user': 'ann' });
    expect(await known.ask({ op: 'call', method: 'whoami' })).toEqual({ result: 'ann' });
    const client = new Client();
    expect(await client.ask({ op: 'auth', token: 'nonsense' })).toMatchObject({ code: 101 });
    expect(await client.ask({ op: 'auth', token: 'closed' })).toEqual({
      code: 470,
      msg: 'the account is closed',
    });
    expect(await client.ask({ id: 1, op: 'auth', token: 'app-bob', device: 'phone' })).toMatchObject({
      result: { user: 'bob' },
    });
    expect(await client.ask({ op: 'call', method: 'whoami' })).toEqual({ result: 'bob' });
    expect(await new Client('/ws?token=closed').end()).toBe('3500 the account is closed');
    for (const each of [known, client]) each.close();
  });
});

describe('HOK5: subscribing', () => {
  test('is decided by the hook where the rule leaves it to it', async () => {
    const client = new Client();
    expect(await client.ask({ op: 'subscribe', channel: 'asked:members' })).toEqual({
      code: 403,
      msg: 'members only',
    });
    expect(await client.ask({ op: 'subscribe', channel: 'asked:coded', data: { code: 1 } })).toMatchObject({
      code: 404,
    });
    expect(await client.ask({ op: 'subscribe', channel: 'asked:coded', data: { code: 42 } })).toEqual({
      result: true,
    });
    expect((await fetch(`${carillon.url}/sub?channel=asked:members`)).status).toBe(403);
    client.close();
  });
});

describe('HOK2, HOK3, HOK7: publishing', () => {
  test('is refused, rewritten and let pass; a feed hears why', async () => {
    const client = new Client('/ws', { 'x-user': 'ann' });
    expect(await client.ask({ op: 'publish', channel: 'open:2', data: 'spam' })).toEqual({
      code: 451,
      msg: 'no spam',
    });
    expect(await client.ask({ op: 'publish', channel: 'open:2', data: 'hello' })).toEqual({ result: true });
    const feed = new Client('/sub?channel=open:2', { 'x-user': 'bob' });
    expect(await feed.ask('quiet', 'hey')).toEqual({ text: 'hey', from: 'bob' });
    const ended = feed.end();
    void feed.ask('spam');
    expect(await ended).toBe('3507 no spam');
    expect(await kept('open:2')).toEqual([
      { text: 'hello', from: 'ann' },
      { text: 'hey', from: 'bob' },
    ]);
    client.close();
  });

  test('keeps the order in which it came, though the hook answers the last first', async () => {
    const client = new Client();
    await client.open();
    const all = [0, 1, 2, 3].map((order) => ({
      id: order,
      op: 'publish',
      channel: 'open:3',
      data: { order },
    }));
    await client.ask(...all);
    for (let replies = 1; replies < all.length; replies++) await client.next();
    expect(await kept('open:3')).toEqual([0, 1, 2, 3].map((order) => ({ order })));
    client.close();
  });
});

test('HOK6, HOK7: calls and commands of the application’s own are answered by it', async () => {
  const client = new Client();
  expect(await client.ask({ op: 'call', method: 'sum', data: [1, 2, 3] })).toEqual({ result: 6 });
  expect(await client.ask({ id: 'x', op: 'call', method: 'less' })).toEqual({
    id: 'x',
    code: 404,
    msg: 'there is no less',
  });
  expect(await client.ask({ id: 2, op: 'time', zone: 'utc' })).toEqual({ id: 2, result: { zone: 'utc' } });
  expect(await client.ask({ op: 'dance' })).toMatchObject({ code: 104 });
  client.close();
});
