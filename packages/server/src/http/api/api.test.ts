import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKey, type HttpHost, startHttp } from '../../testing/http-host.ts';

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

describe('publish', () => {
  test('answers with the position, and the publication is in history before the answer', async () => {
    expect(await call('publish', { channel: 'open:a', data: { n: 1 } })).toEqual({
      status: 200,
      body: { result: { offset: 1, epoch: expect.any(String) } },
    });
    expect(await history('open:a')).toMatch(
      /^{"result":{"publications":\[{"offset":1,"data":{"n":1}}\],"epoch":"epoch\d+","offset":1}}$/,
    );
  });

  test('answers without a position where the channel keeps no history', async () => {
    expect(await call('publish', { channel: 'plain:a', data: 1 })).toEqual({
      status: 200,
      body: { result: {} },
    });
    expect(await call('publish', { channel: 'without:rule', data: 1 })).toEqual({
      status: 200,
      body: { result: {} },
    });
  });

  test('keeps data as it was written, but for white space outside strings', async () => {
    await post(
      '/v1/publish',
      '{ "channel": "open:raw", "data": { "b": 12345678901234567890, "a" : " x " ,"c":1.0} }',
    );
    await post('/v1/publish', '{"data":[1, 2],"channel":"open:raw","idempotency_key":"k"}');
    await post('/v1/publish', '{"data":1,"channel":"open:raw","data":{"last": true}}');
    expect(await history('open:raw')).toContain(
      '[{"offset":1,"data":{"b":12345678901234567890,"a":" x ","c":1.0}},{"offset":2,"data":[1,2]},{"offset":3,"data":{"last":true}}]',
    );
  });

  test('null is data', async () => {
    expect((await call('publish', { channel: 'open:null', data: null })).status).toBe(200);
  });

  test('an idempotency key that comes again gets the first answer and publishes nothing', async () => {
    const first = await host.api('publish', { channel: 'open:once', data: 1, idempotency_key: 'k1' });
    const second = await host.api('publish', { channel: 'open:once', data: 2, idempotency_key: 'k1' });
    expect(second.text).toBe(first.text);
    expect(await history('open:once')).toContain('"publications":[{"offset":1,"data":1}]');
  });

  test('takes exclusions and tags', async () => {
    const params = {
      channel: 'open:all',
      data: 1,
      exclude: { users: ['7'] },
      tags: { city: 'sh', vip: true, n: 1 },
    };
    expect((await call('publish', params)).status).toBe(200);
  });
});

describe('broadcast', () => {
  test('publishes the same into each channel, and answers in their order', async () => {
    const { body } = await call('broadcast', { channels: ['open:b1', 'plain:b', 'open:b2'], data: { n: 1 } });
    expect(body).toEqual({
      result: {
        results: [
          { channel: 'open:b1', offset: 1, epoch: expect.any(String) },
          { channel: 'plain:b' },
          { channel: 'open:b2', offset: 1, epoch: expect.any(String) },
        ],
      },
    });
  });

  test('one bad name, and nothing is published', async () => {
    expect(await refusal('broadcast', { channels: ['open:b3', 'a b'], data: 1 })).toContain(
      "'channels[1]' must not contain spaces",
    );
    expect(await history('open:b3')).toContain('"publications":[]');
  });

  test('the number of channels is bounded', async () => {
    expect(await refusal('broadcast', { channels: [], data: 1 })).toContain(
      "'channels' must have at least 1 element",
    );
    const channels = Array.from({ length: 1_001 }, (_, n) => `c${n}`);
    expect(await refusal('broadcast', { channels, data: 1 })).toContain(
      "'channels' must not have more than 1000 elements",
    );
  });
});

describe('batch', () => {
  test('runs in order, each with its own result or error', async () => {
    const { text } = await post(
      '/v1/batch',
      `{"requests": [
        {"method": "publish", "params": {"channel": "open:q", "data": {"big": 12345678901234567890}}},
        {"params": {"data": [1, 2], "channel": "open:q"}, "method": "publish"},
        {"method": "history", "params": {"channel": "open:q"}},
        {"method": "history", "params": {"channel": "plain:q"}},
        {"method": "info"}
      ]}`,
    );
    const { results } = JSON.parse(text).result;
    expect(results[1].result.offset).toBe(2);
    expect(text).toContain(
      '"publications":[{"offset":1,"data":{"big":12345678901234567890}},{"offset":2,"data":[1,2]}]',
    );
    expect(results[3]).toEqual({ error: { code: 108, message: expect.any(String) } });
    expect(results[4].result.version).toBe('0.0.0-test');
  });

  test.each([
    [{ method: 'publsh', params: {} }, "'requests[1].method' is not a known method; did you mean 'publish'?"],
    [{ method: 'batch', params: {} }, "'requests[1].method' is 'batch', which cannot stand in a batch"],
    [
      { method: 'publish', params: { channel: 'a b', data: 1 } },
      "'requests[1].params.channel' must not contain spaces",
    ],
    [{ method: 'publish' }, "'requests[1].params.channel' is required"],
    [{ method: 'publish', params: [] }, "'requests[1].params' must be an object"],
    [
      { method: 'publish', params: { channel: 'x', data: 1 }, id: 1 },
      "'requests[1].id' is not a known field",
    ],
    [7, "'requests[1]' must be an object"],
  ])('one bad request, and nothing is run: %j', async (bad, message) => {
    const good = { method: 'publish', params: { channel: 'open:whole', data: 1 } };
    expect(await refusal('batch', { requests: [good, bad] })).toContain(message);
    expect(await history('open:whole')).toContain('"publications":[]');
  });

  test('the number of requests is bounded', async () => {
    const requests = Array.from({ length: 1_001 }, () => ({ method: 'info' }));
    expect(await refusal('batch', { requests })).toContain(
      "'requests' must not have more than 1000 elements",
    );
  });
});

describe('history, history_remove, channels', () => {
  test('history reads from a position, in pages, in both directions', async () => {
    for (let n = 1; n <= 4; n++) await call('publish', { channel: 'open:h', data: n });
    const offsets = async (params: object) => {
      const { body } = await call('history', { channel: 'open:h', ...params });
      return (body as { result: { publications: { offset: number }[] } }).result.publications.map(
        ({ offset }) => offset,
      );
    };
    const { epoch } = (JSON.parse(await history('open:h')) as { result: { epoch: string } }).result;
    expect(await offsets({})).toEqual([1, 2, 3, 4]);
    expect(await offsets({ since: { epoch, offset: 2 } })).toEqual([3, 4]);
    expect(await offsets({ since: { epoch, offset: 1 }, limit: 2 })).toEqual([2, 3]);
    expect(await offsets({ reverse: true, limit: 1 })).toEqual([4]);
    expect(
      await refusal('history', { channel: 'open:h', since: { epoch: 'old', offset: 1 } }, 400, 112),
    ).toContain('unrecoverable');
    expect(await refusal('history', { channel: 'open:h', since: { epoch, offset: 9 } }, 400, 112)).toContain(
      'unrecoverable',
    );
  });

  test.each([
    [{ limit: 0 }, "'limit' must be a whole number from 1 to 1000"],
    [{ limit: 1_001 }, "'limit' must be a whole number from 1 to 1000"],
    [{ limit: 1.5 }, "'limit' must be a whole number from 1 to 1000"],
    [{ limit: '5' }, "'limit' must be a whole number from 1 to 1000"],
    [{ since: { epoch: 'e', offset: -1 } }, "'since.offset' must be a whole number"],
    [{ since: { epoch: 'e' } }, "'since.offset' is required"],
    [{ since: { offset: 1 } }, "'since.epoch' is required"],
    [{ since: 7 }, "'since' must be an object"],
    [{ reverse: 'yes' }, "'reverse' must be true or false"],
  ])('history refuses %j', async (params, message) => {
    expect(await refusal('history', { channel: 'open:h', ...params })).toContain(message);
  });

  test('history_remove forgets, and offsets go on', async () => {
    await call('publish', { channel: 'open:r', data: 1 });
    expect(await call('history_remove', { channel: 'open:r' })).toEqual({
      status: 200,
      body: { result: {} },
    });
    expect(await history('open:r')).toContain('"publications":[]');
    expect((await call('publish', { channel: 'open:r', data: 2 })).body).toMatchObject({
      result: { offset: 2 },
    });
  });

  test('channels lists those whose name matches', async () => {
    await call('publish', { channel: 'open:list:1', data: 1 });
    expect(await call('channels', { pattern: 'open:list:*' })).toEqual({
      status: 200,
      body: { result: { channels: [{ channel: 'open:list:1', sessions: 0, publications: 1 }] } },
    });
    expect((await call('channels', {})).status).toBe(200);
    expect(await refusal('channels', { pattern: '*a*a*a*a*' })).toContain('wildcards');
  });
});

describe('mesh/publish', () => {
  test('publishes text that is JSON as that JSON, byte for byte, other text as a string, and bytes as such', async () => {
    const d = '{"event":"@user","data":{"uid":1001,"msg":"Hello,World!"}}';
    for (const params of [
      { c: 'open:m', d },
      { c: 'open:m', d: 'hello' },
      { c: 'open:m', d: 'aGk=', t: 'binary' },
    ]) {
      expect(await call('mesh/publish', params)).toEqual({
        status: 200,
        body: { E: null, r: { s: 0, f: 0 } },
      });
    }
    expect(await history('open:m')).toContain(
      `[{"offset":1,"data":${d}},{"offset":2,"data":"hello"},{"offset":3,"data":"aGk=","binary":true}]`,
    );
  });

  test.each([
    [{ c: 'open:m' }, "'d' is required"],
    [{ c: 'open:m', d: { a: 1 } }, "'d' must be a string"],
    [{ c: 'open:m', d: '***', t: 'binary' }, "'d' must be base64"],
    [{ c: 'open:m', d: 'x', t: 'blob' }, "'t' must be 'text' or 'binary'"],
    [{ c: 'a b', d: 'x' }, "'c' must not contain spaces"],
  ])('refuses %j in its own envelope', async (params, message) => {
    const { status, body } = await call('mesh/publish', params);
    expect(status).toBe(400);
    expect(body).toEqual({ E: { c: 107, m: expect.stringContaining(message) }, r: null });
  });

  test('without a key it answers in its own envelope, too', async () => {
    const { status, text } = await post('/v1/mesh/publish', '{}', json);
    expect([status, JSON.parse(text)]).toEqual([401, { E: { c: 101, m: expect.any(String) }, r: null }]);
  });
});

test('a fault of the server is told as such, and its cause stays in the log', async () => {
  const broken = await startHttp({
    rest: {
      verbs: {
        publish: () => Promise.reject(new Error('secret cause')),
        history: () => Promise.reject(new Error('secret cause')),
        removeHistory: () => Promise.reject(new Error('secret cause')),
        channels: () => Promise.reject(new Error('secret cause')),
        subscribers: () => 0,
        get reach() {
          return expect.fail('it is not asked');
        },
        get presence() {
          return expect.fail('it is not asked');
        },
        get inboxes() {
          return expect.fail('it is not asked');
        },
        get deliveries() {
          return expect.fail('it is not asked');
        },
        info: () => Promise.reject(new Error('secret cause')),
      },
    },
  });
  const { status, text } = await broken.api('publish', { channel: 'a', data: 1 });
  expect([status, text]).toEqual([500, '{"error":{"code":100,"message":"internal server error"}}']);
  const several = await broken.api('broadcast', { channels: ['a'], data: 1 });
  expect(several.text).toBe(
    '{"result":{"results":[{"channel":"a","error":{"code":100,"message":"internal server error"}}]}}',
  );
  expect(broken.errors).toHaveLength(2);
  await broken.stop();
});
