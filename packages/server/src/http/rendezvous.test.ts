import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type HttpHost, type HttpHostOptions, rendezvousTtlMs, startHttp } from '../testing/http-host.ts';
import { unaskedVerbs } from '../testing/unasked-verbs.ts';

const running: HttpHost[] = [];
afterEach(async () => {
  for (const host of running.splice(0)) await host.stop();
});

async function start(options?: HttpHostOptions): Promise<HttpHost> {
  const host = await startHttp(options);
  running.push(host);
  return host;
}

interface Drawn {
  readonly code: string;
  readonly secret: string;
  readonly channel: string;
  readonly expires: number;
  readonly url?: string;
}

const json = { 'Content-Type': 'application/json' };

async function post(
  host: HttpHost,
  path: string,
  body: unknown = '',
  headers: Record<string, string> = json,
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await host.call(path, { method: 'POST', body: text, headers });
  return { ...answer, body: JSON.parse(answer.text) };
}

async function draw(host: HttpHost, headers?: Record<string, string>): Promise<Drawn> {
  const { status, body } = await post(host, '/rendezvous', '', headers);
  expect(status).toBe(200);
  return body as Drawn;
}

function consume(host: HttpHost, { code, secret }: Pick<Drawn, 'code' | 'secret'>) {
  return post(host, '/rendezvous/consume', { code, secret });
}

async function api(host: HttpHost, method: string, params: object) {
  const { status, text } = await host.api(method, params);
  return { status, body: JSON.parse(text) };
}

function error(code: number, message: string) {
  return { error: { code, message: expect.stringContaining(message) } };
}

/** What a socket has received so far. */
async function listen(
  host: HttpHost,
  path: string,
  first?: object,
): Promise<{ socket: WebSocket; heard: string[] }> {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port}${path}`);
  const heard: string[] = [];
  socket.on('message', (data: Buffer) => heard.push(data.toString()));
  await once(socket, 'open');
  if (first !== undefined) socket.send(JSON.stringify(first));
  return { socket, heard };
}

describe('a login by QR code', () => {
  test('the browser draws, the backend scans and confirms, the browser collects once', async () => {
    const host = await start();
    const drawn = await draw(host, { 'User-Agent': 'Test/1.0' });
    expect(drawn).toEqual({
      code: expect.any(String),
      secret: expect.any(String),
      channel: expect.stringMatching(/^rendezvous:/),
      expires: 120,
    });
    const browser = { address: '127.0.0.1', agent: 'Test/1.0' };
    const { code } = drawn;
    expect(await consume(host, drawn)).toMatchObject({
      status: 202,
      body: { pending: true, state: 'created', expires: 120 },
    });
    expect(await api(host, 'rendezvous_scan', { code, info: { name: 'A**a' }, device: 'phone-1' })).toEqual({
      status: 200,
      body: { result: { state: 'scanned', expires: 120, browser } },
    });
    expect(await consume(host, drawn)).toMatchObject({
      status: 202,
      body: { pending: true, state: 'scanned' },
    });
    const confirmed = await host.api('rendezvous_confirm', { code, data: {} });
    expect(confirmed.status).toBe(200);
    expect(await api(host, 'rendezvous', { code })).toEqual({
      status: 200,
      body: { result: { state: 'confirmed', expires: 120, browser } },
    });
    expect(await consume(host, drawn)).toMatchObject({ status: 200, body: { data: {} } });
    expect(await consume(host, drawn)).toMatchObject({ status: 409, body: error(113, 'collected already') });
  });

  test('data is kept as it was written, and nobody is to keep the answers', async () => {
    const host = await start();
    const drawn = await draw(host);
    const body = `{"code":"${drawn.code}", "data": { "b": 12345678901234567890, "a" : " x " }}`;
    const headers = { ...json, 'X-API-Key': 'key-of-the-tests' };
    expect((await host.call('/v1/rendezvous_confirm', { method: 'POST', body, headers })).status).toBe(200);
    const { text, headers: answered } = await consume(host, drawn);
    expect(text).toBe('{"data":{"b":12345678901234567890,"a":" x "}}');
    expect(answered).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  test('scanUrl makes the address of the code', async () => {
    const scanUrl = 'https://m.example.com/login?code={code}';
    const host = await start({ settings: { rendezvous: { path: '/login/qr', scanUrl } } });
    const { body } = await post(host, '/login/qr');
    expect(body.url).toBe(`https://m.example.com/login?code=${body.code}`);
    expect((await post(host, '/login/qr/consume', { code: body.code, secret: body.secret })).status).toBe(
      202,
    );
  });
});

describe('the channel', () => {
  test('whoever knows its name listens without a login, also where all else needs one', async () => {
    const host = await start({ anonymous: false });
    const { channel, code } = await draw(host);
    await host.api('rendezvous_scan', { code });
    const bare = await listen(host, `/sub?channel=${channel}&from=oldest`);
    const subscribe = { op: 'subscribe', channel, last: 8 };
    const native = await listen(host, '/ws', { id: 1, ...subscribe });
    await host.api('rendezvous_confirm', { code, data: 'ticket' });
    const states = ['created', 'scanned', 'confirmed'];
    await expect
      .poll(() => bare.heard.map((text) => JSON.parse(text).state).filter((state) => states.includes(state)))
      .toContain('confirmed');
    await expect
      .poll(() => native.heard.map((text) => JSON.parse(text).data?.state).filter(Boolean))
      .toEqual(states);
    expect([...bare.heard, ...native.heard].join()).not.toContain('ticket');
    await host.clock.elapse(11_000);
    native.socket.send('{"op":"ping"}');
    await expect.poll(() => native.heard.at(-1)).toBe('{"result":"pong"}');
    for (const { socket } of [bare, native]) socket.close();
  });

  test('a client without a login may do nothing else there, and nothing elsewhere', async () => {
    const host = await start({ anonymous: false });
    const { channel } = await draw(host);
    const { socket, heard } = await listen(host, '/ws');
    const commands = [
      { op: 'publish', channel, data: { state: 'confirmed' } },
      { op: 'subscribe', channel: 'open:a' },
      { op: 'publish', channel: 'open:a', data: 1 },
    ];
    for (const command of commands) socket.send(JSON.stringify(command));
    await expect.poll(() => heard).toEqual(Array(3).fill('{"code":1,"msg":"Not Auth"}'));
    const both = new WebSocket(`ws://127.0.0.1:${host.port}/sub?channel=${channel}&channel=open:a`);
    const [refusal] = (await once(both, 'unexpected-response').then(([, response]) => [response])) as [
      { statusCode: number },
    ];
    expect(refusal.statusCode).toBe(401);
    both.on('error', () => {}).terminate();
    socket.close();
  });

  test('nobody but the server publishes there, also with a login, also through /pub', async () => {
    const host = await start({ anonymous: true });
    const { channel, code } = await draw(host);
    const { socket, heard } = await listen(host, '/ws?token=token-of-7');
    socket.send(JSON.stringify({ op: 'publish', channel, data: { state: 'confirmed' } }));
    await expect.poll(() => heard).toEqual(['{"code":103,"msg":"permission denied"}']);
    expect((await post(host, `/pub?channel=${channel}`, '{}')).status).toBe(401);
    expect(await api(host, 'rendezvous', { code })).toMatchObject({ body: { result: { state: 'created' } } });
    socket.close();
  });

  test('the end of the time is told', async () => {
    const host = await start();
    const { channel, code } = await draw(host);
    const { socket, heard } = await listen(host, `/sub?channel=${channel}`);
    await host.clock.elapse(rendezvousTtlMs);
    await expect.poll(() => heard).toEqual(['{"state":"expired"}']);
    expect(await api(host, 'rendezvous_scan', { code })).toEqual({
      status: 410,
      body: error(114, 'the rendezvous has expired'),
    });
    socket.close();
  });
});

describe('refusals to the browser', () => {
  test('who has the code but not the secret gets nothing, in every state the same', async () => {
    const host = await start();
    const { code } = await draw(host);
    const answers = [];
    for (const step of ['', 'rendezvous_scan', 'rendezvous_confirm', 'rendezvous_cancel']) {
      if (step !== '')
        await host.api(step, { code, ...(step === 'rendezvous_confirm' && { data: 'ticket' }) });
      answers.push((await consume(host, { code, secret: 'x'.repeat(32) })).text);
    }
    answers.push((await consume(host, { code: 'none', secret: 'none' })).text);
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0] ?? '')).toEqual(error(103, "no rendezvous with this 'code' and 'secret'"));
  });

  test.each([
    ['/rendezvous', '{"ttl":9}', "'ttl' is not a known field"],
    ['/rendezvous', '[', 'not JSON'],
    ['/rendezvous/consume', '', "'code' is required; 'secret' is required"],
    ['/rendezvous/consume', '{"code":1,"secret":"s"}', "'code' must be a string"],
    ['/rendezvous/consume', '{"code":"c","secret":""}', "'secret' must not be empty"],
  ])('%s %s: %s', async (path, body, message) => {
    const host = await start();
    expect(await post(host, path, body)).toMatchObject({ status: 400, body: error(107, message) });
  });

  test('a body is small, announced or not', async () => {
    const host = await start();
    const large = { status: 413, body: error(106, 'larger than 1024 bytes; send the fields') };
    expect(await post(host, '/rendezvous/consume', 'x'.repeat(1_025))).toMatchObject(large);
    expect(
      await post(host, '/rendezvous', ' '.repeat(1_025), { 'Transfer-Encoding': 'chunked' }),
    ).toMatchObject(large);
  });

  test('pages of other sites are kept out, those of listed origins may read', async () => {
    const host = await start({ settings: { origins: ['https://example.com'] } });
    const foreign = { status: 403, body: error(103, 'another site') };
    for (const path of ['/rendezvous', '/rendezvous/consume']) {
      expect(await post(host, path, '{}', { Origin: 'https://evil.example' })).toMatchObject(foreign);
      expect(await post(host, path, '{}', { 'Sec-Fetch-Site': 'cross-site' })).toMatchObject(foreign);
      expect(await post(host, path, '{}', { Referer: 'https://evil.example/a' })).toMatchObject(foreign);
      const headers = { Origin: 'https://example.com' };
      const preflight = await host.call(path, { method: 'OPTIONS', headers });
      expect(preflight.headers['access-control-allow-origin']).toBe('https://example.com');
    }
    const { status, headers } = await post(host, '/rendezvous', '', { Origin: 'https://example.com' });
    expect([status, headers['access-control-allow-origin']]).toEqual([200, 'https://example.com']);
  });

  test('only POST', async () => {
    const host = await start();
    for (const path of ['/rendezvous', '/rendezvous/consume'])
      expect((await host.call(path)).status).toBe(405);
  });

  test('an address has so many open; this machine is not held to it', async () => {
    const host = await start({ settings: { trustProxy: ['127.0.0.1'] } });
    const from = (address: string) => post(host, '/rendezvous', '', { 'X-Forwarded-For': address });
    for (let count = 0; count < 3; count++) expect((await from('203.0.113.7')).status).toBe(200);
    expect(await from('203.0.113.7')).toMatchObject({
      status: 429,
      body: error(111, 'this address has too many'),
    });
    expect((await from('203.0.113.8')).status).toBe(200);
    for (let count = 0; count < 5; count++) await draw(host);
    await host.clock.elapse(rendezvousTtlMs);
    expect((await from('203.0.113.7')).status).toBe(200);
  });

  test('all browsers together have so many open', async () => {
    const host = await start();
    for (let count = 0; count < 50; count++) await draw(host);
    expect(await post(host, '/rendezvous')).toMatchObject({ status: 429, body: error(111, 'limits.open') });
  });
});

describe('refusals to the backend', () => {
  test('the API needs its key: the code alone scans and confirms nothing', async () => {
    const host = await start();
    const { code } = await draw(host);
    for (const method of ['rendezvous', 'rendezvous_scan', 'rendezvous_confirm', 'rendezvous_cancel'])
      expect((await post(host, `/v1/${method}`, { code, data: 1 })).status).toBe(401);
    expect(await api(host, 'rendezvous', { code })).toMatchObject({ body: { result: { state: 'created' } } });
  });

  test('a step that somebody else made first is 409, one that comes too late 410', async () => {
    const host = await start();
    const { code } = await draw(host);
    await host.api('rendezvous_scan', { code, device: 'phone-1' });
    const other = { code, device: 'phone-2' };
    const taken = { status: 409, body: error(113, 'another device') };
    expect(await api(host, 'rendezvous_scan', other)).toEqual(taken);
    expect(await api(host, 'rendezvous_confirm', { ...other, data: 1 })).toEqual(taken);
    expect(await api(host, 'rendezvous_cancel', other)).toEqual(taken);
    await host.api('rendezvous_confirm', { code, data: 1 });
    expect(await api(host, 'rendezvous_confirm', { code, data: 2 })).toEqual({
      status: 409,
      body: error(113, 'confirmed already'),
    });
    await host.api('rendezvous_cancel', { code });
    const cancelled = { status: 410, body: error(114, 'was cancelled') };
    expect(await api(host, 'rendezvous_scan', { code })).toEqual(cancelled);
    expect(await api(host, 'rendezvous_confirm', { code, data: 1 })).toEqual(cancelled);
    expect(await api(host, 'rendezvous_scan', { code: 'none' })).toEqual({
      status: 410,
      body: error(114, 'no rendezvous has this code'),
    });
  });

  test.each([
    ['rendezvous_scan', {}, 107, "'code' is required"],
    ['rendezvous_scan', { code: 'c', device: 7 }, 107, "'device' must be a string"],
    ['rendezvous_confirm', { code: 'c' }, 107, "'data' is required"],
    [
      'rendezvous_confirm',
      { code: 'c', data: 'x'.repeat(8_192) },
      106,
      "'data' must not be longer than 8192",
    ],
    ['rendezvous_scan', { code: 'c', info: 'x'.repeat(2_048) }, 106, "'info' must not be longer than 2048"],
    ['rendezvous_cancel', { code: 'c', data: 1 }, 107, "'data' is not a known field"],
  ])('%s %j', async (method, params, code, message) => {
    const host = await start();
    expect(await api(host, method, params)).toEqual({ status: 400, body: error(code, message) });
  });

  test('where rendezvous are off, the methods say how to turn them on', async () => {
    const host = await start({ rest: { verbs: unaskedVerbs } });
    expect(await api(host, 'rendezvous_scan', { code: 'c' })).toEqual({
      status: 503,
      body: error(108, "turn them on with 'rendezvous: {}'"),
    });
  });
});
