import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { z } from 'zod';
import { apiKey, type HttpHost, startHttp } from '../../testing/http-host.ts';
import { until } from '../../testing/websocket-peer.ts';
import { batchMethod } from './batch.ts';
import { permissionOf } from './granted.ts';
import { meshMethods } from './mesh.ts';
import { apiMethods } from './methods.ts';
import { permissions, type Scope, scopes } from './permissions.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const methods = [...apiMethods(silent), batchMethod(new Map(), silent), ...meshMethods];

const limited = (...given: Scope[]) => ({
  key: given.join('-'),
  name: `key of ${given.join()}`,
  scopes: given,
});
const keys = [
  apiKey,
  limited('publish'),
  limited('read'),
  limited('people'),
  limited('rendezvous'),
  limited('admin'),
  limited('publish', 'people'),
  { key: 'rooms', channels: ['open:*', 'plain:one'] },
  { key: 'rooms-publish', name: 'shop', scopes: ['publish' as const], channels: ['open:*'] },
];

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp({ settings: { api: { keys } } });
});
afterAll(() => host.stop());

async function call(key: string, method: string, params: unknown): Promise<{ status: number; text: string }> {
  const body = JSON.stringify(params);
  const headers = { 'Content-Type': 'application/json', 'X-API-Key': key };
  return host.call(`/v1/${method}`, { method: 'POST', headers, body });
}

async function message(key: string, method: string, params: unknown): Promise<string> {
  const { status, text } = await call(key, method, params);
  expect([status, JSON.parse(text).error.code]).toEqual([403, 103]);
  return JSON.parse(text).error.message;
}

async function published(channel: string): Promise<unknown[]> {
  const { text } = await call(apiKey, 'history', { channel });
  return JSON.parse(text).result.publications.map(({ data }: { data: unknown }) => data);
}

describe('ACC18: the table of permissions', () => {
  test('has every method, and no others', () => {
    expect(Object.keys(permissions).toSorted()).toEqual(methods.map(({ name }) => name).toSorted());
  });

  test('asks a scope for every method but batch', () => {
    const without = Object.keys(permissions).filter((name) => permissions[name]?.scope === undefined);
    expect(without).toEqual(['batch']);
  });

  test('knows where each method names its channels', () => {
    for (const { name, params } of methods) {
      const { properties = {} } = z.toJSONSchema(params, { io: 'input' });
      const fields = ['channel', 'channels', 'to', 'pattern'].filter((field) => field in properties);
      if (name === 'mesh/publish') fields.push('c');
      // A user stands for a channel there, too.
      if (name.startsWith('inbox_')) fields.splice(0, 1, 'inbox');
      expect([name, ...fields]).toEqual(
        [name, permissions[name]?.names].filter((part) => part !== undefined),
      );
    }
  });

  test('gives what it forgot to admin alone', () => {
    expect(permissionOf('of tomorrow')).toEqual({ scope: 'admin' });
    expect(permissionOf('constructor')).toEqual({ scope: 'admin' });
  });
});

describe('ACC18: what a key may do', () => {
  test.each(methods.filter(({ name }) => name !== 'batch').map(({ name }) => name))(
    '%s: with its scope, and with no other',
    async (method) => {
      for (const scope of scopes) {
        const { status, text } = await call(scope, method, { no: 'such field' });
        if (scope === permissions[method]?.scope)
          expect([method, scope, status]).toEqual([method, scope, 400]);
        else {
          expect([method, scope, status]).toEqual([method, scope, 403]);
          expect(text).toContain(
            `the API key 'key of ${scope}' has no scope '${permissions[method]?.scope}'`,
          );
        }
      }
    },
  );

  test('a key that is text alone may do everything', async () => {
    for (const method of ['info', 'channels', 'sessions', 'groups'])
      expect((await call(apiKey, method, {})).status).toBe(200);
  });

  test('a key that is shorter, longer, or one of two is nobody', async () => {
    for (const key of ['publis', 'publishx', 'publish,read', 'publish-', 'PUBLISH'])
      expect((await call(key, 'publish', { channel: 'open:a', data: 1 })).status).toBe(401);
  });

  test('without the scope a body is not even read', async () => {
    const headers = { 'X-API-Key': 'read', 'Content-Type': 'application/json' };
    const { status } = await host.call('/v1/publish', { method: 'POST', headers, body: 'no JSON' });
    expect(status).toBe(403);
  });

  test('a key on a connection that another key opened is judged by itself', async () => {
    for (const [key, status] of [
      [apiKey, 200],
      ['read', 403],
      [apiKey, 200],
      ['publish', 200],
    ] as const)
      expect((await call(key, 'publish', { channel: 'plain:x', data: 1 })).status).toBe(status);
  });
});

describe('ACC18: a batch', () => {
  const good = { method: 'publish', params: { channel: 'open:batch', data: 'sent' } };

  test('is refused as a whole where the key lacks the scope of one request', async () => {
    const requests = [good, { method: 'send', params: { to: { all: true }, data: 1 } }, good];
    expect(await message('publish', 'batch', { requests })).toContain(
      "has no scope 'people'; add it to the key's 'scopes' in api.keys, or use another key (requests[1])",
    );
    expect(await published('open:batch')).toEqual([]);
  });

  test("is refused as a whole where one channel is not the key's", async () => {
    const other = { method: 'publish', params: { channel: 'closed:x', data: 1 } };
    expect(await message('rooms', 'batch', { requests: [good, other] })).toContain("'closed:x'");
    const many = { method: 'broadcast', params: { channels: ['open:batch', 'closed:x'], data: 1 } };
    expect(await message('rooms-publish', 'batch', { requests: [good, many] })).toContain('(requests[1])');
    expect(await published('open:batch')).toEqual([]);
  });

  test('of what the key may do is run', async () => {
    const send = { method: 'send', params: { to: { all: true }, data: 1 } };
    const { status, text } = await call('publish-people', 'batch', { requests: [good, send] });
    expect([status, JSON.parse(text).result.results.length]).toEqual([200, 2]);
    expect(await published('open:batch')).toEqual(['sent']);
  });
});

describe('ACC18: a key for some channels', () => {
  test.each<[string, unknown]>([
    ['publish', { channel: 'closed:x', data: 1 }],
    ['publish', { channel: 'closed:x', data: 1, idempotency_key: 'k' }],
    ['publish', { channel: 'open:', data: 1 }],
    ['broadcast', { channels: ['open:never', 'closed:x'], data: 1 }],
    ['mesh/publish', { c: 'closed:x', d: '1' }],
    ['history', { channel: 'closed:x' }],
    ['history_remove', { channel: 'closed:x' }],
    ['subscribe', { user: '7', channel: 'closed:x' }],
    ['unsubscribe', { user: '7', channel: 'closed:x' }],
    ['send', { to: { channel: 'closed:x' }, data: 1 }],
    ['disconnect', { to: { channel: 'closed:x' } }],
    ['sessions', { to: { channel: 'closed:x' } }],
    ['inbox_push', { user: 7, data: 1 }],
    ['inbox_push', { channel: 'inbox:7', data: 1 }],
    ['inbox_list', { user: '7' }],
    ['inbox_unread', { user: '7' }],
    ['inbox_mark', { user: '7', offset: 0 }],
    ['inbox_forget_device', { user: '7', device: 'phone' }],
  ])('%s of another channel is refused by its name', async (method, params) => {
    const { status, text } = await call('rooms', method, params);
    expect([status, text]).toEqual([403, expect.stringContaining('this API key is not for the channel')]);
    expect(await published('open:never')).toEqual([]);
  });

  test('does the same with its own', async () => {
    expect((await call('rooms', 'publish', { channel: 'open:mine', data: 1 })).status).toBe(200);
    expect((await call('rooms', 'broadcast', { channels: ['open:mine', 'plain:one'], data: 2 })).status).toBe(
      200,
    );
    expect((await call('rooms', 'history', { channel: 'open:mine' })).status).toBe(200);
    expect((await call('rooms', 'mesh/publish', { c: 'open:mine', d: 'x' })).status).toBe(200);
    expect((await call('rooms', 'send', { to: { channel: 'open:mine' }, data: 1 })).status).toBe(200);
    expect((await call('rooms', 'send', { to: { all: true }, data: 1 })).status).toBe(200);
  });

  test('lists its own channels alone', async () => {
    await call(apiKey, 'publish', { channel: 'closed:y', data: 1 });
    await call(apiKey, 'publish', { channel: 'open:listed', data: 1 });
    const listed = async (key: string) => JSON.parse((await call(key, 'channels', {})).text).result.channels;
    const names = (await listed('rooms')).map(({ channel }: { channel: string }) => channel);
    expect(names).toContain('open:listed');
    expect(names.filter((name: string) => !name.startsWith('open:'))).toEqual([]);
    expect(JSON.stringify(await listed(apiKey))).toContain('closed:y');
    const batch = await call('rooms', 'batch', {
      requests: [{ method: 'channels', params: { pattern: 'closed:*' } }],
    });
    expect(JSON.parse(batch.text).result.results).toEqual([{ result: { channels: [] } }]);
  });

  test('cannot be talked round by a member that stands twice', async () => {
    const headers = { 'X-API-Key': 'rooms', 'Content-Type': 'application/json' };
    const body = '{"channel":"open:twice","data":1,"channel":"closed:x"}';
    expect((await host.call('/v1/publish', { method: 'POST', headers, body })).status).toBe(403);
  });
});

describe('ACC18: elsewhere', () => {
  test('/pub needs the scope publish, and every channel', async () => {
    const pub = async (key: string, query: string) =>
      host.call(`/pub?${query}`, { method: 'POST', headers: { 'X-API-Key': key }, body: 'x' });
    expect((await pub('read', 'channel=open:pub')).status).toBe(403);
    expect((await pub('rooms-publish', 'channel=open:pub&channel=closed:x')).text).toContain(
      "the API key 'shop'",
    );
    expect(await published('open:pub')).toEqual([]);
    expect((await pub('rooms-publish', 'channel=open:pub')).status).toBe(200);
    expect(await published('open:pub')).toEqual(['x']);
  });

  test('/v1/ws judges each request by the key of its own handshake', async () => {
    const open = async (key: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${host.port}/v1/ws`, { headers: { 'X-API-Key': key } });
      const got: string[] = [];
      socket.on('message', (data: Buffer) => got.push(data.toString()));
      await once(socket, 'open');
      return { socket, got };
    };
    const [shop, all] = [await open('rooms-publish'), await open(apiKey)];
    for (const { socket } of [shop, all]) {
      socket.send('{"id":1,"method":"publish","params":{"channel":"open:ws","data":1}}');
      socket.send('{"id":2,"method":"publish","params":{"channel":"closed:x","data":1}}');
      socket.send('{"id":3,"method":"info"}');
      socket.send('{"i":4,"m":"mesh.publish","p":{"c":"closed:x","d":"1"}}');
    }
    await until(() => shop.got.length === 4 && all.got.length === 4);
    const refused = (got: string[]) =>
      got.filter((text) => text.includes('103')).map((text) => /"id?":(\d)/.exec(text)?.[1]);
    expect(refused(shop.got).toSorted()).toEqual(['2', '3', '4']);
    expect(refused(all.got)).toEqual([]);
    shop.socket.terminate();
    all.socket.terminate();
  });

  test('a path that is not known needs a key, and no scope', async () => {
    expect((await call('read', 'nothing', {})).status).toBe(404);
    expect((await call('nobody', 'nothing', {})).status).toBe(401);
  });

  test('metrics and probes ask for none', async () => {
    for (const path of ['/metrics', '/healthz']) expect((await host.call(path)).status).toBe(200);
  });
});

describe('ACC19: requests with one key', () => {
  let limitedHost: HttpHost;
  beforeAll(async () => {
    const settings = {
      api: { keys: ['one', { key: 'two', name: 'shop', scopes: ['publish' as const] }] },
      rates: { requestsPerKey: { count: 4, perMs: 60_000 } },
    };
    limitedHost = await startHttp({ settings });
  });
  afterAll(() => limitedHost.stop());

  const publish = { method: 'publish', params: { channel: 'open:rate', data: 1 } };

  function post(path: string, key: string, body: object | string = publish.params) {
    const headers = { 'Content-Type': 'application/json', 'X-API-Key': key };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return limitedHost.call(path, { method: 'POST', headers, body: text });
  }

  test('are 429 past the rate, and say when to come back; another key goes on', async () => {
    for (let count = 0; count < 4; count++) expect((await post('/v1/publish', 'one')).status).toBe(200);
    const { status, headers, text } = await post('/v1/publish', 'one');
    expect([status, headers['retry-after'], JSON.parse(text).error]).toEqual([
      429,
      '15',
      {
        code: 111,
        message: 'too many requests: at most 4 requests with this API key in 60 s; try again in 15 s',
      },
    ]);
    expect((await post('/pub?channel=open:rate', 'one')).status).toBe(429);
    expect((await post('/v1/publish', 'two')).status).toBe(200);
    limitedHost.clock.advance(15_000);
    expect((await post('/pub?channel=open:rate', 'one')).status).toBe(200);
    expect((await post('/v1/publish', 'one')).status).toBe(429);
  });

  test('are as many as a batch has, and a batch beyond does nothing', async () => {
    limitedHost.clock.advance(600_000);
    expect((await post('/v1/batch', 'two', { requests: Array(5).fill(publish) })).status).toBe(429);
    limitedHost.clock.advance(600_000);
    const before = (await limitedHost.node.history('open:rate', {})).top;
    expect((await post('/v1/batch', 'two', { requests: Array(3).fill(publish) })).status).toBe(200);
    const { status, text } = await post('/v1/batch', 'two', { requests: [publish, publish] });
    expect([status, text]).toEqual([429, expect.stringContaining("with the API key 'shop'")]);
    expect((await limitedHost.node.history('open:rate', {})).top).toBe(before + 3);
  });

  test('on /v1/ws count with the others', async () => {
    limitedHost.clock.advance(600_000);
    const options = { headers: { 'X-API-Key': 'one' } };
    const socket = new WebSocket(`ws://127.0.0.1:${limitedHost.port}/v1/ws`, options);
    const got: string[] = [];
    socket.on('message', (data: Buffer) => got.push(data.toString()));
    await once(socket, 'open');
    for (let count = 0; count < 5; count++) socket.send(JSON.stringify(publish));
    await until(() => got.length === 5);
    expect(got.map((text) => text.includes('"code":111'))).toEqual([false, false, false, false, true]);
    socket.terminate();
  });
});
