/** Webhooks with the real binary: what happens to clients arrives at a backend, in order, signed, and as long as it takes. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Backend, type BackendRequest } from '../../packages/server/src/testing/backend.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const key = 'a-key-of-some-length';
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

let folder: string;
let backend: Backend;
let carillon: RunningCarillon | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-webhooks-'));
  backend = await Backend.start((res) => void res.writeHead(204).end());
});
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
});

function configWith(webhooks: readonly object[]): object {
  return {
    api: { keys: [key] },
    auth: { tokens: { ann: { user: '7', tags: { vip: true } } } },
    channels: { '*': { subscribe: 'user', publish: 'user' } },
    presence: { grace: '100ms' },
    webhooks,
  };
}

async function start(...webhooks: readonly object[]): Promise<RunningCarillon> {
  const file = join(folder, 'carillon.config.json');
  writeFileSync(file, JSON.stringify(configWith(webhooks)));
  carillon = await startCarillon({ args: ['--config', file] });
  return carillon;
}

interface Event {
  readonly id: string;
  readonly type: string;
  readonly user?: string;
  readonly channel?: string;
}

function eventsOf(requests: readonly BackendRequest[]): Event[] {
  return requests.flatMap(({ body }) => (JSON.parse(body) as { events: Event[] }).events);
}

/** Waits until the backend has got so many events. */
async function events(count: number): Promise<Event[]> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const got = eventsOf(backend.requests);
    if (got.length >= count) return got;
    await sleep(50);
  }
  throw new Error(`only these events came: ${JSON.stringify(eventsOf(backend.requests))}`);
}

async function call(method: string, params: object = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${carillon?.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-API-Key': key },
    body: JSON.stringify(params),
  });
  const { result } = (await response.json()) as { result: Record<string, unknown> };
  return result;
}

/** A client that comes, listens, and goes. */
async function visit(wsUrl: string, channel = 'room'): Promise<void> {
  const client = await Listener.open(`${wsUrl}/ws?token=ann`);
  client.send(JSON.stringify({ op: 'subscribe', channel }));
  await client.until(1);
  client[Symbol.dispose]();
  await client.closed;
}

test('WBH1 WBH3 a visit is told from its beginning to its end, in order and signed', async () => {
  const { wsUrl } = await start({ url: backend.url, secret, batch: { wait: '10ms' } });
  await visit(wsUrl);
  const got = await events(6);
  expect(got.map(({ type }) => type).slice(0, 4)).toEqual([
    'userOnline',
    'connect',
    'channelOccupied',
    'disconnect',
  ]);
  expect(
    got
      .map(({ type }) => type)
      .slice(4)
      .toSorted(),
  ).toEqual(['channelVacated', 'userOffline']);
  expect(got.find(({ type }) => type === 'connect')).toMatchObject({
    user: '7',
    tags: { vip: true },
    address: '127.0.0.1',
  });
  expect(new Set(got.map(({ id }) => id)).size).toBe(6);
  for (const { headers, body } of backend.requests) {
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(signed)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${mac}`);
  }
});

test('WBH4 a backend that is down gets everything when it is back, in order', async () => {
  const { port } = backend;
  await backend.stop();
  const { wsUrl } = await start({
    url: `http://127.0.0.1:${port}/hook`,
    events: ['channelOccupied'],
    batch: { wait: '0s', size: 2 },
    retries: { first: '50ms', longest: '200ms', times: 1_000 },
  });
  for (let n = 0; n < 5; n += 1) await visit(wsUrl, `room:${n}`);
  const { webhooks } = (await call('webhooks')) as { webhooks: readonly Record<string, unknown>[] };
  expect(webhooks).toMatchObject([
    { url: `http://127.0.0.1:${port}/hook`, pending: 5, failing: { reason: 'ECONNREFUSED' } },
  ]);
  backend = await Backend.start((res) => void res.writeHead(200).end(), port);
  const got = await events(5);
  expect(got.map(({ channel }) => channel)).toEqual([0, 1, 2, 3, 4].map((n) => `room:${n}`));
  expect(backend.mostAtOnce).toBe(1);
});

test('WBH5 what the backend refuses can be looked at and delivered again', async () => {
  backend.answer = (res) => void res.writeHead(410).end();
  const { wsUrl, url } = await start({ url: backend.url, events: ['userOnline'], batch: { wait: '0s' } });
  await visit(wsUrl);
  await backend.arrived(1);
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if ((await (await fetch(`${url}/metrics`)).text()).match(/webhook_dead_events_total\{[^}]*\} 1/)) break;
    await sleep(50);
  }
  expect(await call('webhooks')).toMatchObject({
    webhooks: [
      { dead: 1, kept: 1, dead_letters: [{ status: 410, events: [{ type: 'userOnline', user: '7' }] }] },
    ],
  });
  backend.answer = (res) => void res.writeHead(200).end();
  expect(await call('webhooks_retry')).toEqual({ letters: 1, events: 1 });
  await backend.arrived(2);
  expect(backend.requests[1]?.body).toBe(backend.requests[0]?.body);
});

test('WBH7 at the end of the server the last events are delivered before it is gone', async () => {
  const { wsUrl } = await start({ url: backend.url, events: ['disconnect'], batch: { wait: '1m' } });
  const client = await Listener.open(`${wsUrl}/ws?token=ann`);
  client.send('{"op":"ping"}');
  await client.until(1);
  expect(await carillon?.stop()).toBe(0);
  expect(eventsOf(backend.requests)).toMatchObject([{ type: 'disconnect', user: '7' }]);
  expect(carillon?.stderr).not.toContain('before everything was delivered');
});

test('WBH8 webhooks come and go with a reload', async () => {
  const { wsUrl } = await start();
  await visit(wsUrl);
  const file = join(folder, 'carillon.config.json');
  writeFileSync(
    file,
    JSON.stringify(configWith([{ url: backend.url, events: ['channelOccupied'], batch: { wait: '0s' } }])),
  );
  expect(await call('reload')).toEqual({ changed: ['webhooks[0]'], restart: [] });
  await visit(wsUrl, 'another');
  expect(await events(1)).toMatchObject([{ type: 'channelOccupied', channel: 'another' }]);
  writeFileSync(file, JSON.stringify(configWith([])));
  expect(await call('reload')).toEqual({ changed: ['webhooks[0]'], restart: [] });
  await visit(wsUrl, 'third');
  expect(await call('webhooks')).toEqual({ webhooks: [] });
  expect(backend.requests).toHaveLength(1);
});
