/** The SDK against the real server: over a network that cuts, through restarts, and as its README shows it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  Carillon,
  type CarillonError,
  type CarillonOptions,
  type Channel,
  type Gap,
  type Message,
} from '@carillon/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { TcpProxy } from '../../packages/client/src/testing/tcp-proxy.ts';
import { freePort, type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { random } from '../support/random.ts';

let server: RunningCarillon;
const cleanUp: (() => unknown)[] = [];
const fast = { backoff: { minMs: 1, maxMs: 20 } };

beforeAll(async () => {
  server = await startCarillon();
});

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

afterAll(() => server.stop());

function client(url = server.url, options: CarillonOptions = fast): Carillon {
  const carillon = new Carillon(url, options);
  cleanUp.push(() => carillon.close());
  return carillon;
}

function record<T>(channel: Channel<T>) {
  const messages: Message<T>[] = [];
  const gaps: Gap[] = [];
  channel.on('message', (_, message) => messages.push(message));
  channel.on('gap', (gap) => gaps.push(gap));
  return { messages, gaps, data: () => messages.map(({ data }) => data) };
}

const until = (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 5 });
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: CarillonError) => error,
  );

/** Publishes as a backend does. */
async function publish(channel: string, data: unknown): Promise<void> {
  const body = JSON.stringify({ channel, data });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}/v1/publish`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
}

describe('publish, receive, history', () => {
  test('what a client and a backend publish reaches another client, numbered and in order', async () => {
    const room = client().channel('sdk:1');
    const { messages } = record(room);
    expect(await room.subscribe()).toMatchObject({ channel: 'sdk:1', offset: 0, recoverable: true });
    const first = await client().channel('sdk:1').publish({ text: 'hello' });
    await publish('sdk:1', [1, null, 'ü']);
    await until(() => messages.length === 2);
    expect(messages).toEqual([
      { channel: 'sdk:1', data: { text: 'hello' }, offset: 1, recovered: false },
      { channel: 'sdk:1', data: [1, null, 'ü'], offset: 2, recovered: false },
    ]);
    expect(room.position).toEqual({ epoch: first.epoch, offset: 2 });
  });

  test('history is read forwards, backwards and from a position', async () => {
    const room = client().channel<number>('sdk:2');
    for (const number of [1, 2, 3]) await room.publish(number);
    const { publications, epoch, offset } = await room.history();
    expect(publications).toEqual([1, 2, 3].map((number) => ({ offset: number, data: number })));
    expect(offset).toBe(3);
    const newest = await room.history({ reverse: true, limit: 1 });
    expect(newest.publications).toEqual([{ offset: 3, data: 3 }]);
    const later = await room.history({ since: { epoch, offset: 2 } });
    expect(later.publications).toEqual([{ offset: 3, data: 3 }]);
    expect(await caught(room.history({ since: { epoch, offset: 99 } }))).toMatchObject({ code: 112 });
  });

  test('last replays the newest, then goes on live', async () => {
    const room = client().channel<number>('sdk:3');
    for (const number of [1, 2, 3]) await room.publish(number);
    const { messages } = record(room);
    await room.subscribe({ last: 2 });
    await room.publish(4);
    await until(() => messages.length === 3);
    expect(messages.map(({ data, recovered }) => [data, recovered])).toEqual([
      [2, true],
      [3, true],
      [4, false],
    ]);
  });

  test('after unsubscribe nothing comes, and a new subscription begins anew', async () => {
    const room = client().channel<number>('sdk:4');
    const { data } = record(room);
    await room.publish(1);
    await until(() => data().length === 1);
    await room.unsubscribe();
    await room.publish(2);
    await room.subscribe();
    await room.publish(3);
    await until(() => data().length === 2);
    expect(data()).toEqual([1, 3]);
  });

  test('one key, one publication', async () => {
    const room = client().channel('sdk:5');
    const answers = [
      await room.publish('x', { idempotencyKey: 'k' }),
      await room.publish('x', { idempotencyKey: 'k' }),
    ];
    expect(answers[0]).toEqual(answers[1]);
    expect((await room.history()).publications).toHaveLength(1);
  });

  test('a name that is none is refused with the server’s words', async () => {
    const carillon = client();
    expect(await caught(carillon.channel('with space').subscribe())).toMatchObject({
      name: 'CarillonError',
      code: 107,
    });
    expect(await caught(carillon.channel('$server').publish(1))).toMatchObject({ code: 107 });
    expect(carillon.state).toBe('connected');
  });
});

describe('a network that cuts', () => {
  test.each([11, 12, 13])('200 publications, each once and in order (seed %i)', async (seed) => {
    const draw = random(seed);
    const proxy = await TcpProxy.start(server.port);
    cleanUp.push(() => proxy.stop());
    const url = `ws://127.0.0.1:${proxy.port}/ws`;
    const name = `cut:${seed}`;
    const room = client(url).channel<number>(name);
    const { data, gaps } = record(room);
    await room.subscribe();
    const writer = client(url).channel<number>(name);
    const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
    for (const number of numbers) {
      if (draw(5) === 0) proxy.cutAfter(draw(300));
      if (draw(20) === 0) proxy.cut();
      await writer.publish(number);
    }
    await until(() => data().length >= 200);
    expect(data()).toEqual(numbers);
    expect(gaps).toEqual([]);
    expect(proxy.cuts).toBeGreaterThan(10);
    expect((await writer.history({ reverse: true, limit: 1 })).offset).toBe(200);
  });

  test('more missed than the history keeps: a gap is told, then what is kept', async () => {
    const proxy = await TcpProxy.start(server.port);
    const room = client(`http://127.0.0.1:${proxy.port}`).channel<number>('sdk:gap');
    const { data, gaps } = record(room);
    await room.subscribe();
    const { port } = proxy;
    await proxy.stop();
    for (let number = 1; number <= 130; number++) await publish('sdk:gap', number);
    const again = await TcpProxy.start(server.port, port);
    cleanUp.push(() => again.stop());
    await until(() => data().at(-1) === 130);
    expect(data()).toEqual(Array.from({ length: 100 }, (_, index) => index + 31));
    expect(gaps).toMatchObject([{ channel: 'sdk:gap', from: 1, reason: { code: 2023 } }]);
  });
});

describe('the server', () => {
  test('restarts: the client comes back, and is told that the new server does not have the old history', async () => {
    const port = await freePort();
    const first = await startCarillon({ port });
    const room = client(first.url).channel<string>('a');
    const { data, gaps } = record(room);
    await room.publish('before');
    await until(() => data().length === 1);
    const reasons: number[] = [];
    room.on('state', ({ reason }) => reasons.push(reason.code));
    await first.stop();
    // Asked to leave before the end, or cut by it.
    await until(() => reasons.includes(2006) || reasons.includes(3001));
    const second = await startCarillon({ port });
    cleanUp.push(() => second.stop());
    await room.publish('after');
    await until(() => data().length === 2);
    expect(data()).toEqual(['before', 'after']);
    expect(gaps).toMatchObject([{ reason: { code: 2023 } }]);
  });

  test('asks for a token: the right one opens, a wrong one is told', async () => {
    const guarded = await startCarillon({
      config: {
        api: { keys: ['key'] },
        auth: { tokens: { 'secret-1': { user: '1001' } } },
        channels: {
          'room:*': { subscribe: 'user', publish: 'subscriber', history: { size: 10, ttl: '1m' } },
        },
      },
    });
    cleanUp.push(() => guarded.stop());
    const carillon = client(guarded.url, { ...fast, token: async () => 'secret-1' });
    const room = carillon.channel<string>('room:1');
    const { data } = record(room);
    await room.publish('for subscribers only');
    await until(() => data().length === 1);
    expect(carillon.session).toEqual(expect.any(String));
    expect(await caught(carillon.channel('other').subscribe())).toMatchObject({ code: 102 });

    let asked = 0;
    const wrong = client(guarded.url, { ...fast, token: () => `wrong-${++asked}` });
    expect(await caught(wrong.channel('room:1').subscribe())).toMatchObject({ code: 101 });
    expect([wrong.state, asked]).toEqual(['disconnected', 3]);
  });
});

describe('what the server side does by itself', () => {
  /** A method of the server API. */
  async function api(method: string, params: object): Promise<Record<string, unknown>> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(params);
    const response = await fetch(`${server.url}/v1/${method}`, { method: 'POST', headers, body });
    const { result } = (await response.json()) as { readonly result: Record<string, unknown> };
    expect(result).toBeDefined();
    return result;
  }

  /** The only session that the server has. */
  async function onlySession(): Promise<string> {
    let sessions: { readonly session: string }[] = [];
    await vi.waitFor(async () => {
      sessions = (await api('sessions', {}))['sessions'] as typeof sessions;
      expect(sessions).toHaveLength(1);
    });
    return sessions[0]?.session ?? '';
  }

  test.each(['websocket', 'sse', 'longpoll'] as const)(
    'ADR1 ADR10: `send` and `subscribe` of the API reach the client over %s; after a cut nothing of the channel is missing',
    async (transport) => {
      const proxy = await TcpProxy.start(Number(new URL(server.url).port));
      cleanUp.push(() => proxy.stop());
      const carillon = client(`http://127.0.0.1:${proxy.port}`, { ...fast, transports: [transport] });
      const sent: unknown[] = [];
      const heard: unknown[] = [];
      const gaps: unknown[] = [];
      carillon.on('message', (data, { event }) => sent.push([event, data]));
      carillon.on('subscribed', (name) => {
        carillon.channel(name).on('message', (data) => heard.push(data));
        carillon.channel(name).on('gap', (gap) => gaps.push(gap));
      });
      carillon.connect();
      const session = await onlySession();
      const name = `sdk:given-${transport}`;
      await publish(name, 'before');
      expect(await api('send', { to: { session }, event: 'hint', data: { n: 1 } })).toEqual({ sessions: 1 });
      expect(await api('subscribe', { session, channel: name })).toEqual({ sessions: 1 });
      await publish(name, 1);
      await until(() => heard.length === 1);
      proxy.cut();
      await publish(name, 2);
      await until(() => heard.length === 2);
      await publish(name, 3);
      await until(() => heard.length === 3);
      expect([sent, heard, gaps]).toEqual([[['hint', { n: 1 }]], [1, 2, 3], []]);
      expect(await api('unsubscribe', { session: await newest(carillon, session), channel: name })).toEqual({
        sessions: 1,
      });
      await until(() => carillon.channel(name).state === 'unsubscribed');
      carillon.close();
      await vi.waitFor(async () => expect((await api('sessions', { limit: 0 }))['total']).toBe(0));
    },
  );

  /** The id of the client's present session: the one that the server knows besides the first. */
  async function newest(carillon: Carillon, first: string): Promise<string> {
    if (carillon.session !== undefined && carillon.session !== first) return carillon.session;
    const sessions = (await api('sessions', {}))['sessions'] as { readonly session: string }[];
    return sessions.map(({ session }) => session).findLast((session) => session !== first) ?? first;
  }
});

describe('the README', () => {
  const readme = readFileSync(
    fileURLToPath(new URL('../../packages/client/README.md', import.meta.url)),
    'utf8',
  );
  const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);

  test('has snippets', () => {
    expect(snippets.length).toBeGreaterThan(2);
  });

  test.each(snippets.map((code, index) => [index + 1, code]))('snippet %i runs', async (_, code) => {
    const AsyncFunction = (async () => {}).constructor as new (
      ...args: string[]
    ) => (...args: unknown[]) => Promise<unknown>;
    const body = code.replace(/^import .*$/gm, '').replaceAll('http://127.0.0.1:6790', server.url);
    const made: Carillon[] = [];
    const Recorded = class extends Carillon {
      constructor(...args: ConstructorParameters<typeof Carillon>) {
        super(...args);
        made.push(this);
      }
    };
    cleanUp.push(() => made.forEach((each) => void each.close()));
    const lines: unknown[] = [];
    const quiet = { log: (...words: unknown[]) => lines.push(words) };
    await new AsyncFunction('Carillon', 'console', 'fetchToken', body)(Recorded, quiet, () => 'token');
  });
});
