import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Channel } from './channel.ts';
import { Carillon } from './client.ts';
import type { CarillonError } from './errors.ts';
import type { Gap, Message, Recovery } from './events.ts';
import type { CarillonOptions } from './options.ts';
import { FakeServer } from './testing/fake-server.ts';

let server: FakeServer;
const clients: Carillon[] = [];

beforeEach(async () => {
  server = await FakeServer.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.stop();
});

function client(options: CarillonOptions = {}): Carillon {
  const carillon = new Carillon(server.url, { WebSocket, backoff: { minMs: 1, maxMs: 5 }, ...options });
  carillon.on('error', () => {});
  clients.push(carillon);
  return carillon;
}

/** Everything a channel tells, in order. */
function record(channel: Channel<string>) {
  const messages: Message<string>[] = [];
  const gaps: Gap[] = [];
  const recoveries: Recovery[] = [];
  channel.on('message', (_, message) => messages.push(message));
  channel.on('gap', (gap) => gaps.push(gap));
  channel.on('recovered', (recovery) => recoveries.push(recovery));
  return { messages, gaps, recoveries, data: () => messages.map(({ data }) => data) };
}

const until = (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { timeout: 5_000, interval: 2 });
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: CarillonError) => error,
  );
/** Keeps clients away while a test changes the world. */
async function away(change: () => void): Promise<void> {
  server.accepts = false;
  server.cut();
  await until(() => server.connections.size === 0);
  change();
  server.accepts = true;
}

describe('publish and receive', () => {
  test('what one client publishes reaches another, with its offset', async () => {
    const room = client().channel<string>('room:1');
    const { messages } = record(room);
    await room.subscribe();
    expect(await client().channel('room:1').publish('hello')).toEqual({ offset: 1, epoch: 'e1' });
    await until(() => messages.length === 1);
    expect(messages).toEqual([{ channel: 'room:1', data: 'hello', offset: 1, recovered: false }]);
  });

  test('the runtime’s own WebSocket does as well', async () => {
    const carillon = new Carillon(server.url);
    clients.push(carillon);
    const { data } = record(carillon.channel<string>('a'));
    await carillon.channel('a').publish('x');
    await until(() => data().length === 1);
  });

  test('a publication waits for the subscription that was asked for before it', async () => {
    const room = client().channel<string>('a');
    const { data } = record(room);
    await room.publish('first');
    await until(() => data().length === 1);
    expect(server.received.map(({ command }) => command.op)).toEqual(['subscribe', 'publish']);
  });

  test('a listener that throws does not keep the others from hearing, and is told', async () => {
    const carillon = client();
    const errors: unknown[] = [];
    carillon.on('error', (error) => errors.push(error));
    const room = carillon.channel<string>('a');
    const fault = new Error('fault');
    room.on('message', () => {
      throw fault;
    });
    const { data } = record(room);
    await room.publish('x');
    await room.publish('y');
    await until(() => data().length === 2);
    expect(errors).toEqual([fault, fault]);
  });

  test('history is read', async () => {
    server.publish('a', 'x');
    const history = await client().channel('a').history({ limit: 10 });
    expect(history).toEqual({ publications: [{ offset: 1, data: 'x' }], epoch: 'e1', offset: 1 });
    expect(server.commands('history')).toEqual([{ id: 1, op: 'history', channel: 'a', limit: 10 }]);
  });

  test('bytes are marked', async () => {
    const room = client().channel<string>('a');
    const { messages } = record(room);
    await room.subscribe();
    for (const connection of server.connections) connection.send({ event: 'a', data: 'AA==', binary: true });
    await until(() => messages.length === 1);
    expect(messages).toEqual([{ channel: 'a', data: 'AA==', binary: true, recovered: false }]);
  });
});

describe('recovery', () => {
  test('what was missed during a cut follows, in order and once', async () => {
    const room = client().channel<string>('a');
    const { data, messages, gaps, recoveries } = record(room);
    await room.subscribe();
    server.publish('a', 'm1');
    await until(() => data().length === 1);
    await away(() => {
      server.publish('a', 'm2');
      server.publish('a', 'm3');
    });
    await until(() => data().length === 3);
    server.publish('a', 'm4');
    await until(() => data().length === 4);
    expect(data()).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(messages.map(({ recovered }) => recovered)).toEqual([false, true, true, false]);
    expect(gaps).toEqual([]);
    expect(recoveries.at(-1)).toMatchObject({ channel: 'a', since: { epoch: 'e1', offset: 1 } });
  });

  test('the server is told which session this was', async () => {
    const carillon = client({ token: 'secret' });
    const room = carillon.channel<string>('a');
    await room.subscribe();
    expect(carillon.session).toBe('s1');
    server.cut();
    await until(() => server.commands('subscribe').length === 2);
    expect(server.commands('subscribe')[1]).toMatchObject({
      since: { epoch: 'e1', offset: 0 },
      session: 's1',
    });
  });

  test('beyond the history a gap is told, then what is kept', async () => {
    server.keep = 2;
    const room = client().channel<string>('a');
    const { data, gaps } = record(room);
    await room.subscribe();
    await away(() => {
      for (let number = 1; number <= 5; number++) server.publish('a', `m${number}`);
    });
    await until(() => data().length === 2);
    expect(data()).toEqual(['m4', 'm5']);
    expect(gaps).toMatchObject([{ channel: 'a', epoch: 'e1', from: 1, reason: { code: 2023 } }]);
  });

  test('after a new epoch a gap is told, then the new stream', async () => {
    const room = client().channel<string>('a');
    const { data, gaps } = record(room);
    await room.subscribe();
    for (let number = 1; number <= 3; number++) server.publish('a', `old${number}`);
    await until(() => data().length === 3);
    await away(() => {
      server.forget('a');
      server.publish('a', 'new1');
    });
    await until(() => data().length === 4);
    server.publish('a', 'new2');
    await until(() => data().length === 5);
    expect(data().slice(3)).toEqual(['new1', 'new2']);
    expect(gaps).toMatchObject([{ epoch: 'e2', from: 1 }]);
  });

  test('a gap event of the server is told, with its numbers', async () => {
    const room = client().channel<string>('a');
    const { data, gaps } = record(room);
    await room.subscribe();
    for (const connection of server.connections) {
      connection.send(
        { event: 'a', type: 'gap', epoch: 'e1', from: 1, to: 40 },
        { event: 'a', data: 'm41', offset: 41 },
      );
    }
    await until(() => data().length === 1);
    expect(gaps).toEqual([
      { channel: 'a', epoch: 'e1', from: 1, to: 40, reason: expect.objectContaining({ code: 2025 }) },
    ]);
    expect(room.position).toEqual({ epoch: 'e1', offset: 41 });
  });

  test('a publication that the server sends twice reaches the handler once', async () => {
    const room = client().channel<string>('a');
    const { data } = record(room);
    await room.subscribe();
    for (const offset of [1, 1, 2, 1, 3, 3]) {
      for (const connection of server.connections)
        connection.send({ event: 'a', data: `m${offset}`, offset });
    }
    await until(() => data().length >= 3);
    expect(data()).toEqual(['m1', 'm2', 'm3']);
  });

  test('a cut in the midst of a replay is resumed where it stopped', async () => {
    for (let number = 1; number <= 4; number++) server.publish('a', `m${number}`);
    let replays = 0;
    server.intercept = (command, connection) => {
      if (command.op !== 'subscribe' || replays++ > 0) return false;
      const result = { channel: 'a', epoch: 'e1', offset: 4, recovered: true, recoverable: true };
      connection.send(
        { id: command.id, result },
        { event: 'a', data: 'm1', offset: 1 },
        { event: 'a', data: 'm2', offset: 2 },
      );
      connection.socket.close(3001, 'shutdown');
      return true;
    };
    const room = client().channel<string>('a');
    const { data, gaps } = record(room);
    await room.subscribe({ since: { epoch: 'e1', offset: 0 } });
    await until(() => data().length === 4);
    expect(data()).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(gaps).toEqual([]);
  });

  test('a position that was kept goes on in another client', async () => {
    const first = client().channel<string>('a');
    record(first);
    await first.publish('m1');
    await until(() => first.position?.offset === 1);
    clients[0]?.close();
    server.publish('a', 'm2');
    const second = client().channel<string>('a');
    const { data } = record(second);
    if (first.position !== undefined) await second.subscribe({ since: first.position });
    await until(() => data().length === 1);
    expect(data()).toEqual(['m2']);
  });

  test('close() and connect() recover too', async () => {
    const carillon = client();
    const room = carillon.channel<string>('a');
    const { data } = record(room);
    await room.subscribe();
    carillon.close();
    await until(() => server.connections.size === 0);
    server.publish('a', 'm1');
    carillon.connect();
    await until(() => data().length === 1);
  });
});

describe('publications and cuts', () => {
  test('a publication whose answer a cut took is sent again with its key, and is not doubled', async () => {
    const room = client().channel<string>('a');
    const { data } = record(room);
    await room.subscribe();
    server.intercept = (command, connection) => {
      if (command.op !== 'publish') return false;
      server.intercept = () => false;
      // It takes effect, and the answer is lost.
      const socket = connection.socket;
      server.answer(command, Object.assign(Object.create(connection), { send: () => socket.terminate() }));
      return true;
    };
    expect(await room.publish('once')).toEqual({ offset: 1, epoch: 'e1' });
    await until(() => data().length === 1);
    const sent = server.commands('publish');
    expect(sent).toHaveLength(2);
    expect(sent[0]?.idempotency_key).toBe(sent[1]?.idempotency_key);
    expect(server.stream('a').top).toBe(1);
  });

  test('a key of the application is used as it is, and every call without one has its own', async () => {
    const room = client().channel('a');
    await room.publish(1, { idempotencyKey: 'mine' });
    await room.publish(1);
    await room.publish(1);
    const keys = server.commands('publish').map((command) => command.idempotency_key);
    expect(keys[0]).toBe('mine');
    expect(new Set(keys).size).toBe(3);
  });

  test('what is published while there is no connection waits, up to the limit, and goes out in order', async () => {
    const room = client({ queueLimit: 3 }).channel('a');
    const waiting = [1, 2, 3].map((number) => room.publish(number));
    expect(await caught(room.publish(4))).toMatchObject({ code: 2042 });
    await Promise.all(waiting);
    expect(server.stream('a').publications.map(({ data }) => data)).toEqual([1, 2, 3]);
    await room.publish(5);
  });

  test('what waits too long is given up', async () => {
    server.intercept = ({ op }) => op === 'auth';
    const room = client({ token: 'x', queueTimeoutMs: 20 }).channel('a');
    expect(await caught(room.publish(1))).toMatchObject({ code: 2046 });
    expect(server.commands('publish')).toEqual([]);
  });

  test('an answer that does not come is a time-out, and the connection lives', async () => {
    server.intercept = ({ op }) => op === 'publish';
    const carillon = client({ timeoutMs: 200 });
    expect(await caught(carillon.channel('a').publish(1))).toMatchObject({ code: 2040 });
    expect(carillon.state).toBe('connected');
    await carillon.channel('a').history();
  });

  test('a late answer to a command that timed out is nobody’s', async () => {
    const late: (() => void)[] = [];
    server.intercept = (command, connection) => {
      if (command.op !== 'publish') return false;
      late.push(() => server.answer(command, connection));
      return true;
    };
    const carillon = client({ timeoutMs: 100 });
    const room = carillon.channel('a');
    expect(await caught(room.publish(1))).toMatchObject({ code: 2040 });
    for (const answer of late) answer();
    server.intercept = () => false;
    expect(await room.publish(2)).toMatchObject({ offset: 2 });
  });

  test('a refusal rejects with the server’s code and words', async () => {
    server.intercept = ({ id, op }, connection) => {
      if (op === 'publish') connection.send({ id, code: 403, msg: 'not now' });
      return op === 'publish';
    };
    expect(await caught(client().channel('a').publish(1))).toMatchObject({ code: 403, message: 'not now' });
  });

  test('an expired token is renewed and the publication sent again', async () => {
    let tokens = 0;
    server.intercept = ({ id, op }, connection) => {
      const expired = op === 'publish' && tokens === 1;
      if (expired) connection.send({ id, code: 109, msg: 'token expired' });
      return expired;
    };
    const room = client({ token: () => `t${++tokens}` }).channel('a');
    expect(await room.publish('x')).toEqual({ offset: 1, epoch: 'e1' });
    expect(server.commands('auth').map(({ token }) => token)).toEqual(['t1', 't2']);
  });

  test('a command larger than a frame may be is refused here, and the connection lives', async () => {
    const carillon = client({ maxFrameBytes: 1_000 });
    const room = carillon.channel('a');
    await room.publish('x'.repeat(500));
    expect(await caught(room.publish('é'.repeat(500)))).toMatchObject({ code: 2043 });
    expect(await caught(room.publish(undefined))).toMatchObject({ code: 2044 });
    expect(server.commands('publish')).toHaveLength(1);
    expect(carillon.state).toBe('connected');
  });

  test('what is changed after the call is not what is published', async () => {
    const room = client().channel('a');
    const data = { text: 'before' };
    const published = room.publish(data);
    data.text = 'after';
    await published;
    expect(server.stream('a').publications).toEqual([{ offset: 1, data: { text: 'before' } }]);
  });

  test('close() rejects what waits', async () => {
    const carillon = client();
    const waiting = caught(carillon.channel('a').publish(1));
    carillon.close();
    expect(await waiting).toMatchObject({ code: 2002 });
  });
});

describe('the end of a connection', () => {
  test('3500 without a way to a new token: it stays away, and everything says why', async () => {
    const carillon = client({ token: 'old' });
    const room = carillon.channel('a');
    await room.subscribe();
    server.intercept = () => true;
    const waiting = caught(room.publish(1));
    await until(() => server.commands('publish').length === 1);
    server.close(3500, 'invalid token');
    expect(await waiting).toMatchObject({ code: 3500, message: 'invalid token' });
    expect([carillon.state, room.state]).toEqual(['disconnected', 'subscribing']);
  });

  test('3001: it comes back and its subscriptions with it', async () => {
    const room = client().channel<string>('a');
    const { data } = record(room);
    await room.subscribe();
    server.close(3001, 'shutdown');
    await until(() => server.commands('subscribe').length === 2);
    await until(() => room.state === 'subscribed');
    server.publish('a', 'x');
    await until(() => data().length === 1);
  });

  test('advice to reconnect: it moves over without losing anything', async () => {
    const room = client().channel<string>('a');
    const { data, gaps } = record(room);
    await room.subscribe();
    for (const connection of server.connections)
      connection.send({ event: '$server', type: 'reconnect', delay: 0 });
    server.publish('a', 'm1');
    await until(() => server.commands('subscribe').length === 2);
    server.publish('a', 'm2');
    await until(() => data().length === 2);
    expect(data()).toEqual(['m1', 'm2']);
    expect(gaps).toEqual([]);
  });

  test('frames that are not the protocol: it comes back', async () => {
    const carillon = client();
    await carillon.channel('a').subscribe();
    for (const { socket } of server.connections) socket.send(Buffer.from([1, 2]));
    await until(() => server.commands('subscribe').length === 2);
  });
});
