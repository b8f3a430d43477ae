import { afterEach, beforeEach, expect, test } from 'vitest';
import { Backend } from '../../testing/backend.ts';
import { type HttpHost, startHttp } from '../../testing/http-host.ts';
import { RememberingLog } from '../../testing/remembering-log.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Webhooks } from '../../webhooks/webhooks.ts';
import { webhookMethods } from './webhooks.ts';

let backend: Backend;
let webhooks: Webhooks;
let host: HttpHost;
const clock = new VirtualClock(Date.UTC(2026, 0, 1));

beforeEach(async () => {
  backend = await Backend.start((res) => void res.writeHead(400).end());
  const options = {
    url: `${backend.url}hook?key=secret`,
    events: ['userOnline'] as const,
    secrets: ['s'],
    batch: { size: 1, waitMs: 0 },
    timeoutMs: 1_000,
    headers: {},
    retries: { times: 1, firstMs: 1, longestMs: 1 },
  };
  const bounds = { queueEvents: 10, queueBytes: 10_000 };
  let ids = 0;
  const newId = (): string => `id-${++ids}`;
  webhooks = new Webhooks([options], { clock, log: new RememberingLog(), newId, ...bounds });
  host = await startHttp({ webhooks });
});
afterEach(async () => {
  await webhooks.close(0);
  await host.stop();
  await backend.stop();
});

async function call(method: string, params: object): Promise<{ status: number; body: unknown }> {
  const { status, text } = await host.api(method, params);
  return { status, body: JSON.parse(text) };
}

test('WBH5 webhooks shows each webhook and its dead letters, as openapi.json says, and no secret', async () => {
  webhooks.tell('userOnline', { user: 'ada' });
  await backend.arrived(1);
  for (let turn = 0; turn < 100_000 && webhooks.figures()[0]?.dead === 0; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const { status, body } = await call('webhooks', {});
  const time = '2026-01-01T00:00:00.000Z';
  const letter = { id: 'id-2', time, reason: 'status 400', status: 400, attempts: 1, count: 1 };
  const state = {
    ...{ webhook: 0, url: `${backend.url}hook`, events: ['userOnline'], signed: true },
    ...{ pending: 0, delivered: 0, failures: 1, dead: 1, kept: 1, forgotten: 0 },
    dead_letters: [{ ...letter, events: [{ id: 'id-1', type: 'userOnline', time, user: 'ada' }] }],
  };
  expect({ status, body }).toEqual({ status: 200, body: { result: { webhooks: [state] } } });
  const [method] = webhookMethods;
  expect(method?.result.safeParse({ webhooks: [state] }).success).toBe(true);
  expect(await call('webhooks', { limit: 0 })).toMatchObject({
    body: { result: { webhooks: [{ dead_letters: [] }] } },
  });
});

test('WBH5 webhooks_retry delivers them again', async () => {
  webhooks.tell('userOnline', { user: 'ada' });
  await backend.arrived(1);
  for (let turn = 0; turn < 100_000 && webhooks.figures()[0]?.dead === 0; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  const none = { status: 200, body: { result: { letters: 0, events: 0 } } };
  expect(await call('webhooks_retry', { ids: ['another'] })).toEqual(none);
  expect(await call('webhooks_retry', { webhook: 0 })).toMatchObject({
    body: { result: { letters: 1, events: 1 } },
  });
  await backend.arrived(2);
  expect(backend.requests[1]?.headers['webhook-id']).toBe('id-2');
});

test.each([
  ['webhooks', { limit: 101 }, "'limit' must be a whole number from 0 to 100"],
  ['webhooks', { limt: 1 }, "'limt' is not a known field; did you mean 'limit'?"],
  ['webhooks_retry', { ids: [] }, "'ids' must have at least 1 element"],
  ['webhooks_retry', { webhook: -1 }, "'webhook' must be a whole number from 0 to 15"],
  ['webhooks_retry', { webhook: 3 }, "'webhook' must be one of those that 'webhooks' lists; there are 1"],
])('%s refuses %o', async (method, params, sentence) => {
  expect(await call(method, params)).toEqual({
    status: 400,
    body: { error: { code: 107, message: `bad request: ${sentence}` } },
  });
});

test('a server without webhooks has none to show and none to retry', async () => {
  await using other = await startHttp().then((plain) => ({
    ...plain,
    [Symbol.asyncDispose]: () => plain.stop(),
  }));
  expect((await other.api('webhooks', {})).text).toBe('{"result":{"webhooks":[]}}');
  expect((await other.api('webhooks_retry', {})).text).toBe('{"result":{"letters":0,"events":0}}');
});
