import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Identity } from '../core/access.ts';
import { ReplyError } from '../core/errors.ts';
import { type Answer, Backend, json } from '../testing/backend.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type CallbackOptions, CallbackTokens } from './callback.ts';

let backend: Backend;
let clock: VirtualClock;
let log: RememberingLog;
const made: CallbackTokens[] = [];

beforeEach(async () => {
  backend = await Backend.start(json({ uid: '7' }));
  clock = new VirtualClock();
  log = new RememberingLog();
});
afterEach(async () => {
  for (const tokens of made.splice(0)) tokens.close();
  await backend.stop();
});

function tokens(options: Partial<CallbackOptions> = {}): CallbackTokens {
  const full = { url: backend.url, timeoutMs: 5_000, headers: {}, concurrency: 64, ...options };
  const callback = new CallbackTokens(full, clock, log);
  made.push(callback);
  return callback;
}

/** The identity, or the code of the refusal. */
async function outcome(asked: Promise<Identity>): Promise<Identity | number> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ReplyError) return error.code;
    throw error;
  }
}

function ask(answer: Answer, options?: Partial<CallbackOptions>): Promise<Identity | number> {
  backend.answer = answer;
  return outcome(tokens(options).authenticate('t'));
}

function text(body: string, status = 200): Answer {
  return (res) => void res.writeHead(status).end(body);
}

describe('a token goes to the backend', () => {
  test('as JSON, with the headers of the config, and the answer says who it is', async () => {
    const answer = {
      uid: 1001,
      info: { name: 'Ada' },
      tags: { vip: true },
      channels: ['room:*'],
      expires: 60,
    };
    const identity = await ask(json(answer), { headers: { 'X-Key': 'k' } });
    expect(identity).toEqual({
      user: '1001',
      info: { name: 'Ada' },
      tags: { vip: true },
      channels: ['room:*'],
      expiresAt: clock.now() + 60_000,
    });
    const [request] = backend.requests;
    expect(request).toMatchObject({ method: 'POST', body: '{"token":"t"}' });
    expect(request?.headers).toMatchObject({ 'x-key': 'k', 'content-type': 'application/json' });
  });

  test('whose user keeps all its digits', async () => {
    expect(await ask(text('{ "uid" : 12345678901234567890 }'))).toEqual({ user: '12345678901234567890' });
  });

  test('on connections that are kept, also after the backend has closed an idle one', async () => {
    const callback = tokens();
    for (const token of ['a', 'b', 'c']) await callback.authenticate(token);
    expect(backend.connections).toBe(1);
    backend.endIdle();
    expect(await callback.authenticate('d')).toEqual({ user: '7' });
  });

  test('once for all who show the same one meanwhile, and again afterwards', async () => {
    const callback = tokens();
    const [one, same] = [callback.authenticate('t'), callback.authenticate('t')];
    expect([await one, await same]).toEqual([{ user: '7' }, { user: '7' }]);
    expect(backend.requests).toHaveLength(1);
    await callback.authenticate('t');
    expect(backend.requests).toHaveLength(2);
  });

  test('at most so many at a time, whatever comes', async () => {
    backend.answer = (res) => void setImmediate(() => res.end('{"uid":1}'));
    const callback = tokens({ concurrency: 16 });
    const asked = Array.from({ length: 200 }, (_, index) => callback.authenticate(`t${index}`));
    expect(await Promise.all(asked)).toHaveLength(200);
    expect(backend.requests).toHaveLength(200);
    expect(backend.mostAtOnce).toBeLessThanOrEqual(16);
    expect(backend.connections).toBeLessThanOrEqual(16);
  });
});

describe('101', () => {
  test.each([401, 403, 404])('when the status is %i, whatever the body', async (status) => {
    expect(await ask(text('no such token', status))).toBe(101);
    expect(log.lines).toEqual([]);
  });

  test('also when the body of the refusal never ends', async () => {
    backend.answer = (res) => void res.writeHead(401).write('...');
    expect(await outcome(tokens().authenticate('t'))).toBe(101);
    expect(clock.timers).toBe(1);
    await clock.elapse(5_000);
    expect(clock.timers).toBe(0);
  });
});

describe('108, and never a pass,', () => {
  test.each<[string, Answer]>([
    ['a status of its own', text('oops', 500)],
    ['a redirect', (res) => void res.writeHead(302, { Location: '/elsewhere' }).end()],
    ['no content', text('', 204)],
    ['no JSON', text('<html>')],
    ['a list', json([1])],
    ['null', json(null)],
    ['no uid', json({ user: 1 })],
    ['an empty uid', json({ uid: '' })],
    ['a uid that is null', json({ uid: null })],
    ['a uid that is no whole number', json({ uid: 1.5 })],
    ['a uid with control characters', json({ uid: 'a\nb' })],
    ['a uid that is too long', json({ uid: 'x'.repeat(256) })],
    ['tags that are a list', json({ uid: 1, tags: ['vip'] })],
    ['tags that are nested', json({ uid: 1, tags: { a: { b: 1 } } })],
    ['channels that are a text', json({ uid: 1, channels: 'room:*' })],
    ['channels that are numbers', json({ uid: 1, channels: [1] })],
    ['expires that is a text', json({ uid: 1, expires: '60' })],
    ['expires beyond all time', text('{"uid":1,"expires":1e999}')],
    ['a huge answer', (res) => void res.end(`{"uid":"${'x'.repeat(100_000)}"}`)],
    ['bytes that are not UTF-8', (res) => void res.end(Buffer.from('{"uid":"\xff"}', 'latin1'))],
    ['a connection that breaks', (res) => void res.destroy()],
    [
      'an answer that breaks off',
      (res) => {
        res.writeHead(200, { 'Content-Length': 100 }).write('{"uid":');
        setImmediate(() => res.destroy());
      },
    ],
  ])('for %s', async (_, answer) => {
    expect(await ask(answer)).toBe(108);
    expect(log.lines).toEqual([
      'warn: the auth callback cannot be used; tokens that need it are refused with 108',
    ]);
  });

  test('when nobody listens', async () => {
    const { url } = backend;
    await backend.stop();
    expect(await outcome(tokens({ url }).authenticate('t'))).toBe(108);
  });

  test('when no answer comes within the time limit', async () => {
    backend.answer = () => {};
    const asked = outcome(tokens({ timeoutMs: 300 }).authenticate('t'));
    await backend.arrived(1);
    await clock.elapse(300);
    expect(await asked).toBe(108);
  });

  test('when the answer begins and does not end', async () => {
    backend.answer = (res) => void res.writeHead(200).write('{"uid":');
    const asked = outcome(tokens().authenticate('t'));
    await backend.arrived(1);
    await clock.elapse(5_000);
    expect(await asked).toBe(108);
  });

  test('when connections are taken and nothing is read', async () => {
    const sockets: Socket[] = [];
    const deaf = createServer((socket) => void sockets.push(socket.pause())).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const { port } = deaf.address() as { readonly port: number };
    const asked = outcome(tokens({ url: `http://127.0.0.1:${port}/` }).authenticate('t'));
    await once(connect(port, '127.0.0.1'), 'connect').then(([socket]) =>
      (socket as Socket | undefined)?.destroy(),
    );
    await clock.elapse(5_000);
    expect(await asked).toBe(108);
    for (const socket of sockets) socket.destroy();
    deaf.close();
  });

  test('at once when too many wait, and within the time limit for those who do', async () => {
    backend.answer = () => {};
    const callback = tokens({ concurrency: 2 });
    const asked = Array.from({ length: 1_010 }, (_, index) => outcome(callback.authenticate(`t${index}`)));
    // Two are asked, a thousand wait, and nobody has answered yet.
    expect(await Promise.all(asked.slice(1_002))).toEqual(new Array(8).fill(108));
    await backend.arrived(2);
    await clock.elapse(5_000);
    expect(await Promise.all(asked)).toEqual(new Array(1_010).fill(108));
    expect(backend.requests).toHaveLength(2);
    expect(clock.timers).toBe(0);
    // Nothing has been lost on the way: as many as ever are asked at once.
    backend.answer = json({ uid: 1 });
    expect(await callback.authenticate('fresh')).toEqual({ user: '1' });
  });
});

test('an identity that has expired already is 109', async () => {
  expect(await ask(json({ uid: 1, expires: 0 }))).toBe(109);
});

test('the log tells once that the backend is down, and once that it is back', async () => {
  const callback = tokens();
  backend.answer = text('', 500);
  for (const token of ['a', 'b', 'c']) expect(await outcome(callback.authenticate(token))).toBe(108);
  backend.answer = text('', 401);
  for (const token of ['a', 'b']) expect(await outcome(callback.authenticate(token))).toBe(101);
  expect(log.lines).toEqual([
    'warn: the auth callback cannot be used; tokens that need it are refused with 108',
    'info: the auth callback answers again',
  ]);
});
