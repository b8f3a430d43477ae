import { connect } from 'node:net';
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
