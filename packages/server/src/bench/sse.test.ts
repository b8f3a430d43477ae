/** The generator's reader of Server-Sent Events, and that its subscribers find what a faulty server does. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { payload } from './checker.ts';
import { Crowd } from './crowd.ts';
import { SseReader } from './sse-reader.ts';
import { parseTarget } from './target.ts';

const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

function inChunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

describe('the reader', () => {
  const stream = `${head}${inChunk('retry: 5\n\n')}${inChunk('data: a\n\ndata: b\n')}${inChunk('\ndata: c\n\n')}`;

  it.each([1, 2, 3, 7, 1000])('finds the same blocks in pieces of %i bytes', (size) => {
    const blocks: string[] = [];
    let wireBytes = 0;
    const reader = new SseReader({
      opened: () => blocks.push('opened'),
      block(bytes, from, to, taken) {
        blocks.push(bytes.toString('latin1', from, to));
        wireBytes += taken;
      },
    });
    const bytes = Buffer.from(stream);
    for (let at = 0; at < bytes.length; at += size) {
      reader.read(bytes, at, Math.min(bytes.length, at + size));
    }
    expect(blocks).toEqual(['opened', 'retry: 5', 'data: a', 'data: b', 'data: c']);
    expect(wireBytes).toBe(stream.length - head.length);
    expect(reader.aligned).toBe(true);
  });

  it('tells a refusal with what the server said', () => {
    const refusal = Buffer.from('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope');
    const reader = new SseReader({ opened: () => undefined, block: () => undefined });
    expect(() => reader.read(refusal, 0, refusal.length)).toThrow(/403 Forbidden nope/);
  });
});

/** What subscriber number `index` gets in place of the publication with this offset. */
type Fault = (index: number, offset: number, event: string) => readonly string[];

const publications = 10;
const checked = 0;
const counted = 7;

let server: Server | undefined;
let crowd: Crowd | undefined;
afterEach(() => {
  crowd?.close();
  server?.closeAllConnections();
  server?.close();
});

async function countsWith(fault: Fault) {
  const streams: ServerResponse[] = [];
  server = createServer((req, res) => {
    streams[Number(req.url?.slice('/sub?channel='.length))] = res;
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('retry: 1000\nid: c.e.0\n\n');
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  crowd = new Crowd(parseTarget(`http://127.0.0.1:${port}`), true);
  await crowd.open({ transport: 'sse', connections: 10, channelOf: String });
  for (let offset = 1; offset <= publications; offset++) {
    const event = `id: c.e.${offset}\nevent: message\ndata: ${payload(offset - 1, 1, 64)}\n\n`;
    streams.forEach((stream, index) => {
      for (const sent of fault(index, offset, event)) stream.write(sent);
    });
  }
  await crowd.settle(() => publications);
  return crowd.counts;
}

it('finds nothing wrong with streams that are whole', async () => {
  const counts = await countsWith((_index, _offset, event) => [event]);
  expect(counts).toEqual({ missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 });
});

describe.each([
  ['a subscriber whose events are checked', checked],
  ['a subscriber whose events are counted', counted],
])('%s', (_, victim) => {
  const at = (index: number, offset: number) => index === victim && offset === 5;

  it('misses what is lost', async () => {
    const counts = await countsWith((index, offset, event) => (at(index, offset) ? [] : [event]));
    expect(counts).toMatchObject({ missing: 1, duplicate: 0 });
  });

  it('notices what comes twice', async () => {
    const counts = await countsWith((index, offset, event) => (at(index, offset) ? [event, event] : [event]));
    expect(counts).toMatchObject({ missing: 0, duplicate: 1 });
  });

  it('notices an event that is no publication', async () => {
    const gap = 'event: gap\ndata: {"from":1,"to":2}\n\n';
    const counts = await countsWith((index, offset, event) => (at(index, offset) ? [gap, event] : [event]));
    expect(counts).toMatchObject({ missing: 0, unexpected: 1 });
  });
});
