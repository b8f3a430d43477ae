import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FeedHost, startFeeds } from '../../testing/feed-host.ts';
import { ask, type PlainAnswer, rawExchange, settled } from '../../testing/plain-http.ts';

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
