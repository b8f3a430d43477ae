/** Presence as clients of the real server see it: on every transport, with sockets that break. */
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Carillon, type Channel, type Member, type TransportName } from '@carillon/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

let server: RunningCarillon;
let backend: Server;
/** What the webhook was told: `channelOccupied room:1`. */
const told: string[] = [];
const cleanUp: (() => unknown)[] = [];
const headers = { 'X-API-Key': 'key', 'Content-Type': 'application/json' };

beforeAll(async () => {
  backend = createServer(async (req, res) => {
    let body = '';
    for await (const part of req) body += String(part);
    const { events } = JSON.parse(body) as { readonly events: readonly Record<string, string>[] };
    for (const { type, channel, user } of events) told.push(`${type} ${channel ?? user}`);
    res.end();
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const names = ['ann', 'bob', 'cat', 'dan', 'eve'];
  server = await startCarillon({
    config: {
      api: { keys: ['key'] },
      auth: { tokens: Object.fromEntries(names.map((name) => [name, { user: name, info: { name } }])) },
      channels: {
        'room:*': { subscribe: 'user', presence: true, history: { size: 100, ttl: '10m' } },
        'list:*': { subscribe: 'user', presence: { announce: false } },
        plain: { subscribe: 'user' },
      },
      presence: { grace: '2s' },
      webhooks: [
        {
          url: `http://127.0.0.1:${(backend.address() as AddressInfo).port}/`,
          events: ['channelOccupied', 'channelVacated', 'userOnline', 'userOffline'],
          batch: { wait: '10ms' },
        },
      ],
    },
  });
});

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

afterAll(async () => {
  await server?.stop();
  backend?.close();
});

const until = (condition: () => unknown) =>
  vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 20_000, interval: 20 });

function client(token: string, transport: TransportName = 'websocket'): Carillon {
  const carillon = new Carillon(server.url, {
    token,
    transports: [transport],
    backoff: { minMs: 1, maxMs: 20 },
  });
  cleanUp.push(() => carillon.close());
  return carillon;
}

/** Subscribes, and keeps what it hears: `+bob`, `-bob`. */
async function follow(channel: Channel): Promise<string[]> {
  const heard: string[] = [];
  channel.on('join', ({ user }) => heard.push(`+${user}`));
  channel.on('leave', ({ user }) => heard.push(`-${user}`));
  await channel.subscribe();
  return heard;
}

function users(members: readonly Member[]): string[] {
  return members.map(({ user }) => user ?? '-').toSorted();
}

/** A client without the SDK, whose socket can be broken. */
async function enter(channel: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.wsUrl}/ws?token=${token}`);
  cleanUp.push(() => socket.terminate());
  await once(socket, 'open');
  socket.send(JSON.stringify({ op: 'subscribe', channel }));
  await once(socket, 'message');
  return socket;
}

async function api(method: string, body: object): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(`${server.url}/v1/${method}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

describe('a channel with presence', () => {
  const transports: readonly TransportName[] = ['websocket', 'sse', 'longpoll'];

  test.each(transports)('PRE1 PRE5 lists and announces who is there over %s', async (transport) => {
    const name = `room:${transport}`;
    const room = client('ann').channel(name);
    const heard = await follow(room);
    const bob = client('bob', transport);
    const bobs = bob.channel(name);
    const bobHeard = await follow(bobs);
    expect(bob.transport).toBe(transport);
    await until(() => heard.includes('+bob'));
    expect(await bobs.presence()).toEqual([
      { session: expect.any(String), user: 'ann', info: { name: 'ann' } },
      { session: bob.session, user: 'bob', info: { name: 'bob' } },
    ]);
    expect(await bobs.presenceStats()).toEqual({ sessions: 2, users: 2 });
    await enter(name, 'cat');
    await until(() => bobHeard.includes('+cat'));
    await bobs.unsubscribe();
    await until(() => heard.includes('-bob'));
    expect(users(await room.presence())).toEqual(['ann', 'cat']);
    expect(heard).toEqual(['+bob', '+cat', '-bob']);
    expect(bobHeard).toEqual(['+cat']);
  });

  test.each(transports)(
    'PRE6 a client over %s that is gone is out of the list, and told later',
    async (transport) => {
      const name = `room:gone-${transport}`;
      const room = client('ann').channel(name);
      const heard = await follow(room);
      const bob = client('bob', transport);
      await follow(bob.channel(name));
      await until(() => heard.length === 1);
      bob.close();
      await until(async () => (await room.presence()).length === 1);
      expect(heard).toEqual(['+bob']);
      await until(() => heard.length === 2);
      expect(heard).toEqual(['+bob', '-bob']);
    },
  );

  test('PRE6 PRE7 a socket that is killed leaves, one whose user is back does not', async () => {
    const room = client('ann').channel('room:killed');
    const heard = await follow(room);
    const bob = await enter('room:killed', 'bob');
    await until(() => heard.length === 1);
    bob.terminate();
    await until(async () => (await room.presence()).length === 1);
    // The question that was just answered makes its return known.
    const again = await enter('room:killed', 'bob');
    await until(() => heard.length === 3);
    again.terminate();
    await once(again, 'close');
    const third = await enter('room:killed', 'bob');
    const cat = await enter('room:killed', 'cat');
    cat.terminate();
    await until(() => heard.at(-1) === '-cat');
    expect(heard).toEqual(['+bob', '-bob', '+bob', '+cat', '-cat']);
    expect(users(await room.presence())).toEqual(['ann', 'bob']);
    third.terminate();
    await until(() => heard.at(-1) === '-bob');
  });

  test('PRE1 a client of /sub is a member while its stream is open', async () => {
    const room = client('ann').channel('room:feeds');
    const heard = await follow(room);
    const request = get(`${server.url}/sub?channel=room:feeds&token=dan`, {
      headers: { Accept: 'text/event-stream' },
    });
    const [stream] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    stream.on('error', () => {});
    await until(() => heard.length === 1);
    await enter('room:feeds', 'bob');
    await api('publish', { channel: 'room:feeds', data: 'hello' });
    await until(() => text.includes('hello'));
    expect(text).not.toContain('join');
    expect(users(await room.presence())).toEqual(['ann', 'bob', 'dan']);
    request.destroy();
    await until(async () => users(await room.presence()).join() === 'ann,bob');
    await until(() => heard.includes('-dan'));
    expect(heard).toEqual(['+dan', '+bob', '-dan']);
  });

  test('PRE4 the server side may ask, and is refused where there is no presence', async () => {
    const bob = client('bob');
    await bob.channel('list:1').subscribe();
    const member = { session: bob.session, user: 'bob', info: { name: 'bob' } };
    expect(await api('presence', { channel: 'list:1' })).toEqual({
      status: 200,
      answer: { result: { members: [member] } },
    });
    expect(await api('presence_stats', { channel: 'list:1' })).toEqual({
      status: 200,
      answer: { result: { sessions: 1, users: 1 } },
    });
    expect(await api('presence', { channel: 'plain' })).toMatchObject({
      status: 503,
      answer: { error: { code: 108 } },
    });
    await expect(bob.channel('plain').presence()).rejects.toMatchObject({ code: 108 });
    await expect(bob.channel('unknown').presence()).rejects.toMatchObject({ code: 102 });
  });

  test('PRE12 channels and users that come and go are told', async () => {
    told.length = 0;
    const eve = await enter('plain', 'eve');
    await until(() => told.includes('channelOccupied plain'));
    eve.terminate();
    await once(eve, 'close');
    const again = await enter('plain', 'eve');
    const bob = await enter('list:2', 'bob');
    bob.terminate();
    await until(() => told.includes('channelVacated list:2') && told.includes('userOffline bob'));
    again.terminate();
    await until(() => told.includes('channelVacated plain') && told.includes('userOffline eve'));
    expect(told.filter((line) => /plain|eve/.test(line)).toSorted()).toEqual([
      'channelOccupied plain',
      'channelVacated plain',
      'userOffline eve',
      'userOnline eve',
    ]);
  });
});
