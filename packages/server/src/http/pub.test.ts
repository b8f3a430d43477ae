import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKey, type HttpHost, startHttp } from '../testing/http-host.ts';
import { isCallbackName } from './query.ts';

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp({ settings: { origins: ['https://example.com'] } });
});
afterAll(() => host.stop());

const key = { 'X-API-Key': apiKey };

function pub(query: string, body: string | Buffer = 'x', headers: Record<string, string> = key) {
  return host.call(`/pub?${query}`, { method: 'POST', body, headers });
}

async function kept(channel: string): Promise<readonly string[]> {
  return (await host.node.history(channel, {})).publications.map(({ data }) => data);
}

describe('what is published', () => {
  const form = { ...key, 'Content-Type': 'application/x-www-form-urlencoded' };

  test.each([
    ['text', 'hello', key, '"hello"'],
    ['JSON', '{"b": 1, "a": 12345678901234567890}', key, '{"b":1,"a":12345678901234567890}'],
    ['a number', '42', key, '42'],
    ['an empty body', '', key, '""'],
    ['the field of a form', 'data=hello+world%21&x=1', form, '"hello world!"'],
    ['JSON in the field of a form', 'data=%7B%22a%22%3A%201%7D', form, '{"a":1}'],
    ['what curl -d sends as a form', 'hello & goodbye', form, '"hello & goodbye"'],
    ['the JSON that curl -d sends as a form', '{"a":"x&data=y"}', form, '{"a":"x&data=y"}'],
    ['text beyond ASCII', '你好', { ...key, 'Content-Type': 'text/plain; charset=utf-8' }, '"你好"'],
  ])('%s', async (name, body, headers, data) => {
    const channel = `open:${encodeURIComponent(name)}`;
    const { status, text } = await pub(`channel=${encodeURIComponent(channel)}`, body, headers);
    expect([status, text]).toEqual([200, '{"status":1}']);
    expect(await kept(channel)).toEqual([data]);
  });

  test('several channels, each once', async () => {
    expect((await pub('channel=open:p1&channel=open:p2&channel=open:p1', '1')).status).toBe(200);
    expect([await kept('open:p1'), await kept('open:p2')]).toEqual([['1'], ['1']]);
  });

  test.each([
    ['', 400, 'the query must name a channel'],
    ['channel=', 400, "'channel' must not be empty"],
    ['channel=open:p3&channel=a%20b', 400, "'channel' must not contain spaces"],
    ['channel=@user', 400, "must not begin with '@'"],
    ['channel=open:p3&channel=%FF', 400, 'the query is not valid UTF-8'],
  ])('the query %j is refused', async (query, status, message) => {
    const answer = await pub(query);
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(message)]);
    expect(await kept('open:p3')).toEqual([]);
  });

  test('bad bodies are refused', async () => {
    expect((await pub('channel=open:p3', Buffer.from([0xff, 0xfe]))).status).toBe(400);
    const form = { ...key, 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await pub('channel=open:p3', 'data=%FF', form)).status).toBe(400);
    expect((await pub('channel=open:p3', 'x'.repeat(70_000))).status).toBe(413);
    expect(
      (await pub('channel=open:p3', 'x', { ...key, 'Content-Type': 'multipart/form-data; boundary=b' }))
        .status,
    ).toBe(415);
    expect(await kept('open:p3')).toEqual([]);
  });

  test('a GET publishes nothing', async () => {
    const { status, headers } = await host.call('/pub?channel=open:p3&data=x', { headers: key });
    expect([status, headers.allow]).toEqual([405, 'POST, OPTIONS']);
  });
});

describe('who may publish', () => {
  test('a backend into any channel', async () => {
    expect((await pub('channel=closed:a')).status).toBe(200);
    expect((await pub('channel=no:rule')).status).toBe(200);
  });

  test('a client where a rule lets it, with its token in the query or the header', async () => {
    expect((await pub('channel=user:7&token=token-of-7', '1', {})).status).toBe(200);
    expect((await pub('channel=user:7', '2', { Authorization: 'Bearer token-of-7' })).status).toBe(200);
    expect(await kept('user:7')).toEqual(['1', '2']);
  });

  test.each([
    ['of another user', 'channel=user:8&token=token-of-7', 403, 103],
    ['that is closed', 'channel=closed:b&token=token-of-7', 403, 103],
    ['that no rule matches', 'channel=none&token=token-of-7', 404, 102],
    ['one of which is closed', 'channel=open:c&channel=closed:b&token=token-of-7', 403, 103],
  ])('a client not into a channel %s', async (_, query, status, code) => {
    const answer = await pub(query, 'x', {});
    expect([answer.status, JSON.parse(answer.text).error.code]).toEqual([status, code]);
    expect([await kept('open:c'), await kept('closed:b'), await kept('user:8')]).toEqual([[], [], []]);
  });

  test('a bad token, a wrong key and nobody are refused, and what they showed is not repeated', async () => {
    const answers = [
      await pub('channel=open:d&token=secret-guess', 'x', {}),
      await pub('channel=open:d', 'x', { 'X-API-Key': 'secret-guess' }),
      await pub('channel=open:d', 'x', {}),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(answers[2]?.text).toBe('{"error":{"code":1,"message":"Not Auth"}}');
    for (const { text } of answers) expect(text).not.toContain('secret-guess');
    expect(await kept('open:d')).toEqual([]);
  });

  test('anybody where the config admits the anonymous and the rule anyone', async () => {
    const open = await startHttp({ anonymous: true });
    const call = (channel: string) => open.call(`/pub?channel=${channel}`, { method: 'POST', body: 'x' });
    expect((await call('open:a')).status).toBe(200);
    expect((await call('user:7')).status).toBe(401);
    await open.stop();
  });
});

describe('pages of other sites', () => {
  const query = 'channel=open:site&token=token-of-7';

  test.each([
    [{ 'Sec-Fetch-Site': 'cross-site' }],
    [{ Origin: 'http://evil.example' }],
    [{ Referer: 'http://evil.example/page' }],
  ])('are refused without a key: %j', async (headers) => {
    expect((await pub(query, 'x', headers)).status).toBe(403);
    expect(await kept('open:site')).toEqual([]);
  });

  test('publish where their origin is listed, and may read the answer', async () => {
    const { status, headers } = await pub(query, 'x', {
      Origin: 'https://example.com',
      'Sec-Fetch-Site': 'cross-site',
    });
    expect([status, headers['access-control-allow-origin'], headers.vary]).toEqual([
      200,
      'https://example.com',
      'Origin',
    ]);
    const preflight = await host.call('/pub?channel=a', {
      method: 'OPTIONS',
      headers: { Origin: 'https://example.com', 'Access-Control-Request-Method': 'POST' },
    });
    expect([preflight.status, preflight.headers['access-control-allow-methods']]).toEqual([
      204,
      'POST, OPTIONS',
    ]);
  });

  test('an API key goes with any origin, but the answer stays unreadable to unlisted ones', async () => {
    const { status, headers } = await pub('channel=plain:a', 'x', { ...key, Origin: 'http://evil.example' });
    expect([status, headers['access-control-allow-origin']]).toEqual([200, undefined]);
  });
});

describe('JSONP', () => {
  test('wraps the answer, and a refusal too', async () => {
    const good = await pub('channel=plain:a&callback=app.done');
    expect([good.status, good.text]).toEqual([200, 'app.done({"status":1});']);
    expect(good.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(good.headers['x-content-type-options']).toBe('nosniff');
    const bad = await pub('channel=a%20b&callback=done');
    expect([bad.status, bad.text]).toEqual([
      400,
      expect.stringMatching(/^done\(\{"error":\{"code":107,.*\}\}\);$/),
    ]);
  });

  test('a callback that is no name is refused before anything is published', async () => {
    for (const callback of ['alert(1)', 'a b', '1a', 'a.', '.a', 'a..b', 'a[0]', '', 'x'.repeat(129)]) {
      expect(isCallbackName(callback)).toBe(false);
      expect((await pub(`channel=open:jsonp&callback=${encodeURIComponent(callback)}`)).status).toBe(400);
    }
    expect(await kept('open:jsonp')).toEqual([]);
    for (const callback of ['f', '$', '_a.b1', 'jQuery123_456', 'größe.ja'])
      expect(isCallbackName(callback)).toBe(true);
  });
});
