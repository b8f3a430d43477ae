import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { raw, upgradeStatus } from '../testing/http-clients.ts';
import { apiKey, type HttpHost, type HttpHostOptions, startHttp } from '../testing/http-host.ts';
import { ClientAddresses } from './address.ts';

const running: HttpHost[] = [];
afterEach(async () => {
  for (const host of running.splice(0)) await host.stop();
});

async function start(options?: HttpHostOptions): Promise<HttpHost> {
  const host = await startHttp(options);
  running.push(host);
  return host;
}

const development = { development: true, api: { keys: [] } };
const upgrade =
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** What a WebSocket hears first after it published one text. */
async function echo(port: number, path: string): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  await once(client, 'open');
  client.send('hello');
  const [message] = (await once(client, 'message')) as [Buffer];
  client.close();
  await once(client, 'close');
  return message.toString();
}

describe('paths', () => {
  test('every answer is of a declared type that browsers do not guess at, and names no software', async () => {
    const host = await start();
    for (const path of [
      '/healthz',
      '/readyz',
      '/metrics',
      '/openapi.json',
      '/v1/publish',
      '/pub',
      '/sub',
      '/none',
      '/',
    ]) {
      const { headers } = await host.call(path);
      expect([path, headers['x-content-type-options'], headers['x-powered-by'], headers['server']]).toEqual([
        path,
        'nosniff',
        undefined,
        undefined,
      ]);
      expect(headers['content-type']).toMatch(path === '/metrics' ? /^text\/plain/ : /^application\/json/);
    }
  });

  test('what is not served is a 404, with a body that says so', async () => {
    const host = await start();
    for (const path of ['/', '/none', '/index.html', '/sub/', '/%2e%2e/x', '//x']) {
      const { status, text } = await host.call(path);
      expect([path, status, JSON.parse(text)]).toEqual([
        path,
        404,
        { error: { code: 104, message: expect.stringContaining('nothing is served at') } },
      ]);
    }
  });

  test('HEAD answers as GET does, without the body, and OPTIONS says what there is', async () => {
    const host = await start();
    const head = await host.call('/healthz', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '15', '']);
    const options = await host.call('/healthz', { method: 'OPTIONS' });
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
    const del = await host.call('/healthz', { method: 'DELETE' });
    expect([del.status, del.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await host.call('*', { method: 'OPTIONS' })).status).toBe(204);
  });

  test('a plain request on a WebSocket path is a 426', async () => {
    const host = await start({ settings: { paths: [{ path: '/room', channel: 'open:room' }] } });
    for (const path of ['/ws', '/message-center', '/sub?channel=open:a', '/room']) {
      const { status, headers } = await host.call(path);
      expect([path, status, headers.upgrade]).toEqual([path, 426, 'websocket']);
    }
    expect((await host.call('/sub?channel=open:a&transport=carrier-pigeon')).status).toBe(400);
  });

  test('a further transport of /sub is chosen by the query, then by what is accepted', async () => {
    const asked: string[] = [];
    const transport = (name: string) => ({
      request: (
        _: unknown,
        res: { end(text: string): void },
        { request }: { request: { channels: readonly string[] } },
      ) => {
        asked.push(`${name} ${request.channels.join()}`);
        res.end('');
      },
    });
    const feedTransports = new Map([
      ['sse', transport('sse')],
      ['longpoll', transport('longpoll')],
    ] as const);
    const host = await start({ rest: { feedTransports } });
    await host.call('/sub?channel=a&channel=@user', { headers: { Accept: 'text/event-stream' } });
    await host.call('/sub?channel=a&transport=longpoll', { headers: { Accept: 'text/event-stream' } });
    await host.call('/sub?channel=a&callback=f');
    expect((await host.call('/sub?channel=a', { headers: { Accept: 'application/x-ndjson' } })).status).toBe(
      426,
    );
    expect((await host.call('/sub?channel=a%20b')).status).toBe(400);
    expect(asked).toEqual(['sse a,@user', 'longpoll a', 'longpoll a']);
  });

  test('an absolute request target is its path; what is no path is a 400', async () => {
    const host = await start();
    const get = (target: string) =>
      raw(host.port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await get('http://push.test/healthz?x')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('healthz')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('*')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get('ftp://push.test/healthz')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('bytes that are no request are a 400 and the end of the connection', async () => {
    const host = await start();
    expect(await raw(host.port, 'NONSENSE\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n(.*\r\n)*\r\n{"error":{"code":107,/,
    );
    const long = `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(host.port, long)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('a request without a Host is a 400 like every other, and opens no WebSocket', async () => {
    const host = await start();
    for (const [path, headers] of [
      ['/healthz', 'Connection: close\r\n'],
      ['/ws', upgrade],
    ]) {
      const answer = await raw(host.port, `GET ${path} HTTP/1.1\r\n${headers}\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer).toContain('X-Content-Type-Options: nosniff');
      expect(answer).toContain("the header 'Host' is missing");
    }
    expect(await raw(host.port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a query that is not UTF-8 names no channel: two names must not become one', async () => {
    const host = await start({ anonymous: true });
    for (const path of ['/sub?channel=open:%FF', '/sub?channel=open:a&x=%E4%20%BD']) {
      const answer = await host.call(path);
      expect([path, answer.status, answer.text]).toEqual([
        path,
        400,
        expect.stringContaining('the query is not valid UTF-8'),
      ]);
    }
    expect(await upgradeStatus(host.port, '/sub?channel=open:%FF')).toBe(400);
    expect(await upgradeStatus(host.port, '/sub?channel=open:%E4%BD%A0')).toBe(101);
  });

  test('a client that goes away in the middle of its body publishes nothing and breaks nothing', async () => {
    const host = await start();
    const socket = connect(host.port, '127.0.0.1');
    socket.write(
      `POST /v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${apiKey}\r\nContent-Length: 50\r\n\r\n{"channel":"open:half",`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await once(socket, 'close');
    expect((await host.call('/healthz')).status).toBe(200);
    expect((await host.node.history('open:half', {})).publications).toEqual([]);
    expect(host.errors).toEqual([]);
  });

  test('a body that announces too much is refused before the client is told to go on', async () => {
    const host = await start();
    const head = (length: number) =>
      `POST /v1/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: ${apiKey}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n`;
    const refused = await raw(host.port, `${head(70_000)}\r\n`);
    expect(refused).toMatch(/^HTTP\/1\.1 413 /);
    const body = '{"channel":"plain:a","data":1}';
    const taken = await raw(host.port, `${head(body.length)}Connection: close\r\n\r\n${body}`);
    expect(taken).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });
});

describe('upgrades', () => {
  test('lead to the transport of their path', async () => {
    const host = await start({ anonymous: true });
    for (const path of ['/ws', '/message-center', '/sub?channel=open:a'])
      expect([path, await upgradeStatus(host.port, path)]).toEqual([path, 101]);
    expect(await echo(host.port, '/sub?channel=open:a')).toBe('hello');
    expect(JSON.parse(await echo(host.port, '/sub?channel=open:b&format=json'))).toMatchObject({
      channel: 'open:b',
      data: 'hello',
    });
  });

  test('to a mapped path take the channel from the query, with or without JSON quotes', async () => {
    const paths = [
      { path: '/webws', channel: 'open:{channel}' },
      { path: '/ws', channel: 'open:room' },
    ];
    const host = await start({
      anonymous: true,
      settings: { paths, websocket: { path: '/carillon', rawPaths: [] } },
    });
    expect(await echo(host.port, '/webws?channel="zhang"')).toBe('hello');
    expect(await echo(host.port, '/webws?channel=zhang')).toBe('hello');
    expect((await host.node.history('open:zhang', {})).publications).toHaveLength(2);
    expect(await echo(host.port, '/ws')).toBe('hello');
    expect(await upgradeStatus(host.port, '/carillon')).toBe(101);
    for (const query of ['', '?channel=', '?channel=a%20b', '?other=x'])
      expect(await upgradeStatus(host.port, `/webws${query}`)).toBe(400);
  });

  test('RLD1 other settings hold for what comes then: paths, keys, origins, limits', async () => {
    const paths = [{ path: '/old', channel: 'open:{channel}' }];
    const addresses = new ClientAddresses([]);
    const host = await start({ anonymous: true, settings: { paths }, rest: { addresses } });
    expect(addresses.bucketOf('10.1.1.1')).toBe('10.1.1.1');
    expect(await echo(host.port, '/old?channel=a')).toBe('hello');
    host.servers.reconfigure({
      api: { keys: ['another-key'] },
      origins: ['https://example.com'],
      hosts: [],
      trustProxy: ['10.0.0.0/8'],
      paths: [{ path: '/new', channel: 'open:{channel}' }],
      limits: { connectionsPerAddress: 5, channelsPerConnection: 1, apiBodyBytes: 65_536 },
    });
    // What others made of the same addresses holds, too.
    expect(addresses.bucketOf('10.1.1.1')).toBeUndefined();
    expect(await echo(host.port, '/new?channel=a')).toBe('hello');
    expect(await upgradeStatus(host.port, '/old?channel=a')).toBe(404);
    expect(await upgradeStatus(host.port, '/sub?channel=open:a&channel=open:b')).toBe(400);
    expect((await host.api('info', {})).status).toBe(401);
    expect((await host.api('info', {}, { 'X-API-Key': 'another-key' })).status).toBe(200);
    const { headers } = await host.call('/sub?channel=open:a&timeout=0', {
      headers: { Origin: 'https://example.com' },
    });
    expect(headers['access-control-allow-origin']).toBe('https://example.com');
  });

  test.each([
    ['/none', 404],
    ['/healthz', 404],
    ['/v1/publish', 404],
    ['/sub', 400],
    ['/sub?channel=a%20b', 400],
    ['/sub?channel=open:a&transport=sse', 400],
    ['/sub?channel=open:a&format=xml', 400],
    [`/sub?${Array.from({ length: 129 }, (_, n) => `channel=c${n}`).join('&')}`, 400],
    ['/sub?channel=open:a', 401],
    ['/sub?channel=user:8&token=token-of-7', 403],
  ])('to %s are refused with %i', async (path, status) => {
    const host = await start();
    expect(await upgradeStatus(host.port, path)).toBe(status);
  });

  test('from pages of unlisted origins are refused', async () => {
    const host = await start({ settings: { origins: ['https://example.com'] } });
    expect(await upgradeStatus(host.port, '/ws', { Origin: 'http://evil.example' })).toBe(403);
    expect(await upgradeStatus(host.port, '/ws', { Origin: 'https://example.com' })).toBe(101);
    expect(await upgradeStatus(host.port, '/ws', { Origin: `http://127.0.0.1:${host.port}` })).toBe(101);
    expect(await upgradeStatus(host.port, '/ws')).toBe(101);
  });

  test('are refused with a JSON body and a closed connection', async () => {
    const host = await start();
    const answer = await raw(host.port, `GET /none HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(answer).toContain('X-Content-Type-Options: nosniff\r\n');
    expect(answer).toContain('Connection: close\r\n');
    expect(answer).toMatch(
      /\r\n\r\n{"error":{"code":104,"message":"unknown method: nothing is served at '\/none'"}}$/,
    );
    expect(await raw(host.port, `POST /ws HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)).toMatch(
      /^HTTP\/1\.1 405 (.*\r\n)*Allow: GET\r\n/,
    );
  });

  test.runIf(process.versions.node.localeCompare('24.9', undefined, { numeric: true }) >= 0)(
    'to anything but WebSocket are ignored, as curl --http2 sends them',
    async () => {
      const host = await start();
      const h2c =
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n';
      const socket = connect(host.port, '127.0.0.1');
      socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\n${h2c}\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    },
  );
});

describe('development mode', () => {
  test('the API needs no key, and pages are served', async () => {
    const pages = (path: string, _: unknown, res: { end(text: string): void }): boolean => {
      if (path !== '/' && path !== '/ä b') return false;
      res.end(`page ${path}`);
      return true;
    };
    const host = await start({ settings: development, rest: { pages } });
    const published = await host.call('/v1/publish', {
      method: 'POST',
      body: '{"channel":"open:a","data":1}',
    });
    expect(published.status).toBe(200);
    const page = await host.call('/');
    expect([page.status, page.text, page.headers['x-content-type-options']]).toEqual([
      200,
      'page /',
      'nosniff',
    ]);
    expect((await host.call('/%C3%A4%20b')).text).toBe('page /ä b');
    expect((await host.call('/none')).status).toBe(404);
    for (const path of ['/../x', '/%2e%2e/x', '/a/%2e/x', '/a%5cb', '/a%00b', '/%zz']) {
      expect([path, (await host.call(path)).status]).toEqual([path, 400]);
    }
    expect((await host.call('/', { method: 'POST', body: 'x' })).status).toBe(405);
  });

  test('pages are for development mode only', async () => {
    const host = await start({ rest: { pages: () => expect.fail('asked for a page') } });
    expect((await host.call('/')).status).toBe(404);
  });

  test('a Host that is no loopback name and not listed is refused everywhere', async () => {
    const host = await start({ settings: { ...development, hosts: ['push.test'] } });
    for (const path of ['/healthz', '/', '/v1/publish', '/ws']) {
      const { status, text } = await host.call(path, { headers: { Host: 'evil.example' } });
      expect([path, status, text]).toEqual([path, 403, expect.stringContaining("add this name to 'hosts'")]);
    }
    expect(
      await upgradeStatus(host.port, '/ws', { Host: 'evil.example', Origin: 'http://evil.example' }),
    ).toBe(403);
    expect((await host.call('/healthz', { headers: { Host: 'push.test:6790' } })).status).toBe(200);
    expect((await host.call('/healthz', { headers: { Host: 'localhost' } })).status).toBe(200);
  });

  test('a page of another site cannot use the open API', async () => {
    const host = await start({ settings: development });
    const body = '{"channel":"open:csrf","data":1}';
    for (const headers of [
      { Origin: 'http://evil.example' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { Referer: 'http://evil.example/' },
    ]) {
      expect((await host.call('/v1/publish', { method: 'POST', body, headers })).status).toBe(403);
    }
    const own = { Origin: `http://127.0.0.1:${host.port}`, 'Sec-Fetch-Site': 'same-origin' };
    expect((await host.call('/v1/publish', { method: 'POST', body, headers: own })).status).toBe(200);
    expect((await host.node.history('open:csrf', {})).publications).toHaveLength(1);
  });

  test('outside it, without a key, the API is closed and says how to open it', async () => {
    const host = await start({ settings: { api: { keys: [] } } });
    const { status, text } = await host.call('/v1/info', { method: 'POST' });
    expect([status, text]).toEqual([401, expect.stringContaining("set 'api.keys'")]);
  });
});
