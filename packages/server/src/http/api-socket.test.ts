import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { z } from 'zod';
import { FakeConnection } from '../testing/fake-connection.ts';
import { apiKey, type HttpHost, startHttp } from '../testing/http-host.ts';
import { LineWire } from '../testing/line-wire.ts';
import { endOf, until } from '../testing/websocket-peer.ts';
import { ApiCounters } from './api/counters.ts';
import { defineMethod, type Verbs } from './api/method.ts';
import { ApiSocket } from './api-socket.ts';

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp({ anonymous: true });
});
afterAll(() => host.stop());

const withKey = { Authorization: `Bearer ${apiKey}` };

/** An open socket, and what it has got. */
async function open(path = '/v1/ws', headers: Record<string, string> = withKey, port = host.port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers, perMessageDeflate: false });
  const got: string[] = [];
  socket.on('message', (data: Buffer) => got.push(data.toString()));
  await once(socket, 'open');
  return { socket, got };
}

/** The answers to some frames, sent at once. */
async function ask(...frames: readonly (string | object)[]): Promise<string[]> {
  const { socket, got } = await open();
  for (const frame of frames) socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  await until(() => got.length >= frames.length);
  socket.close();
  return got;
}

async function refused(
  headers: Record<string, string>,
  options: WebSocket.ClientOptions = {},
): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${host.port}/v1/ws`, { headers, ...options });
  const [, answer] = await once(socket, 'unexpected-response');
  socket.on('error', () => {}).terminate();
  return `${answer.statusCode} ${answer.headers['www-authenticate'] ?? ''}`;
}

describe('who may open it', () => {
  test('API9 without a key, or with a wrong one, it is 401 before the upgrade', async () => {
    expect(await refused({})).toBe('401 Bearer');
    expect(await refused({ 'X-API-Key': 'wrong' })).toBe('401 Bearer');
  });

  test('API9 both headers take the key', async () => {
    for (const headers of [withKey, { 'X-API-Key': apiKey }]) {
      const { socket } = await open('/v1/ws', headers);
      socket.terminate();
    }
  });

  test('a plain request is told to upgrade, if it has the key', async () => {
    expect((await host.call('/v1/ws', { headers: withKey })).status).toBe(426);
    expect((await host.call('/v1/ws')).status).toBe(401);
  });

  test('it moves with the API to a listener of its own', async () => {
    const apart = await startHttp({
      settings: { api: { keys: [apiKey], listen: { host: '127.0.0.1', port: 0 } } },
    });
    const { socket } = await open('/v1/ws', withKey, apart.apiPort);
    const elsewhere = new WebSocket(`ws://127.0.0.1:${apart.port}/v1/ws`, { headers: withKey });
    const [, answer] = await once(elsewhere, 'unexpected-response');
    expect(answer.statusCode).toBe(404);
    elsewhere.on('error', () => {}).terminate();
    socket.terminate();
    await apart.stop();
  });
});

describe('requests', () => {
  test('API9 an answer has the id as it was written, and none without one', async () => {
    const publish = { method: 'publish', params: { channel: 'plain:a', data: 1 } };
    expect(await ask('{"id":1.50,"method":"channels"}')).toEqual(['{"id":1.50,"result":{"channels":[]}}']);
    expect(await ask({ id: 'a"b', ...publish })).toEqual(['{"id":"a\\"b","result":{}}']);
    expect(await ask(publish)).toEqual(['{"result":{}}']);
  });

  test('API9 data is published as it was written', async () => {
    await ask(
      '{"id":1,"method":"publish","params":{"channel":"open:big","data":{"b": 9007199254740993,"a":1.0}}}',
    );
    expect((await host.api('history', { channel: 'open:big' })).text).toContain(
      '{"b":9007199254740993,"a":1.0}',
    );
  });

  test('API9 without ids they are answered in order', async () => {
    const publish = { method: 'publish', params: { channel: 'open:order', data: 1 } };
    const history = { method: 'history', params: { channel: 'open:order' } };
    const answers = await ask(publish, history, publish, { method: 'nothing' }, publish);
    expect(answers.map((answer) => /"offset":\d+,"epoch|"publications"|"error"/.exec(answer)?.[0])).toEqual([
      '"offset":1,"epoch',
      '"publications"',
      '"offset":2,"epoch',
      '"error"',
      '"offset":3,"epoch',
    ]);
  });

  test('API9 publications keep their order, with ids too, however many are under way', async () => {
    const frames = Array.from({ length: 2_500 }, (_, id) => ({
      id,
      method: 'publish',
      params: { channel: 'open:many', data: id },
    }));
    const answers = await ask(...frames);
    const offsets = answers.map((answer) => JSON.parse(answer) as { id: number; result: { offset: number } });
    expect(offsets.every(({ id, result }) => result.offset === id + 1)).toBe(true);
    expect(new Set(offsets.map(({ id }) => id)).size).toBe(2_500);
  });

  test.each([
    [{ id: 1, method: 'publisch', params: {} }, 104, "did you mean 'publish'?"],
    [{ id: 1, params: {} }, 107, "'method' must be a string"],
    [{ id: 1, method: 'publish', params: { channel: 'a' } }, 107, "'data' is required"],
    [{ id: 1, method: 'publish' }, 107, "'channel' is required"],
    [
      { id: 1, method: 'channels', param: {} },
      107,
      "'param' is not a known field; known are id, method, params",
    ],
    [{ id: 1, method: 'session', params: { session: 'gone' } }, 108, "there is no session 'gone'"],
  ])('API9 %j is refused as over HTTP, and the connection lives', async (frame, code, message) => {
    const [refusal, alive] = await ask(frame, { id: 2, method: 'channels', params: { pattern: 'none' } });
    expect(JSON.parse(refusal ?? '')).toEqual({
      id: 1,
      error: { code, message: expect.stringContaining(message) },
    });
    expect(alive).toBe('{"id":2,"result":{"channels":[]}}');
  });

  test('an id that is none is refused without it', async () => {
    const [refusal] = await ask({ id: {}, method: 'channels' });
    expect(refusal).toMatch(
      /^{"error":{"code":107,"message":"bad request: 'id' must be a number or a string/,
    );
  });

  test.each(['{', '[]', '[{"method":"channels"}]', '1', 'null'])(
    'API9 the frame %j is refused, and the connection ends',
    async (frame) => {
      const { socket, got } = await open();
      const end = endOf(socket);
      socket.send(frame);
      expect(await end).toBe('3501 bad request');
      expect(got).toEqual([expect.stringMatching(/^{"error":{"code":107,"message":"bad request: /)]);
    },
  );

  test('a binary frame is refused, and a text frame `ping` is answered', async () => {
    const { socket, got } = await open();
    const end = endOf(socket);
    socket.send('ping');
    await until(() => got.length === 1);
    socket.send(Buffer.from('{}'));
    expect(await end).toBe('3501 bad request');
    expect(got[0]).toBe('pong');
  });

  test('it is counted as what it is', async () => {
    const before = host.counters.read().find(({ method, status }) => method === 'info' && status === 200);
    await ask({ id: 1, method: 'info' });
    const after = host.counters.read().find(({ method, status }) => method === 'info' && status === 200);
    expect(after?.count).toBe((before?.count ?? 0) + 1);
  });
});

/** `slow` asks nothing of the node. */
const noVerbs = {} as Verbs;

describe('a backend that does not wait', () => {
  /** A socket whose method `slow` answers when it is let. */
  function slowSocket(capacity?: number) {
    const connection = new FakeConnection(new LineWire(), capacity);
    const waiting: (() => void)[] = [];
    const slow = defineMethod({
      name: 'slow',
      summary: '',
      docs: { theme: 'operation', description: '', errors: [], example: { params: {}, result: {} } },
      params: z.looseObject({}),
      result: z.string(),
      run: () => new Promise<string>((resolve) => waiting.push(() => resolve(`"${'x'.repeat(1_000)}"`))),
    });
    const listener = new ApiSocket(connection, {
      methods: new Map([
        ['slow', slow],
        ['history', slow],
      ]),
      meshMethods: new Map(),
      verbs: noVerbs,
      counters: new ApiCounters(),
      log: { debug() {}, info() {}, warn() {}, error() {} },
    });
    connection.listen(listener);
    return { connection, waiting };
  }

  test('API9 1,000 requests may be under way; then nothing is read until half of them are answered', async () => {
    const { connection, waiting } = slowSocket();
    for (let id = 0; id < 1_500; id++) connection.send(JSON.stringify({ id, method: 'slow' }));
    await until(() => waiting.length === 1_000);
    expect(connection.isPaused).toBe(true);
    for (const answer of waiting.splice(0, 500)) answer();
    await until(() => waiting.length === 500);
    expect(connection.isPaused).toBe(true);
    waiting.shift()?.();
    await until(() => waiting.length === 999);
    expect(connection.isPaused).toBe(false);
  });

  test('API9 nothing is read while answers cannot leave, and all of them arrive', async () => {
    const { connection, waiting } = slowSocket(5_000);
    for (let id = 0; id < 20; id++) connection.send(JSON.stringify({ id, method: 'slow' }));
    for (const answer of waiting.splice(0)) answer();
    await until(() => connection.isPaused);
    connection.send(JSON.stringify({ id: 20, method: 'slow' }));
    let text = '';
    for (let turn = 0; turn < 1_000 && text.split('\n').length < 22; turn++) {
      text += connection.read().toString();
      await new Promise((resolve) => setImmediate(resolve));
      waiting.shift()?.();
    }
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id),
    ).toEqual(Array.from({ length: 21 }, (_, id) => id));
  });

  test('requests with large answers wait for each other, with ids too', async () => {
    const { connection, waiting } = slowSocket();
    for (let id = 0; id < 10; id++) connection.send(JSON.stringify({ id, method: 'history' }));
    for (let id = 0; id < 10; id++) {
      await until(() => waiting.length > 0);
      expect(waiting).toHaveLength(1);
      waiting.shift()?.();
    }
  });

  test('what is under way when it goes is done, and answered to nobody', async () => {
    const { connection, waiting } = slowSocket();
    connection.send(JSON.stringify({ id: 1, method: 'slow' }));
    connection.send(JSON.stringify({ method: 'slow' }));
    await until(() => waiting.length === 2);
    connection.cut();
    for (const answer of waiting) answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.readable).toBe(0);
  });
});

describe('the shapes of connmix', () => {
  async function client(path: string) {
    const peer = await open(path, {});
    const seen = new Set<string>();
    await until(() => host.node.figures().sessions > 0);
    const { text } = await host.api('sessions', {});
    for (const { session } of (JSON.parse(text) as { result: { sessions: { session: string }[] } }).result
      .sessions)
      seen.add(session);
    return { ...peer, session: [...seen].at(-1) ?? '' };
  }

  test('API10 mesh.publish and mesh.send reach as they do over HTTP', async () => {
    const raw = await client('/message-center');
    raw.socket.send('{"op":"subscribe","channel":"plain:mesh"}');
    await until(() => raw.got.length === 1);
    expect(
      await ask(
        { m: 'mesh.publish', p: { c: 'plain:mesh', d: 'hello' }, i: 1 },
        { m: 'mesh.send', p: { c: raw.session, d: '{"n": 1}' }, i: 2 },
        { m: 'mesh.send', p: { c: raw.session, d: 'text' } },
      ),
    ).toEqual(
      [
        '{"E":null,"r":{"s":1,"f":0},"i":1}',
        '{"E":null,"r":{"success":true},"i":2}',
        '{"E":null,"r":{"success":true}}',
      ].map((text) => expect.stringContaining(text)),
    );
    await until(() => raw.got.length === 4);
    expect(raw.got.slice(1).toSorted()).toEqual(['hello', 'text', '{"n":1}']);
    raw.socket.terminate();
    await until(() => host.node.figures().sessions === 0);
  });

  test('API10 what they refuse has their shape', async () => {
    const answers = await ask(
      { m: 'mesh.send', p: { c: 'gone', d: 'x' }, i: 1 },
      { m: 'mesh.sent', p: {}, i: 2 },
      { m: 'mesh.send', p: { c: 'gone' }, i: 3 },
    );
    const byId = answers.map((answer) => JSON.parse(answer) as { i: number }).toSorted((a, b) => a.i - b.i);
    const E = (code: number, message: string) => ({ c: code, m: expect.stringContaining(message) });
    expect(byId).toEqual([
      { E: E(108, "there is no session 'gone'"), r: null, i: 1 },
      { E: E(104, "did you mean 'mesh.send'?"), r: null, i: 2 },
      { E: E(107, "'d' is required"), r: null, i: 3 },
    ]);
    const { status, text } = await host.api('mesh/send', { c: 'gone', d: 'x' });
    expect([status, JSON.parse(text)]).toEqual([404, { E: E(108, 'no session'), r: null }]);
  });

  test('API10 bytes reach a message-center client as bytes', async () => {
    const raw = await client('/message-center');
    expect((await host.api('mesh/send', { c: raw.session, d: 'AAEC', t: 'binary' })).status).toBe(200);
    await until(() => raw.got.length === 1);
    expect(Buffer.from(raw.got[0] ?? '')).toEqual(Buffer.from([0, 1, 2]));
    raw.socket.terminate();
    await until(() => host.node.figures().sessions === 0);
  });
});
