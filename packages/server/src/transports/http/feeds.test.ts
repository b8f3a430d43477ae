import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { feedClients } from '../../testing/feed-clients.ts';
import { type FeedHost, startFeeds } from '../../testing/feed-host.ts';
import { ask, type PlainAnswer, rawExchange, settled } from '../../testing/plain-http.ts';
import type { HttpFeedName } from './feeds.ts';

let host: FeedHost;
beforeEach(async () => {
  host = await startFeeds();
});
afterEach(async () => {
  await host.stop();
  expect(host.errors).toEqual([]);
});

function get(
  path: string,
  headers?: Readonly<Record<string, string>>,
  method?: string,
): Promise<PlainAnswer> {
  return ask(host.port, path, headers, method);
}

function raw(request: string, during?: () => Promise<void>): Promise<string> {
  return rawExchange(host.port, request, during);
}

describe('which transport answers', () => {
  test.each([
    ['/sub?channel=open:a&timeout=0', {}, 'application/json; charset=utf-8'],
    ['/sub?channel=open:a&timeout=0&callback=a.b', {}, 'text/javascript; charset=utf-8'],
    ['/sub?channel=open:a', { Accept: 'text/event-stream' }, 'text/event-stream; charset=utf-8'],
    ['/sub?channel=open:a', { Accept: 'Text/Event-Stream, */*' }, 'text/event-stream; charset=utf-8'],
    ['/sub?channel=open:a', { Accept: 'application/x-ndjson' }, 'application/x-ndjson; charset=utf-8'],
    ['/sub?channel=open:a&transport=ndjson', { Accept: '*/*' }, 'application/x-ndjson; charset=utf-8'],
    ['/sub?channel=open:a&transport=iframe&callback=f', {}, 'text/html; charset=utf-8'],
    ['/room?room=%22x%22', { Accept: 'text/event-stream' }, 'text/event-stream; charset=utf-8'],
  ])('%s with %j is %s, and HEAD says so too', async (path, headers, type) => {
    const head = await get(path, headers, 'HEAD');
    expect([head.status, head.headers.get('content-type'), head.text]).toEqual([200, type, '']);
    expect(head.headers.get('x-content-type-options')).toBe('nosniff');
    expect(head.headers.get('vary')).toContain('Accept');
    expect(head.headers.get('cache-control')).toMatch(/no-store|no-cache, no-transform/);
    expect(host.node.figures().sessions).toBe(0);
  });

  test.each([
    ['/sub?channel=open:a&transport=pigeon', 400],
    ['/sub?channel=open:a&transport=websocket', 426],
    ['/sub?channel=open:a&cursor=nonsense', 400],
    ['/sub?channel=open:a&cursor=a.b.9007199254740993', 400],
    ['/sub?channel=open:a&from=newest', 400],
    ['/sub?channel=open:a&last=0', 400],
    ['/sub?channel=open:a&last=1001', 400],
    ['/sub?channel=open:a&last=1&from=oldest', 400],
    ['/sub?channel=open:a&timeout=soon', 400],
    ['/sub?channel=open:a&timeout=-1', 400],
    ['/sub?channel=open:a&format=xml', 400],
    ['/sub?channel=open:a&callback=f(1)', 400],
    ['/sub?channel=open:a&transport=iframe', 400],
    ['/sub?channel=open:a&transport=iframe&callback=%3Cscript', 400],
    ['/sub?channel=a%20b', 400],
    ['/sub', 400],
    ['/sub?channel=open:a&token=wrong', 401],
    ['/sub?channel=user:8&token=token-of-7', 403],
    ['/sub?channel=nothing:a', 404],
  ])('%s is refused with %i before anything begins, on every transport', async (path, status) => {
    for (const accept of ['*/*', 'text/event-stream', 'application/x-ndjson']) {
      const { status: answered, text } = await get(path, { Accept: accept });
      expect([answered, Object.keys(JSON.parse(text) as object)]).toEqual([status, ['error']]);
    }
    expect(host.node.figures().channels).toBe(0);
  });
});

test('raw data and a script exclude each other', async () => {
  for (const more of ['', '&transport=iframe']) {
    const { status, text } = await get(`/sub?channel=open:a&format=raw&callback=f${more}`);
    expect([status, text]).toEqual([400, expect.stringContaining("'format=raw' and 'callback'")]);
  }
});

describe('what a page elsewhere may do', () => {
  const foreign: readonly Record<string, string>[] = [
    { 'Sec-Fetch-Site': 'cross-site' },
    { Origin: 'https://elsewhere.example' },
    { Referer: 'https://elsewhere.example/page' },
  ];

  test.each(['callback=f&timeout=0', 'transport=iframe&callback=f'])(
    'a script and an iframe (%s) are refused to it',
    async (query) => {
      for (const headers of foreign) {
        expect((await get(`/sub?channel=open:a&${query}`, headers, 'HEAD')).status).toBe(403);
      }
      const listed = { 'Sec-Fetch-Site': 'cross-site', Referer: 'https://listed.example/page' };
      expect((await get(`/sub?channel=open:a&${query}`, listed, 'HEAD')).status).toBe(200);
    },
  );

  test('a cookie is a token for pages of this site and listed ones, and never for a script or an iframe', async () => {
    await host.stop();
    host = await startFeeds({ anonymous: false, settings: { auth: { cookie: 'token' } } });
    const Cookie = 'a=b; token=token-of-7';
    const ask = (more: string, headers: Record<string, string> = {}): Promise<PlainAnswer> =>
      get(`/sub?channel=user:7&timeout=0${more}`, { Cookie, ...headers });
    expect((await ask('')).status).toBe(200);
    expect((await ask('&callback=f')).status).toBe(401);
    expect((await ask('&transport=iframe&callback=f')).status).toBe(401);
    expect((await ask('', { Origin: 'https://elsewhere.example' })).status).toBe(403);
    const { status, headers } = await ask('', { Origin: 'https://listed.example' });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, 'https://listed.example']);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-expose-headers')).toContain('Carillon-Cursor');
    expect((await ask('', { Authorization: 'Bearer token-of-8' })).status).toBe(403);
  });

  test('a refusal of a script reaches the function of the page', async () => {
    const path = '/sub?channel=open:a&token=wrong&callback=f';
    expect(await get(path)).toMatchObject({ status: 401, text: expect.stringMatching(/^f\({"error":/) });
    const script = await get(path, { 'Sec-Fetch-Dest': 'script', 'Sec-Fetch-Site': 'same-origin' });
    expect(script).toMatchObject({ status: 200, text: expect.stringMatching(/^f\({"error":/) });
  });
});

test('an answer that waits behind another one of its connection is given when that is over', async () => {
  const slow = 'GET /sub?channel=open:a HTTP/1.1\r\nHost: x\r\n\r\n';
  const text = await raw(slow + slow.replace('open:a', 'open:b&timeout=0'), async () => {
    expect(host.node.figures().sessions).toBe(1);
    await host.node.publish('open:a', '1');
  });
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
});

test.each(['sse', 'longpoll', 'websocket/json'] as const)(
  'more history than one connection may have waiting comes whole on %s',
  async (name) => {
    const channels = Array.from({ length: 40 }, (_, at) => `open:${at}`);
    const text = 'x'.repeat(20_000);
    for (const channel of channels) {
      for (let n = 0; n < 10; n++) await host.node.publish(channel, `{"n":${n},"text":"${text}"}`);
    }
    const client = feedClients[name]();
    await client.open(host.port, { channels, more: 'from=oldest' });
    await client.has(400);
    expect([client.received.length, client.gaps, client.ended]).toEqual([400, [], undefined]);
    client.cut();
  },
);

describe('what the server ends for good', () => {
  const reason = { code: 3503, reason: 'force disconnect' };
  const end = async (name: HttpFeedName): Promise<void> =>
    host.feeds.transports.get(name)?.close(reason, 100);

  test('is told to an EventSource, with an id that ends it when it comes back', async () => {
    const text = await raw('GET /sub?channel=open:a&transport=sse HTTP/1.0\r\n\r\n', () => end('sse'));
    expect(text).toMatch(/id: end\nevent: close\ndata: {"code":3503,"reason":"force disconnect"}\n\n$/);
  });

  test('is told in a stream by its last line, and by nothing where the client is to come back', async () => {
    const request = 'GET /sub?channel=open:a&transport=ndjson HTTP/1.1\r\nHost: x\r\n\r\n';
    const text = await raw(request, () => end('ndjson'));
    expect(text).toMatch(/{"type":"close","code":3503,"reason":"force disconnect"}\n\r\n0\r\n\r\n$/);
    expect(await get('/sub?channel=open:a&transport=ndjson')).toMatchObject({ status: 503 });
  });

  test('is a refusal of the poll', async () => {
    const [plain, script] = [get('/sub?channel=open:a'), get('/sub?channel=open:a&callback=f')];
    await settled(30);
    await end('longpoll');
    expect(await plain).toMatchObject({
      status: 403,
      text: expect.stringContaining('3503 force disconnect'),
    });
    expect((await script).text).toMatch(/^f\({"error":{"code":103,.*}}\);$/);
  });

  test('a poll that the end of the server answers has nothing, and closes its connection', async () => {
    const asked = get('/sub?channel=open:a');
    await settled(30);
    await host.feeds.close({ code: 3001, reason: 'shutdown' }, 100);
    const { text, headers } = await asked;
    expect([JSON.parse(text), headers.get('connection')]).toEqual([
      { messages: [], status: 1, tips: 'timeout', cursor: expect.any(String) },
      'close',
    ]);
  });
});
