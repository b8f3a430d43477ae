import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FeedHost, startFeeds } from '../../testing/feed-host.ts';

let host: FeedHost;
beforeEach(async () => {
  host = await startFeeds();
});
afterEach(async () => {
  await host.stop();
  expect(host.errors).toEqual([]);
});

const settled = (ms = 15): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const response = await new Promise<Answer>((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port: host.port, path, method, headers, agent: false },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({
            status: res.statusCode ?? 0,
            headers: new Headers(Object.entries(res.headers).map(([name, value]) => [name, String(value)])),
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end();
  });
  return response;
}

/** What comes on a raw connection until `ms` have passed without anything new, or it ends. */
async function raw(request: string, during: () => Promise<void> = settled): Promise<string> {
  const socket = connect(host.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.write(request);
  await settled(30);
  await during();
  await settled(30);
  socket.destroy();
  return text;
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
    const ask = (more: string, headers: Record<string, string> = {}): Promise<Answer> =>
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

describe('a long-poll', () => {
  test('is answered when its time is over, exactly so', async () => {
    for (const [query, ms] of [
      ['', 27_000],
      ['&timeout=5', 5_000],
      ['&timeout=1500ms', 1_500],
      ['&timeout=2m', 60_000],
    ] as const) {
      const asked = get(`/sub?channel=plain:a${query}`);
      let answered = false;
      void asked.then(() => {
        answered = true;
      });
      await settled(30);
      host.clock.advance(ms - 1);
      await settled();
      expect([query, answered]).toEqual([query, false]);
      host.clock.advance(400);
      expect((await asked).text).toBe('{"messages":[],"status":1,"tips":"timeout","cursor":""}');
    }
  });

  test('of no time is answered at once, with what is there', async () => {
    const empty = JSON.parse((await get('/sub?channel=open:a&timeout=0')).text) as { cursor: string };
    expect(empty).toEqual({ messages: [], status: 1, tips: 'timeout', cursor: expect.any(String) });
    await host.node.publish('open:a', '{"a":12345678901234567890}');
    const { text, headers } = await get(`/sub?channel=open:a&timeout=0&cursor=${empty.cursor}`);
    const { cursor } = JSON.parse(text) as { cursor: string };
    expect(text).toBe(
      `{"messages":[{"channel":"open:a","data":{"a":12345678901234567890},"offset":1,"cursor":"${cursor}"}],"cursor":"${cursor}"}`,
    );
    expect(headers.get('carillon-recovered')).toBe('true');
  });

  test('answers with everything that is there, in parts of 256 KiB', async () => {
    for (let n = 1; n <= 500; n++)
      await host.node.publish('open:a', `{"n":${n},"text":"${'x'.repeat(3_000)}"}`);
    await host.node.publish('open:a', `{"n":501,"text":"${'x'.repeat(400_000)}"}`);
    const numbers: number[] = [];
    let query = 'from=oldest';
    let answers = 0;
    for (; answers < 20 && numbers.at(-1) !== 501; answers++) {
      const { text } = await get(`/sub?channel=open:a&${query}`);
      const { messages, cursor } = JSON.parse(text) as {
        messages: { data: { n: number } }[];
        cursor: string;
      };
      if (messages.length > 1) expect(text.length).toBeLessThan(263_000);
      numbers.push(...messages.map(({ data }) => data.n));
      query = `cursor=${cursor}`;
    }
    expect(numbers).toEqual(Array.from({ length: 501 }, (_, at) => at + 1));
    expect(answers).toBeLessThan(10);
  });

  test('in raw form has the data of one message, and the cursor beside it', async () => {
    const none = await get('/sub?channel=open:a&format=raw&timeout=0');
    expect([none.status, none.text]).toEqual([204, '']);
    let cursor = none.headers.get('carillon-cursor') ?? '';
    const kinds: unknown[] = [];
    await host.node.publish('open:a', '"a\\n\\"b\\""');
    await host.node.publish('open:a', '[1,{"data":2}]');
    await host.node.publish('open:a', '"AP8B"', { binary: true });
    for (let at = 0; at < 3; at++) {
      const { text, headers } = await get(`/sub?channel=open:a&format=raw&cursor=${cursor}`);
      cursor = headers.get('carillon-cursor') ?? '';
      kinds.push([headers.get('content-type')?.split(';')[0], text]);
    }
    expect(kinds).toEqual([
      ['text/plain', 'a\n"b"'],
      ['application/json', '[1,{"data":2}]'],
      ['application/json', '{"data":"AP8B","binary":true}'],
    ]);
  });

  test('keeps its connection for the next one, and two at once get the same', async () => {
    const poll = 'GET /sub?channel=open:a&timeout=0 HTTP/1.1\r\nHost: x\r\n\r\n';
    expect((await raw(poll + poll)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    const both = [get('/sub?channel=open:a'), get('/sub?channel=open:a')];
    await settled(30);
    await host.node.publish('open:a', '1');
    const [one, two] = await Promise.all(both);
    expect(one?.text).toBe(two?.text);
    expect(one?.text).toContain('"data":1');
  });

  test('of HTTP/1.0 is answered and closed', async () => {
    const text = await raw('GET /sub?channel=open:a&timeout=0 HTTP/1.0\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Connection: close\r\n(.*\r\n)*\r\n{"messages":\[\]/);
  });

  test('tells at once that something is gone, though nothing is kept', async () => {
    await host.node.publish('open:a', '1');
    const { cursor } = JSON.parse((await get('/sub?channel=open:a&from=oldest')).text) as { cursor: string };
    await host.node.publish('open:a', '2');
    await host.node.removeHistory('open:a');
    const { text } = await get(`/sub?channel=open:a&cursor=${cursor}`);
    expect(JSON.parse(text)).toEqual({
      messages: [],
      recovered: false,
      cursor: expect.not.stringContaining(cursor),
    });
  });

  test('as a script is code whatever was published', async () => {
    const data = '{"a":"</script>\u2028&","__proto__":1,"b":{"__proto__":2,"__proto__":{"x":1}}}';
    await host.node.publish('open:a', data);
    const { text } = await get('/sub?channel=open:a&from=oldest&callback=f');
    expect(text).not.toMatch(/[<>&\u2028]/);
    let given: { messages: { data: unknown }[] } | undefined;
    new Function('f', text)((value: typeof given) => {
      given = value;
    });
    expect(JSON.stringify(given?.messages[0]?.data)).toBe(JSON.stringify(JSON.parse(data)));
  });
});

describe('Server-Sent Events', () => {
  const sse = (more = '', version = '1.1', headers = ''): string =>
    `GET /sub?channel=open:a${more} HTTP/${version}\r\nHost: x\r\nAccept: text/event-stream\r\n${headers}\r\n`;

  test('begin with a spread retry and the cursor, and put each line of a text on a line of its own', async () => {
    const text = await raw(sse('', '1.0'), async () => {
      await host.node.publish('open:a', '"one\\r\\ntwo\\rthree\\n\\nfive"');
      await host.node.publish('open:a', '""');
      await host.node.publish('open:a', '{"a":[1]}');
    });
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(text).not.toContain('chunked');
    expect(body.replace(/retry: [12]\d{3}\n/, 'retry\n').replace(/id: .*\.(\d)\n/g, 'id $1\n')).toBe(
      'retry\nid 0\n\n' +
        'id 1\nevent: message\ndata: one\ndata: two\ndata: three\ndata: \ndata: five\n\n' +
        'id 2\nevent: message\ndata: \n\n' +
        'id 3\nevent: message\ndata: {"a":[1]}\n\n',
    );
  });

  test('name the channel where that is asked for', async () => {
    const text = await raw(sse('&channel=open:b&format=json', '1.0'), async () => {
      await host.node.publish('open:b', '1');
    });
    expect(text).toMatch(/data: {"channel":"open:b","data":1,"offset":1,"cursor":"(.*)"}\nid: \1\n\n$/);
  });

  test('go on from Last-Event-ID rather than from the cursor of the URL', async () => {
    await host.node.publish('open:a', '1');
    await host.node.publish('open:a', '2');
    const first = JSON.parse((await get('/sub?channel=open:a&format=json&last=2&timeout=0')).text) as {
      messages: { cursor: string }[];
    };
    const [one, two] = first.messages.map(({ cursor }) => cursor);
    const text = await raw(sse(`&cursor=${two}`, '1.0', `Last-Event-ID: ${one}\r\n`));
    expect(text).toContain('data: 2\n');
    expect(text).not.toContain('data: 1\n');
  });

  test('tell of a gap before what is kept', async () => {
    await host.stop();
    host = await startFeeds({ size: 1 });
    await host.node.publish('open:a', '1');
    const { cursor } = JSON.parse((await get('/sub?channel=open:a&from=oldest')).text) as { cursor: string };
    for (let n = 2; n <= 4; n++) await host.node.publish('open:a', String(n));
    const text = await raw(sse(`&cursor=${cursor}`, '1.0'));
    expect(text).toMatch(/Carillon-Recovered: false\r\n/);
    expect(text).toMatch(
      /retry: \d+\n\nid: \S+\.3\nevent: gap\ndata: {"channel":"open:a","epoch":"epoch\d+","from":2,"to":3}\n\nid: \S+\.4\nevent: message\ndata: 4\n\n$/,
    );
  });

  test('that were ended for good are a 204 to the EventSource that comes back', async () => {
    expect(await raw(sse('', '1.1', 'Last-Event-ID: end\r\n'))).toMatch(/^HTTP\/1\.1 204 /);
    expect(host.node.figures().sessions).toBe(0);
  });

  test('whose bytes nobody takes are ended', async () => {
    const socket = connect(host.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(sse());
    socket.pause();
    await settled(30);
    for (let n = 0; n < 200; n++) {
      await host.node.publish('open:a', `"${'x'.repeat(100_000)}"`);
      if (n % 10 === 0) await settled(1);
    }
    await settled(30);
    expect(host.node.figures().sessions).toBe(1);
    for (let second = 0; second < 80; second++) host.clock.advance(1_000);
    await settled(30);
    expect(host.node.figures().sessions).toBe(0);
    socket.destroy();
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
