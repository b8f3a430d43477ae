import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKey, type HttpHost, startHttp } from '../../testing/http-host.ts';
import { unaskedVerbs } from '../../testing/unasked-verbs.ts';
import { apiMethods } from './methods.ts';
import { publishParams } from './schemas.ts';

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp();
});
afterAll(() => host.stop());

const json = { 'Content-Type': 'application/json' };
const withKey = { ...json, Authorization: `Bearer ${apiKey}` };

async function call(method: string, params: unknown): Promise<{ status: number; body: unknown }> {
  const { status, text } = await host.api(method, params);
  return { status, body: JSON.parse(text) };
}

/** The message of a refusal with this status, code 107 unless told. */
async function refusal(method: string, params: unknown, status = 400, code = 107): Promise<string> {
  const answer = await call(method, params);
  expect(answer).toEqual({ status, body: { error: { code, message: expect.any(String) } } });
  return (answer.body as { error: { message: string } }).error.message;
}

async function post(path: string, body: string | Buffer, headers: Record<string, string> = withKey) {
  return host.call(path, { method: 'POST', body, headers });
}

async function history(channel: string): Promise<string> {
  return (await host.api('history', { channel })).text;
}

describe('validation', () => {
  test.each([
    [{ data: 1 }, "'channel' is required"],
    [{ channel: 'open:v' }, "'data' is required"],
    [{ channel: 7, data: 1 }, "'channel' must be a string"],
    [{ channel: '', data: 1 }, "'channel' must not be empty"],
    [{ channel: 'a b', data: 1 }, "'channel' must not contain spaces or control characters"],
    [{ channel: '$x', data: 1 }, "'channel' must not begin with '$', which is reserved"],
    [{ channel: '@user', data: 1 }, "'channel' must not begin with '@', which marks an alias"],
    [{ channel: 'x'.repeat(256), data: 1 }, "'channel' must not be longer than 255 bytes of UTF-8"],
    [{ channel: 'open:v', data: 1, chanel: 'x' }, "'chanel' is not a known field; did you mean 'channel'?"],
    [{ channel: 'open:v', data: 1, zzz: 'x' }, "'zzz' is not a known field; known are 'channel', 'data'"],
    [{ channel: 'open:v', data: 1, idempotency_key: '' }, "'idempotency_key' must not be empty"],
    [
      { channel: 'open:v', data: 1, idempotency_key: 'k'.repeat(256) },
      "'idempotency_key' must not be longer than 255 bytes",
    ],
    [{ channel: 'open:v', data: 1, exclude: { users: 'x' } }, "'exclude.users' must be an array"],
    [{ channel: 'open:v', data: 1, exclude: { users: ['a', true] } }, "'exclude.users[1]' must be a string"],
    [
      { channel: 'open:v', data: 1, exclude: { user: ['a'] } },
      "'exclude.user' is not a known field; did you mean 'users'?",
    ],
    [{ channel: 'open:v', data: 1, exclude: [] }, "'exclude' must be an object"],
    [
      {
        channel: 'open:v',
        data: 1,
        exclude: { users: Array(600).fill('u'), sessions: Array(600).fill('s') },
      },
      "'exclude' must not name more than 1000 sessions and users together",
    ],
    [{ channel: 'open:v', data: 1, tags: { a: null } }, "'tags.a' must be a string, a number or a boolean"],
    [{ channel: 'open:v', data: 1, tags: { '': 1 } }, "'tags.' is no tag name"],
    [[], 'the body must be an object'],
    [null, 'the body must be an object'],
    ['text', 'the body must be an object'],
  ])('publish %j: %s', async (params, message) => {
    expect(await refusal('publish', params)).toContain(message);
    expect(await history('open:v')).toContain('"publications":[]');
  });

  test('tells all faults at once', async () => {
    expect(await refusal('publish', { channel: 'a b', dat: 1 })).toBe(
      "bad request: 'channel' must not contain spaces or control characters; 'data' is required; 'dat' is not a known field; did you mean 'data'?",
    );
  });

  test('an answer does not grow with the faults', async () => {
    const params = {
      channel: 'open:v',
      data: 1,
      ...Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`x${n}`, 1])),
    };
    expect(await refusal('publish', params)).toMatch(/; and 880 more$/);
  });

  test('a field named __proto__ is unknown, too', async () => {
    const { status, text } = await post('/v1/publish', '{"channel":"open:v","data":1,"__proto__":{"x":1}}');
    expect([status, text]).toEqual([400, expect.stringContaining("'__proto__' is not a known field")]);
  });

  test.each([
    '{',
    '[1',
    '{"channel":"open:v","data":1} x',
    '{"channel":"open:v","data":1}{}',
    '\ufeff{}',
    'channel=a',
  ])('what is not JSON is refused: %j', async (body) => {
    const { status, text } = await post('/v1/publish', body);
    expect([status, text]).toEqual([
      400,
      '{"error":{"code":107,"message":"bad request: the body is not JSON; send one JSON object"}}',
    ]);
  });

  test('what is nested too deep is refused', async () => {
    const { status, text } = await post(
      '/v1/publish',
      `{"channel":"open:v","data":${'['.repeat(9_000)}${']'.repeat(9_000)}}`,
    );
    expect([status, text]).toEqual([400, expect.stringContaining('nested deeper than 512')]);
  });

  test('bytes that are not UTF-8 are refused', async () => {
    const { status, text } = await post('/v1/publish', Buffer.from('7b2263223a22ff227d', 'hex'));
    expect([status, text]).toEqual([400, expect.stringContaining('not valid UTF-8')]);
  });

  test('the quick look at a plain publish admits nothing that the schema refuses', () => {
    const publish = apiMethods({ debug() {}, info() {}, warn() {}, error() {} }).find(
      ({ name }) => name === 'publish',
    );
    const inputs = [
      '{"channel":"a","data":1}',
      '{"data":null,"channel":"ä"}',
      '{"channel":"","data":1}',
      '{"channel":"a"}',
      '{"data":1}',
    ]
      .concat([
        '{"channel":1,"data":1}',
        '{"channel":"a","data":1,"x":1}',
        '{"channel":"a","data":1,"__proto__":1}',
        '[]',
        'null',
        '1',
      ])
      .concat([
        '"channel"',
        '{"channel":"\\ud800","data":1}',
        '{"channel":"a b","data":1}',
        '{"channel":"@a","data":1}',
        '{}',
      ]);
    for (const json of inputs) {
      const input: unknown = JSON.parse(json);
      const prepared = publish?.prepare(input, { json, start: 0 }, unaskedVerbs);
      expect([json, typeof prepared === 'function']).toEqual([json, publishParams.safeParse(input).success]);
    }
  });
});

describe('the door', () => {
  const body = '{"channel":"open:door","data":1}';

  test.each([
    ['no key', {}, 'an API key is needed'],
    ['a wrong key', { 'X-API-Key': 'secret-guess' }, 'this API key is not known'],
    ['a wrong bearer', { Authorization: 'Bearer secret-guess' }, 'this API key is not known'],
    ["a client's token", { Authorization: 'Bearer token-of-7' }, 'this API key is not known'],
    ['the key as a query', {}, 'an API key is needed', `?key=${apiKey}`],
  ])('with %s it answers 401', async (_, headers, message, query = '') => {
    const {
      status,
      text,
      headers: answered,
    } = await post(`/v1/publish${query}`, body, { ...json, ...headers });
    expect([status, answered['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(JSON.parse(text)).toEqual({ error: { code: 101, message: expect.stringContaining(message) } });
    expect(text).not.toContain('secret-guess');
    expect(await history('open:door')).toContain('"publications":[]');
  });

  test.each([
    ['application/x-www-form-urlencoded', 415],
    ['text/plain', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/json; charset=gbk', 200],
    ['Application/JSON;charset=UTF-8', 200],
    ['text/json', 200],
    ['application/cloudevents+json', 200],
  ])('Content-Type %s: %i', async (type, status) => {
    const answer = await post('/v1/publish', '{"channel":"plain:type","data":1}', {
      ...withKey,
      'Content-Type': type,
    });
    expect(answer.status).toBe(status);
  });

  test('no Content-Type is JSON, and an empty body has no parameters', async () => {
    const { status, text } = await post('/v1/info', '', { 'X-API-Key': apiKey });
    expect([status, text]).toEqual([200, expect.stringContaining('"workers":[{"id":0')]);
  });

  test('a body that is too large is a 413, by its length or by its bytes, and the connection is closed', async () => {
    const large = JSON.stringify({ channel: 'open:door', data: 'x'.repeat(70_000) });
    const announced = await post('/v1/publish', large, {
      ...withKey,
      'Content-Length': String(large.length),
    });
    const chunked = await post('/v1/publish', large, { ...withKey, 'Transfer-Encoding': 'chunked' });
    for (const { status, text, headers } of [announced, chunked]) {
      expect([status, headers.connection]).toEqual([413, 'close']);
      expect(JSON.parse(text)).toEqual({
        error: {
          code: 106,
          message:
            'limit exceeded: the body is larger than 65536 bytes; send less, or raise limits.apiBodyBytes',
        },
      });
    }
    expect(await history('open:door')).toContain('"publications":[]');
  });

  test('a compressed body is a 415', async () => {
    expect((await post('/v1/publish', body, { ...withKey, 'Content-Encoding': 'gzip' })).status).toBe(415);
  });

  test('an unknown method is a 404 that names the nearest one, for those with a key', async () => {
    expect(await refusal('publsh', {}, 404, 104)).toBe("unknown method: did you mean 'publish'?");
    expect(await refusal('nonsense', {}, 404, 104)).toContain('known are publish, broadcast');
    expect((await post('/v1/publsh', '{}', json)).status).toBe(401);
  });

  test('other verbs are a 405 that says which are taken', async () => {
    const get = await host.call('/v1/publish', { headers: withKey });
    expect([get.status, get.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    const options = await host.call('/v1/publish', { method: 'OPTIONS' });
    expect([options.status, options.headers.allow]).toEqual([204, 'POST, OPTIONS']);
  });

  test('answered requests are counted by method and status', async () => {
    const counted = host.counters.read();
    expect(counted).toContainEqual({ method: 'info', status: 200, count: 1 });
    expect(counted.find(({ method, status }) => method === 'unknown' && status === 404)?.count).toBe(2);
  });
});
