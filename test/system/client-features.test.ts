/** What the client has beside channels, end to end: the same steps in Node.js, over each transport, and in a page of Chromium. */
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Carillon } from '@carillon/client';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBrowser } from '../support/browser.ts';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { requireOrSkip } from '../support/require-or-skip.ts';

const executablePath = requireOrSkip('chromium');
const folder = mkdtempSync(join(tmpdir(), 'carillon-hooks-'));
const hooks = `export default {
  call: ({ method, data, user }) => {
    if (method === 'sum') return data.reduce((sum, each) => sum + each, 0);
    if (method === 'whoami') return user;
    throw Object.assign(new Error('there is no ' + method), { code: 404 });
  },
};`;

const transports = ['websocket', 'sse', 'longpoll'] as const;
const names = [...transports, 'chromium'];

const secret = 'a secret of thirty-two bytes or more';
let server: RunningCarillon;

/** A ticket for one channel, good for so many seconds. */
function ticket(channel: string, seconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + seconds;
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ channels: [channel], exp })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

beforeAll(async () => {
  writeFileSync(join(folder, 'hooks.mjs'), hooks);
  const users = names.flatMap((name) => [`ann-${name}`, `bob-${name}`]);
  server = await startCarillon({
    config: {
      api: { keys: ['api-key'] },
      auth: {
        jwt: { secret, leeway: '0s' },
        tokens: Object.fromEntries(users.map((user) => [`token-${user}`, { user }])),
      },
      hooks: join(folder, 'hooks.mjs'),
      channels: {
        'user:{uid}': { subscribe: 'owner', inbox: true, history: { size: 100, ttl: '1h' } },
        'vip:*': { subscribe: 'token', history: { size: 100, ttl: '1h' } },
        'room:*': { subscribe: 'user', presence: true },
      },
    },
  });
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Client = Carillon;
type ClientClass = typeof Carillon;
type Transport = (typeof transports)[number];

interface Outcome {
  readonly calls: readonly unknown[];
  readonly sent: readonly unknown[];
  readonly errors: readonly unknown[];
  readonly unread: unknown;
  readonly inbox: readonly unknown[];
  readonly presence: readonly unknown[];
}

/** Runs in a page too, so it knows nothing but its arguments. */
async function steps(Client: ClientClass, url: string, transport: Transport, name: string): Promise<Outcome> {
  const clients: Client[] = [];
  const open = (user: string, device: string): Client => {
    const backoff = { minMs: 1, maxMs: 9 };
    const options = { token: `token-${user}-${name}`, device, transports: [transport], backoff };
    const client = new Client(url, options);
    clients.push(client);
    return client;
  };
  const api = async (method: string, params: object): Promise<Record<string, unknown>> => {
    const headers = { 'content-type': 'application/json', 'x-api-key': 'api-key' };
    const body = JSON.stringify(params);
    const response = await fetch(`${url}/v1/${method}`, { method: 'POST', headers, body });
    return ((await response.json()) as { readonly result: Record<string, unknown> }).result;
  };
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 2_000 && !holds(); turn++) await new Promise((go) => setTimeout(go, 5));
    if (!holds()) throw new Error(`not so in the end: ${holds}`);
  };
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 0,
      (error: { readonly code: number }) => error.code,
    );

  const phone = open('ann', 'phone');
  const errors: unknown[] = [];
  phone.on('error', (error) => errors.push((error as { readonly code: number }).code));
  const calls = [
    await phone.call('sum', [1, 2, 3]),
    await phone.call('whoami'),
    await code(phone.call('unknown')),
  ];

  const sent: unknown[] = [];
  phone.on('message', (data, { event }) => sent.push([event, data]));
  phone.on('subscribed', (given) => phone.channel(given).on('message', (data) => sent.push([given, data])));
  await api('send', { to: { session: phone.session }, data: 'direct' });
  await api('subscribe', { session: phone.session, channel: `secret:${name}` });
  await api('publish', { channel: `secret:${name}`, data: 'by the server side' });
  await until(() => sent.length === 2);

  const inbox: unknown[] = [];
  for (const data of ['a', 'b', 'c']) await api('inbox_push', { user: `ann-${name}`, data });
  const mine = phone.channel('@user');
  mine.on('message', (data) => inbox.push(data));
  mine.on('ack', ({ device, unread }) => inbox.push(`${device}: ${unread}`));
  const { unread } = await mine.subscribe();
  await until(() => inbox.length === 3);
  await mine.ack((mine.position?.offset ?? 0) - 1);
  phone.close();
  const laptop = open('ann', 'laptop').channel('@user');
  await laptop.subscribe();
  await until(() => laptop.position?.offset === 3);
  phone.connect();
  await until(() => mine.state === 'subscribed');
  await laptop.ack();
  await until(() => inbox.length === 4);
  const again = open('ann', 'phone').channel('@user');
  again.on('message', (data) => inbox.push(`again ${data}`));
  await again.subscribe();
  await until(() => inbox.length === 5);

  const presence: string[] = [];
  const room = phone.channel(`room:${name}`);
  room.watchMembers((members) => presence.push(members.map(({ user }) => user?.slice(0, 3)).join(' ')));
  await room.subscribe();
  await until(() => presence.length === 1);
  const bob = open('bob', 'phone');
  await bob.channel(`room:${name}`).subscribe();
  await until(() => presence.length === 2);
  await bob.channel(`room:${name}`).unsubscribe();
  await until(() => presence.length === 3);

  for (const client of clients) client.close();
  return { calls, sent, errors, unread, inbox, presence };
}

const expected = (name: string): Outcome => ({
  calls: [6, `ann-${name}`, 404],
  sent: [
    ['message', 'direct'],
    [`secret:${name}`, 'by the server side'],
  ],
  // Coming back, the client may not subscribe by itself to what the server side had subscribed it to.
  errors: [102],
  unread: 3,
  inbox: ['a', 'b', 'c', 'laptop: 0', 'again c'],
  presence: ['ann', 'ann bob', 'ann'],
});

describe('calls, what the server side sends, an inbox, and who is there', () => {
  test.each(transports)('in Node.js over %s', async (transport) => {
    expect(await steps(Carillon, server.url, transport, transport)).toEqual(expected(transport));
  });

  test.each(transports)(
    'ACC17: a channel’s own token, fetched anew when it expires, over %s',
    async (transport) => {
      const name = `vip:${transport}`;
      const publish = (data: unknown): Promise<unknown> =>
        fetch(`${server.url}/v1/publish`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': 'api-key' },
          body: JSON.stringify({ channel: name, data }),
        });
      const carillon = new Carillon(server.url, { token: `token-ann-${transport}`, transports: [transport] });
      const room = carillon.channel(name);
      const heard: unknown[] = [];
      const states: unknown[] = [];
      const gaps: unknown[] = [];
      let asked = 0;
      const token = async (): Promise<string> => {
        asked += 1;
        // What is published while there is no subscription.
        if (asked > 1) await publish('meanwhile');
        return ticket(name, asked === 1 ? 2 : 600);
      };
      room.on('message', (data) => heard.push(data));
      room.on('gap', (gap) => gaps.push(gap));
      room.on('state', ({ state, reason }) => states.push(`${state} ${reason.code}`));
      await room.subscribe({ token });
      await publish('before');
      await expect.poll(() => heard, { timeout: 10_000 }).toEqual(['before', 'meanwhile']);
      await publish('after');
      await expect.poll(() => heard).toEqual(['before', 'meanwhile', 'after']);
      expect(states).toEqual(['subscribed 2021', 'subscribing 109', 'subscribed 2021']);
      expect([asked, gaps]).toEqual([2, []]);
      carillon.close();
    },
  );

  describe.skipIf(executablePath === undefined)('in Chromium', () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await startBrowser(executablePath);
    });

    afterAll(() => browser?.close());

    test('in a page', async () => {
      const { outputFiles } = await build({
        stdin: {
          contents: "import { Carillon } from '@carillon/client'; globalThis.Carillon = Carillon;",
          resolveDir: import.meta.dirname,
        },
        bundle: true,
        write: false,
        format: 'iife',
        conditions: ['carillon-source'],
      });
      const page = await browser.newPage();
      // A page that the server itself sent: Chromium lets no other connect to this machine.
      await page.goto(`${server.url}/healthz`);
      await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
      const outcome = await page.evaluate(
        `(${steps})(globalThis.Carillon, location.origin, 'websocket', 'chromium')`,
      );
      expect(outcome).toEqual(expected('chromium'));
    });
  });
});
