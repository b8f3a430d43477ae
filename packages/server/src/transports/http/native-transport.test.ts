import { get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../core/connection.ts';
import type { ConnectRequest, SessionListener } from '../../core/entry.ts';
import { type Answer, type Call, type HttpHost, startHttp } from '../../testing/http-host.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { NativeHttp } from './native-transport.ts';

/** Time stands still, but turns of the event loop end. */
class TurnClock extends VirtualClock {
  override atTurnEnd(task: () => void): void {
    setImmediate(task);
  }
}

interface Opened {
  readonly session: string;
  readonly secret: string;
}

let host: HttpHost;
let native: NativeHttp;
let clock: TurnClock;
/** Stands in for the core where a test sets it. */
let accept: ((connection: Connection, request: ConnectRequest) => SessionListener) | undefined;

beforeEach(async () => {
  clock = new TurnClock();
  accept = undefined;
  native = new NativeHttp({
    accept: (connection, request) => accept?.(connection, request) ?? host.node.accept(connection, request),
    clock,
    stallTimeoutMs: 60_000,
  });
  host = await startHttp({
    anonymous: true,
    settings: { origins: ['https://listed.example'] },
    rest: {
      native: { sessions: native, admit: (request) => host.node.admit(request), maxFrameBytes: 1_024 },
    },
  });
});

afterEach(async () => {
  await native.close({ code: 3001, reason: 'shutdown' }, 100);
  await host.stop();
  expect(host.errors).toEqual([]);
});

/** The messages of a stream, one after another. */
class Stream {
  readonly headers: IncomingMessage['headers'];
  readonly opened: Opened;
  readonly #parts: AsyncIterator<string>;
  #rest = '';

  private constructor(response: IncomingMessage, parts: AsyncIterator<string>, first: string) {
    this.headers = response.headers;
    this.#parts = parts;
    this.opened = JSON.parse(first) as Opened;
  }

  static async open(query = ''): Promise<Stream> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port: host.port, path: `/stream${query}`, agent: false }, resolve).on(
        'error',
        reject,
      );
    });
    const parts = response.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
    const { value } = await parts.next();
    return new Stream(response, parts, String(value).replace(/^data: /, ''));
  }

  /** Undefined at the end. */
  async next(): Promise<unknown> {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      const line = this.#rest.slice(0, end);
      if (end !== -1) this.#rest = this.#rest.slice(end + 1);
      if (end !== -1 && line !== '' && !line.startsWith(':')) return JSON.parse(line.replace(/^data: /, ''));
      if (end !== -1) continue;
      const { done, value } = await this.#parts.next();
      if (done === true) return undefined;
      this.#rest += value;
    }
  }
}

function post({ session, secret }: Opened, body: string, headers: Call['headers'] = {}): Promise<Answer> {
  return host.call(`/stream/${session}`, {
    method: 'POST',
    body,
    headers: { 'X-Carillon-Secret': secret, ...headers },
  });
}

function poll({ session, secret }: Opened, ack: number, rest = ''): Promise<Answer> {
  return host.call(`/stream/${session}?ack=${ack}${rest}`, { headers: { 'X-Carillon-Secret': secret } });
}

async function openPolls(): Promise<Opened> {
  return JSON.parse((await host.call('/stream?transport=longpoll')).text) as Opened;
}

const ndjson = { 'Content-Type': 'application/x-ndjson' };

describe.each(['sse', 'ndjson'])('a native stream as %s', (name) => {
  test('STR1 STR3: opens with session and secret; frames and lines of frames are run in order', async () => {
    const stream = await Stream.open(`?transport=${name}`);
    expect(stream.opened).toEqual({
      session: expect.any(String),
      secret: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(stream.headers['cache-control']).toContain('no-store');
    expect((await post(stream.opened, '{"op":"subscribe","channel":"open:1"}')).status).toBe(204);
    const lines = '{"op":"publish","channel":"open:1","data":[1, "x"]}\n\n[{"id":2,"op":"ping"}]\n';
    expect((await post(stream.opened, lines, ndjson)).status).toBe(204);
    const got = [await stream.next(), await stream.next(), await stream.next(), await stream.next()];
    expect(got).toContainEqual({ event: 'open:1', data: [1, 'x'], offset: 1 });
    expect(got).toContainEqual([{ id: 2, result: 'pong' }]);
    expect(got[0]).toEqual({ result: true });
  });

  test('STR4 STR11: what is no JSON is 400, and ends the session as on a WebSocket', async () => {
    const stream = await Stream.open(`?transport=${name}`);
    expect((await post(stream.opened, 'nonsense')).status).toBe(400);
    expect(await stream.next()).toMatchObject({ code: 107 });
    expect(await stream.next()).toEqual({ event: '$server', type: 'close', code: 3501, msg: 'bad request' });
    expect(await stream.next()).toBeUndefined();
    expect((await post(stream.opened, '{"op":"ping"}')).status).toBe(404);
  });

  test('STR11: a shutdown is told', async () => {
    const stream = await Stream.open(`?transport=${name}`);
    await native.close({ code: 3001, reason: 'shutdown' }, 1_000);
    expect(await stream.next()).toEqual({ event: '$server', type: 'close', code: 3001, msg: 'shutdown' });
    expect((await host.call('/stream')).status).toBe(503);
  });
});

describe('who may', () => {
  test('STR6: another secret, none, and a session that is not known are 404, and nothing runs', async () => {
    const stream = await Stream.open();
    const { session, secret } = stream.opened;
    const other = (await Stream.open()).opened.secret;
    for (const wrong of [other, '', `${secret}x`]) {
      expect((await post({ session, secret: wrong }, '{"id":1,"op":"ping"}')).status).toBe(404);
    }
    expect(
      (await host.call(`/stream/${session}`, { method: 'POST', body: '{"id":1,"op":"ping"}' })).status,
    ).toBe(404);
    expect((await post({ session: 'unknown', secret }, '{"id":1,"op":"ping"}')).status).toBe(404);
    await post(stream.opened, '{"id":2,"op":"ping"}');
    expect(await stream.next()).toEqual({ id: 2, result: 'pong' });
  });

  test('STR4: too large a frame or body is 413, and nothing of it runs', async () => {
    const stream = await Stream.open();
    const large = JSON.stringify({ id: 1, op: 'ping', padding: 'x'.repeat(1_024) });
    expect((await post(stream.opened, `{"id":0,"op":"ping"}\n${large}`, ndjson)).status).toBe(413);
    expect((await post(stream.opened, `${'{"id":0,"op":"ping"}\n'.repeat(300)}`, ndjson)).status).toBe(413);
    await post(stream.opened, '{"id":2,"op":"ping"}');
    expect(await stream.next()).toEqual({ id: 2, result: 'pong' });
  });

  test('STR12: a token opens the session for its user; a refused one is 401', async () => {
    const stream = await Stream.open('?token=token-of-7');
    await post(stream.opened, '{"id":1,"op":"subscribe","channel":"@user"}');
    expect(await stream.next()).toMatchObject({ id: 1, result: { channel: '@user' } });
    expect((await host.call('/stream?token=wrong')).status).toBe(401);
    const headers = { Authorization: 'Bearer wrong' };
    expect((await host.call('/stream?transport=longpoll', { headers })).status).toBe(401);
  });

  test('STR13: pages of other sites are refused, those of listed origins may send the secret', async () => {
    const { session, secret } = await openPolls();
    const foreign = { Origin: 'https://foreign.example', 'X-Carillon-Secret': secret };
    expect((await host.call('/stream', { headers: foreign })).status).toBe(403);
    const asForeign = { method: 'POST', body: '{"op":"ping"}', headers: foreign };
    expect((await host.call(`/stream/${session}`, asForeign)).status).toBe(403);
    const listed = { Origin: 'https://listed.example' };
    const preflight = await host.call(`/stream/${session}`, { method: 'OPTIONS', headers: listed });
    expect(preflight.headers['access-control-allow-headers']).toContain('X-Carillon-Secret');
    expect(preflight.headers['access-control-allow-methods']).toContain('DELETE');
    const own = {
      method: 'POST',
      body: '{"op":"ping"}',
      headers: { ...listed, 'X-Carillon-Secret': secret },
    };
    const answer = await host.call(`/stream/${session}`, own);
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([
      204,
      'https://listed.example',
    ]);
  });
});

describe('a native session that is polled', () => {
  test('STR7 STR8: an answer is kept until it is acknowledged, and the same when it is asked for again', async () => {
    const key = await openPolls();
    await post(key, '{"id":1,"op":"ping"}');
    const first = await poll(key, 0);
    expect(JSON.parse(first.text)).toEqual({ seq: 1, messages: [{ id: 1, result: 'pong' }] });
    await post(key, '{"id":2,"op":"ping"}');
    expect((await poll(key, 0)).text).toBe(first.text);
    expect(JSON.parse((await poll(key, 1)).text)).toEqual({ seq: 2, messages: [{ id: 2, result: 'pong' }] });
    for (const wrong of [0, 3]) expect((await poll(key, wrong)).status).toBe(400);
  });

  test('STR7: a poll is held until something comes, or its time is over', async () => {
    const key = await openPolls();
    const held = poll(key, 0);
    await untilHeld();
    await post(key, '{"id":1,"op":"ping"}');
    expect(JSON.parse((await held).text)).toMatchObject({ seq: 1 });
    const idle = poll(key, 1, '&timeout=5');
    await untilHeld();
    clock.advance(7_000);
    expect(JSON.parse((await idle).text)).toEqual({ seq: 1, messages: [] });
  });

  test('STR9: a second poll takes the place of the first', async () => {
    const key = await openPolls();
    const first = poll(key, 0);
    await untilHeld();
    const second = poll(key, 0);
    expect(JSON.parse((await first).text)).toEqual({ seq: 0, messages: [] });
    await post(key, '{"id":1,"op":"ping"}');
    expect(JSON.parse((await second).text)).toMatchObject({ seq: 1 });
  });

  test('STR9 STR10: without a poll for 30 s, or at its client’s wish, the session is over', async () => {
    const [forgotten, ended] = [await openPolls(), await openPolls()];
    expect(host.node.figures().sessions).toBe(2);
    const headers = { 'X-Carillon-Secret': ended.secret };
    expect((await host.call(`/stream/${ended.session}`, { method: 'DELETE', headers })).status).toBe(204);
    expect((await poll(ended, 0)).status).toBe(404);
    clock.advance(33_000);
    expect((await poll(forgotten, 0)).status).toBe(404);
    expect(host.node.figures().sessions).toBe(0);
  });

  test('STR8: a session that is behind is told to wait, and hears when its mailbox is empty again', async () => {
    const told: string[] = [];
    let connection: Connection | undefined;
    accept = (made) => {
      connection = made;
      const tell = (what: string) => () => void told.push(what);
      return {
        session: 'fixed',
        received: tell('received'),
        receivedBytes: tell('bytes'),
        drained: tell('drained'),
        closed: tell('closed'),
      };
    };
    const key = await openPolls();
    const frame = connection?.wire.message(JSON.stringify('x'.repeat(99_997))) ?? Buffer.alloc(0);
    expect([1, 2, 3].map(() => connection?.write(frame))).toEqual([true, true, false]);
    const { seq, messages } = JSON.parse((await poll(key, 0)).text) as { seq: number; messages: string[] };
    expect([seq, messages.length, told]).toEqual([1, 3, []]);
    const next = poll(key, 1);
    await untilHeld();
    expect(told).toEqual(['drained']);
    connection?.write(frame);
    expect(JSON.parse((await next).text)).toMatchObject({ seq: 2 });
  });

  test('STR5: while a session takes no commands its POSTs are held, and one too many is refused', async () => {
    const got: string[] = [];
    let connection: Connection | undefined;
    accept = (made) => {
      connection = made;
      const nothing = (): void => {};
      const received = (text: string): void => void got.push(text);
      return { session: 'fixed', received, receivedBytes: nothing, drained: nothing, closed: nothing };
    };
    const key = await openPolls();
    connection?.pause();
    const answers: Promise<Answer>[] = [];
    for (let number = 1; number <= 9; number++) answers.push(post(key, String(number)));
    const refused = await Promise.race(answers);
    expect(refused.status).toBe(429);
    expect(got).toEqual([]);
    connection?.resume();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(8);
    expect(got).toHaveLength(8);
  });

  test('STR5: a session that has enough takes the rest of a POST later, and the POST is held until then', async () => {
    const got: string[] = [];
    accept = (connection) => {
      const nothing = (): void => {};
      const received = (text: string): void => {
        got.push(text);
        if (got.length === 2) connection.pause();
        if (got.length === 2) void untilHeld().then(() => got.push('resumed') && connection.resume());
      };
      return { session: 'fixed', received, receivedBytes: nothing, drained: nothing, closed: nothing };
    };
    const key = await openPolls();
    expect((await post(key, '1\n2\n3\n4', ndjson)).status).toBe(204);
    expect(got).toEqual(['1', '2', 'resumed', '3', '4']);
  });
});

/** Resolves when the server has had time to take what was sent to it: a round trip of its own. */
async function untilHeld(): Promise<void> {
  for (let round = 0; round < 5; round++) await host.call('/healthz');
}

test('WS15 a session knows the device that its client names; one with too long a name is not opened', async () => {
  const devices: unknown[] = [];
  accept = (connection, request) => {
    devices.push(request.device);
    return host.node.accept(connection, request);
  };
  for (const query of ['&device=phone', '&device=', '']) {
    expect((await host.call(`/stream?transport=longpoll${query}`)).status).toBe(200);
  }
  const { status, text } = await host.call(`/stream?transport=longpoll&device=${'x'.repeat(256)}`);
  expect([status, text]).toEqual([
    400,
    expect.stringContaining("'device' must not be longer than 255 bytes"),
  ]);
  expect(devices).toEqual(['phone', undefined, undefined]);
});
