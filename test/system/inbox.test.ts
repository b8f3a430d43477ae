/** Messages for a user who is away, with the real binary: delivered when he comes, again until acknowledged, and told when nobody does. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Backend } from '../../packages/server/src/testing/backend.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const key = 'key-of-the-backend';
let carillon: RunningCarillon;
let backend: Backend;
/** Each test has a user of its own. */
let user = 0;

beforeAll(async () => {
  backend = await Backend.start((res) => void res.writeHead(204).end());
  carillon = await startCarillon({
    config: {
      api: { keys: [key] },
      auth: { tokens: Object.fromEntries([1, 2, 3, 4, 5].map((uid) => [`token-${uid}`, { user: uid }])) },
      channels: {
        'user:{uid}': { subscribe: 'owner', inbox: true },
        'desk:{uid}': { subscribe: 'owner', inbox: { overdue: '1s' } },
      },
      webhooks: [{ url: backend.url, events: ['inboxOverdue'] }],
    },
  });
});
afterAll(async () => {
  await carillon?.stop();
  await backend?.stop();
});
beforeEach(() => {
  user += 1;
});

async function api(method: string, params: object): Promise<unknown> {
  const response = await fetch(`${carillon.url}/v1/${method}`, {
    method: 'POST',
    headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
  });
  const { result, error } = (await response.json()) as { result?: unknown; error?: unknown };
  expect(error).toBeUndefined();
  return result;
}

const push = (text: string): Promise<unknown> =>
  api('inbox_push', { channel: `user:${user}`, data: { text } });

/** A device of the user that has subscribed to its inbox; resolves when as much has come as is said. */
async function device(name: string, messages: number, path = '/ws'): Promise<Listener> {
  const client = await Listener.open(`${carillon.wsUrl}${path}?token=token-${user}&device=${name}`);
  client.send('{"id":1,"op":"subscribe","channel":"@user"}');
  await client.until(1 + messages);
  return client;
}

const message = (offset: number, text: string) => ({ event: '@user', data: { text }, offset });
const ack = (offset: number) => JSON.stringify({ op: 'ack', channel: '@user', offset });

describe('a user who is away', () => {
  test('INB2 INB3 gets what came meanwhile when a device comes, and the new device gets it too', async () => {
    expect(await push('first')).toMatchObject({ offset: 1, unread: 1 });
    expect(await push('second')).toMatchObject({ offset: 2, unread: 2 });
    using phone = await device('phone', 2);
    expect(phone.events).toEqual([
      { id: 1, result: expect.objectContaining({ channel: '@user', offset: 2, unread: 2 }) },
      message(1, 'first'),
      message(2, 'second'),
    ]);
    phone.send(ack(2));
    await phone.until(4);
    expect(await api('inbox_unread', { channel: `user:${user}` })).toMatchObject({
      unread: 0,
      devices: [{ device: 'phone', offset: 2, unread: 0 }],
    });
    using laptop = await device('laptop', 2);
    expect(laptop.events[0]).toMatchObject({ result: { unread: 2 } });
  });

  test('INB6 gets it again where the socket died between delivery and acknowledgement', async () => {
    await push('first');
    await push('second');
    const dying = await device('phone', 2);
    dying.send(ack(1));
    await dying.until(4);
    dying[Symbol.dispose]();
    await push('third');
    using again = await device('phone', 2);
    expect(again.events).toEqual([
      { id: 1, result: expect.objectContaining({ recovered: true, offset: 3, unread: 2 }) },
      message(2, 'second'),
      message(3, 'third'),
    ]);
    again.send(ack(3));
    await again.until(4);
    using after = await device('phone', 0);
    expect(after.events).toMatchObject([{ result: { unread: 0 } }]);
  });

  test('INB5 sees on one device what was read on another, on bare wires too', async () => {
    await push('first');
    using phone = await device('phone', 1);
    using bare = await device('old page', 1, '/message-center');
    expect(bare.got[1]).toBe('{"text":"first"}');
    phone.send(ack(1));
    await bare.until(3);
    expect(bare.events[2]).toEqual({ event: '@user', type: 'ack', device: 'phone', offset: 1, unread: 0 });
    await api('inbox_mark', { channel: `user:${user}`, all: true, offset: 1 });
    await phone.until(4);
    expect(phone.events.slice(2)).toEqual([
      { result: true },
      { event: '@user', type: 'ack', offset: 1, unread: 0 },
    ]);
  });

  test('INB8 is told to the backend when nobody acknowledges in time', async () => {
    await api('inbox_push', { channel: `desk:${user}`, data: 'nobody reads this' });
    await api('inbox_push', { channel: `desk:${user}`, data: 'nor this' });
    await backend.arrived(1);
    expect(backend.requests[0]?.body).toContain('"inboxOverdue"');
    const told = { user: String(user), channel: `desk:${user}`, offset: 1, unread: 2 };
    for (const [name, value] of Object.entries(told))
      expect(backend.requests[0]?.body).toContain(`"${name}":${JSON.stringify(value)}`);
    const metrics = await (await fetch(`${carillon.url}/metrics`)).text();
    expect(metrics).toContain('carillon_inbox_overdue_total 1');
    expect(metrics).toMatch(/^carillon_acks_total [1-9]/m);
  });
});
