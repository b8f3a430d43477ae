/** What clients and monitors reach at any worker of a server of two: every request comes on a connection of its own. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FeedClient, FeedQuery } from '../../packages/server/src/testing/feed-client.ts';
import { type FeedClientName, feedClients } from '../../packages/server/src/testing/feed-clients.ts';
import { type NativeClientName, nativeClients } from '../../packages/server/src/testing/native-clients.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

let server: RunningCarillon;
const clients: FeedClient[] = [];

beforeAll(async () => {
  const rule = { subscribe: 'anyone', publish: 'anyone', history: { size: 20_000, ttl: '10m' } };
  server = await startCarillon({
    config: {
      workers: 2,
      api: { keys: ['key'] },
      auth: { anonymous: true },
      channels: { '*': rule },
    },
  });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.cut();
});
afterAll(() => server?.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own, so that any worker may get it. */
function call(
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path, method, headers, agent: false };
    const sent = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function api<Result>(method: string, params: object = {}): Promise<Result> {
  const { body } = await call(`/v1/${method}`, 'POST', { 'X-API-Key': 'key' }, JSON.stringify(params));
  return (JSON.parse(body) as { readonly result: Result }).result;
}

interface Opened {
  readonly session: string;
  readonly secret: string;
}

async function openPolls(): Promise<Opened> {
  return JSON.parse((await call('/stream?transport=longpoll')).body) as Opened;
}

/** A session at each worker; the second may begin to serve a while after the first. */
async function openAtBoth(): Promise<readonly Opened[]> {
  const byWorker = new Map<string, Opened>();
  for (let attempt = 0; attempt < 400 && byWorker.size < 2; attempt++) {
    if (attempt > 20) await sleep(25);
    const opened = await openPolls();
    byWorker.set(opened.session.split('.')[0] ?? '', opened);
  }
  expect(byWorker.size).toBe(2);
  return [...byWorker.values()];
}

function of({ session, secret }: Opened, method: string, rest = '', body = ''): Promise<Answer> {
  return call(`/stream/${session}${rest}`, method, { 'X-Carillon-Secret': secret }, body);
}

describe('a native session over HTTP', () => {
  test('STR3 STR7 takes POSTs in order and answers polls at whichever worker they arrive', async () => {
    for (const opened of await openAtBoth()) {
      const got: unknown[] = [];
      for (let number = 1; number <= 40; number++) {
        expect((await of(opened, 'POST', '', `{"id":${number},"op":"ping"}`)).status).toBe(204);
        const { body } = await of(opened, 'GET', `?ack=${number - 1}&timeout=10`);
        const { seq, messages } = JSON.parse(body) as { seq: number; messages: unknown[] };
        expect(seq).toBe(number);
        got.push(...messages);
      }
      expect(got).toEqual(Array.from({ length: 40 }, (_, index) => ({ id: index + 1, result: 'pong' })));
    }
  });

  test('STR9 a poll takes the place of the one that is held, wherever both arrive', async () => {
    const [opened] = (await openAtBoth()) as [Opened];
    let held = of(opened, 'GET', '?ack=0&timeout=20');
    for (let number = 0; number < 20; number++) {
      // The one that comes later at the session is the one that stays.
      const next = of(opened, 'GET', '?ack=0&timeout=20');
      const first = await Promise.race([held.then(() => 'before'), next.then(() => 'after')]);
      held = first === 'before' ? next : held;
    }
    await of(opened, 'POST', '', '{"id":1,"op":"ping"}');
    expect(JSON.parse((await held).body)).toMatchObject({ messages: [{ id: 1, result: 'pong' }] });
  });

  test('STR6 STR10 ends at any worker; then, and with another secret, it is as if it had never been', async () => {
    const [one, two] = (await openAtBoth()) as [Opened, Opened];
    const stranger = { session: one.session, secret: two.secret };
    const nobody = { session: `77.${'x'.repeat(22)}`, secret: one.secret };
    const answers = new Set<string>();
    for (const wrong of [stranger, nobody, { ...nobody, session: 'x' }]) {
      for (let attempt = 0; attempt < 10; attempt++) {
        for (const method of ['GET', 'POST', 'DELETE'])
          answers.add(
            JSON.stringify(await of(wrong, method, '?ack=0', method === 'POST' ? '{"op":"ping"}' : '')),
          );
      }
    }
    for (const opened of [one, two]) {
      expect((await of(opened, 'DELETE')).status).toBe(204);
      for (let attempt = 0; attempt < 10; attempt++)
        answers.add(JSON.stringify(await of(opened, 'GET', '?ack=0')));
    }
    expect([...answers].map((text) => (JSON.parse(text) as Answer).status)).toEqual([404]);
  });
});

const makers: Readonly<Record<string, () => FeedClient>> = { ...feedClients, ...nativeClients };

async function open(name: string, query: FeedQuery): Promise<FeedClient> {
  const client = makers[name]?.();
  if (client === undefined) throw new Error(`no client ${name}`);
  clients.push(client);
  await client.open(server.port, query);
  return client;
}

const feeds: readonly FeedClientName[] = ['websocket/json', 'sse', 'ndjson', 'iframe', 'longpoll', 'jsonp'];
const natives: readonly NativeClientName[] = [
  'websocket/native',
  'stream/sse',
  'stream/ndjson',
  'stream/longpoll',
];

describe.each([
  ['sub', feeds],
  ['stream', natives],
])('a client of /%s, or a WebSocket, that goes from any transport to any other', (family, names) => {
  test('misses nothing and gets nothing twice, whichever workers serve it', async () => {
    const channels = [`walk:${family}:a`, `walk:${family}:b`];
    let made = 0;
    const publish = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        made += 1;
        await api('publish', { channel: channels[made % 2], data: { n: made } });
      }
    };
    for (const from of names) {
      for (const to of names) {
        const before = made;
        const first = await open(from, { channels });
        await publish(6);
        await first.has(6);
        first.cut();
        await publish(6);
        const second = await open(to, { channels, cursor: first.cursor });
        await publish(4);
        await second.has(10);
        second.cut();
        const numbers = [...first.numbers, ...second.numbers].map(Number).sort((a, b) => a - b);
        expect(numbers, `${from} to ${to}`).toEqual(Array.from({ length: 16 }, (_, at) => before + at + 1));
        expect([second.recovered, second.gaps]).toEqual([true, []]);
      }
    }
  }, 60_000);
});
