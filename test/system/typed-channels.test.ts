/** The example of typed channels, run as its README says: one config for the server, the client and the compiler. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';

const folder = fileURLToPath(new URL('../../examples/typed/', import.meta.url));
const key = 'key-of-this-test';
const chat = { name: 'Ada', text: 'hello' };
const tooShort = "'data.name': Too small";

let carillon: RunningCarillon;
let channels = 0;

beforeAll(async () => {
  carillon = await startCarillon({
    args: ['--config', `${folder}carillon.config.ts`],
    env: { CARILLON_API_KEY: key },
  });
});
afterAll(() => carillon?.stop());

async function post(path: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const response = await fetch(`${carillon.url}${path}`, { method: 'POST', headers, body });
  return { status: response.status, text: await response.text() };
}

function api(method: string, params: object) {
  return post(`/v1/${method}`, JSON.stringify(params));
}

async function kept(channel: string): Promise<unknown[]> {
  const { result } = JSON.parse((await api('history', { channel })).text) as {
    readonly result: { readonly publications: readonly { readonly data: unknown }[] };
  };
  return result.publications.map(({ data }) => data);
}

/** A WebSocket that is open. */
async function open(path: string): Promise<WebSocket> {
  const socket = new WebSocket(carillon.wsUrl + path);
  await once(socket, 'open');
  return socket;
}

function room(): string {
  channels += 1;
  return `room:${channels}`;
}

describe('every door checks', () => {
  test('publish and batch of the server API', async () => {
    const channel = room();
    const refused = await api('publish', { channel, data: { ...chat, name: '' } });
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining(tooShort) });
    const { text } = await api('batch', {
      requests: [
        { method: 'publish', params: { channel, data: chat } },
        { method: 'publish', params: { channel, data: 1 } },
      ],
    });
    expect(text).toContain("'data': Invalid input");
    expect(await kept(channel)).toEqual([chat]);
  });

  test('broadcast, where each channel has a schema of its own', async () => {
    const channel = room();
    const { status, text } = await api('broadcast', { channels: [channel, 'price:BELL'], data: chat });
    const { result } = JSON.parse(text) as { readonly result: { readonly results: readonly object[] } };
    expect(status).toBe(200);
    expect(result.results).toEqual([
      { channel, offset: 1, epoch: expect.any(String) },
      { channel: 'price:BELL', error: { code: 107, message: expect.stringContaining("'data.cents'") } },
    ]);
    expect(await kept('price:BELL')).toEqual([]);
  });

  test('/pub, and connmix publishing with bytes', async () => {
    const channel = room();
    expect(await post(`/pub?channel=${channel}`, 'just text')).toMatchObject({ status: 400 });
    expect(await post(`/pub?channel=${channel}`, JSON.stringify(chat))).toMatchObject({ status: 200 });
    const bytes = await api('mesh/publish', { c: channel, d: 'AAAA', t: 'binary' });
    expect(bytes).toMatchObject({ status: 400, text: expect.stringContaining('no bytes') });
    expect(await kept(channel)).toEqual([chat]);
  });

  test('a client that publishes in the native protocol, which stays connected', async () => {
    const socket = await open('/ws');
    const channel = room();
    socket.send(JSON.stringify({ id: 1, op: 'publish', channel, data: { name: 'Ada', text: 7 } }));
    const [first] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(String(first))).toEqual({
      id: 1,
      code: 107,
      msg: "bad request: 'data.text': Invalid input: expected string, received number",
    });
    socket.send(
      `{"id":2,"op":"publish","channel":"${channel}","data":{"text":"a", "name":"b", "big":12345678901234567890}}`,
    );
    const [second] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(String(second))).toMatchObject({ id: 2, result: { offset: 1 } });
    socket.terminate();
    // As it was sent: order, unknown members, and digits that JSON.parse would lose.
    expect((await api('history', { channel })).text).toContain(
      '{"text":"a","name":"b","big":12345678901234567890}',
    );
  });

  test.each([
    ['text', 'just text'],
    ['bytes', Buffer.from([1, 2, 3])],
  ])('a simple subscriber that sends %s, which is closed because it cannot be answered', async (_, frame) => {
    const channel = room();
    const socket = await open(`/sub?channel=${channel}`);
    socket.send(frame);
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(3501);
    expect(await kept(channel)).toEqual([]);
  });
});

describe('the example', () => {
  test('prints what its README says', async () => {
    const args = ['--conditions=carillon-source', '--disable-warning=ExperimentalWarning', 'chat.ts'];
    const env = { ...process.env, CARILLON_URL: carillon.url };
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
    expect(stdout.trim().split('\n')).toEqual([
      'Ada: hello',
      "107 bad request: 'data.name': Too small: expected string to have >=1 characters",
    ]);
  });

  test('is shown with its schemas by carillon check', async () => {
    const bin = fileURLToPath(new URL('../../packages/server/bin/carillon.js', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [bin, 'check'], { cwd: folder });
    expect(stdout).toContain('a schema of zod');
  });
});
