/** Who may do what, with the real binary: tokens withdrawn on every transport, tokens for one channel, keys with scopes, rates. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const secret = 'a secret of thirty-two bytes, no less';
const ok = '{"result":true}';
const history = { size: 10, ttl: '1m' };

let carillon: RunningCarillon;
beforeAll(async () => {
  carillon = await startCarillon({
    config: {
      api: {
        keys: [
          'the-key-that-may-do-everything',
          { key: 'the-key-of-the-shop', name: 'shop', scopes: ['publish'], channels: ['vip:*'] },
        ],
      },
      auth: { jwt: { secret } },
      trustProxy: ['127.0.0.0/8'],
      channels: {
        'user:{uid}': { subscribe: 'owner', history },
        'vip:*': { subscribe: 'token', history },
      },
      rates: { refusedTokensPerAddress: '3/h' },
    },
  });
});
afterAll(() => carillon?.stop());

/** What a backend in any language writes: a JWT by hand. */
function sign(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

async function api(
  method: string,
  params: object,
  key = 'the-key-that-may-do-everything',
): Promise<{ status: number; body: unknown }> {
  const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(params) };
  const response = await fetch(`${carillon.url}/v1/${method}`, init);
  return { status: response.status, body: await response.json() };
}

async function login(token: string): Promise<Listener> {
  const client = await Listener.open(`${carillon.wsUrl}/ws`);
  client.send(JSON.stringify({ op: 'auth', token }));
  expect((await client.until(1))[0]).toBe(ok);
  client.got.length = 0;
  return client;
}

/** A GET with this token, read to its end. */
async function get(path: string, token: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${carillon.url}${path}`, {
    headers: { ...headers, Authorization: `Bearer ${token}` },
  });
  return { status: response.status, text: await response.text() };
}

describe('ACC16: a token that is withdrawn', () => {
  test('ends whatever it opened, on every transport, and nothing of other tokens', async () => {
    const token = sign({ sub: '7', jti: 'of the phone' });
    using phone = await login(token);
    using laptop = await login(sign({ sub: '7', jti: 'of the laptop' }));
    const bare = new WebSocket(`${carillon.wsUrl}/sub?channel=user:7&token=${token}`);
    await once(bare, 'open');
    const closed = once(bare, 'close');
    const stream = get('/sub?channel=user:7', token, { Accept: 'text/event-stream' });
    const lines = get('/sub?channel=user:7', token, { Accept: 'application/x-ndjson' });
    const poll = get('/sub?channel=user:7', token);
    const native = get('/stream', token);
    for (let count = 0; count < 7; ) {
      const { body } = await api('user', { user: '7' });
      count = (body as { result: { sessions: string[] } }).result.sessions.length;
    }
    expect((await api('block', { jti: 'of the phone', reason: 'lost' })).body).toEqual({
      result: { sessions: 6 },
    });
    expect(await phone.closed).toBe(3500);
    expect((await closed)[0]).toBe(3500);
    expect((await stream).text).toContain('data: {"code":3500,"reason":"lost"}');
    expect((await lines).text).toContain('{"type":"close","code":3500,"reason":"lost"}');
    expect((await poll).status).toBe(403);
    expect((await native).text).toContain('"type":"close","code":3500,"msg":"lost"');

    using again = await Listener.open(`${carillon.wsUrl}/ws?token=${token}`);
    expect(await again.closed).toBe(3500);
    for (const path of ['/sub?channel=user:7', '/stream?transport=longpoll'])
      expect((await get(path, token)).status).toBe(401);
    laptop.send('{"op":"subscribe","channel":"@user"}');
    expect((await laptop.until(1))[0]).toBe(ok);
    await api('unblock', { jti: 'of the phone' });
    using back = await login(token);
    back.send('{"op":"ping"}');
    await back.until(1);
  });
});

describe('ACC17: a token for one channel', () => {
  test('opens it until its end, and a fresh one goes on where it ended', async () => {
    using client = await login(sign({ sub: '8' }));
    const subscribe = (claims: object, more: object = {}) =>
      client.send(JSON.stringify({ id: 1, op: 'subscribe', channel: 'vip:1', token: sign(claims), ...more }));
    const shortly = () => Math.floor(Date.now() / 1_000) + 2;
    subscribe({ sub: '8', channels: ['vip:1'], exp: shortly() });
    const [reply] = (await client.until(1)).map((text) => JSON.parse(String(text)));
    expect(reply).toMatchObject({ id: 1, result: { channel: 'vip:1' } });
    expect((await client.until(2))[1]).toBe(
      '{"event":"vip:1","type":"unsubscribed","code":109,"msg":"token expired"}',
    );
    await api('publish', { channel: 'vip:1', data: 'meanwhile' }, 'the-key-of-the-shop');
    const { epoch, offset } = reply.result;
    subscribe({ sub: '9', channels: ['vip:1'] });
    subscribe({ channels: ['vip:2'] });
    subscribe({ channels: ['vip:*'] }, { since: { epoch, offset } });
    const got = (await client.until(6)).slice(2).map((text) => JSON.parse(String(text)));
    expect(got).toMatchObject([
      { id: 1, code: 103 },
      { id: 1, code: 103 },
      { id: 1, result: { recovered: true } },
      { event: 'vip:1', data: 'meanwhile' },
    ]);
  });
});

describe('ACC18: a key with scopes', () => {
  test('does what they open, and is nobody where a letter is missing', async () => {
    const shop = 'the-key-of-the-shop';
    expect((await api('publish', { channel: 'vip:2', data: 1 }, shop)).status).toBe(200);
    expect((await api('publish', { channel: 'user:7', data: 1 }, shop)).status).toBe(403);
    expect(await api('info', {}, shop)).toMatchObject({
      status: 403,
      body: { error: { code: 103, message: expect.stringContaining("'shop' has no scope 'read'") } },
    });
    expect((await api('info', {}, 'the-key-of-the-sho')).status).toBe(401);
    expect((await fetch(`${carillon.url}/metrics`)).status).toBe(200);
  });
});

describe('ACC19: who guesses tokens', () => {
  test('is refused by address, with a time to come back; others get in', async () => {
    const ask = (address: string, token: string) =>
      fetch(`${carillon.url}/sub?channel=user:9&timeout=0&token=${token}`, {
        headers: { 'X-Forwarded-For': address },
      });
    const good = sign({ sub: '9' });
    for (let count = 0; count < 3; count++)
      expect((await ask('203.0.113.9', `guess-${count}`)).status).toBe(401);
    const { status, headers } = await ask('203.0.113.9', good);
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(60);
    expect((await ask('203.0.113.10', good)).status).toBe(200);
  });
});
