/** Who a client is, with the real binary: a backend that is asked, tokens that prove themselves, and what happens when either fails. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Answer, Backend, json } from '../../packages/server/src/testing/backend.ts';
import {
  carillonBin,
  freePort,
  plainEnvironment,
  type RunningCarillon,
  startCarillon,
} from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';

const run = promisify(execFile);
const secret = 'a secret of thirty-two bytes, no less';
const ok = '{"result":true}';

let backend: Backend;
let carillon: RunningCarillon;
let apiPort: number;

/** The backend of the site: the token `***` is the user 1001. */
const site: Answer = (res, { body }) => {
  const { token } = JSON.parse(body) as { readonly token: string };
  if (token === 'hang') return;
  if (token === 'crash') res.writeHead(500).end();
  else if (token === 'short') json({ uid: 1001, expires: 2 })(res, { method: 'POST', headers: {}, body });
  else if (token === '***') res.end('{"uid":1001}');
  else res.writeHead(401).end();
};

beforeAll(async () => {
  backend = await Backend.start(site);
  apiPort = await freePort();
  carillon = await startCarillon({
    // Without a key for the API, as the dialogue has it, and with logins that count.
    args: ['--dev'],
    config: {
      api: { listen: `127.0.0.1:${apiPort}` },
      auth: {
        anonymous: false,
        jwt: { secret },
        callback: { url: `${backend.url}websocket_auth`, timeout: '500ms' },
        cookie: 'token',
      },
      channels: { 'user:{uid}': { subscribe: 'owner', history: { size: 10, ttl: '1m' } } },
    },
  });
});
afterAll(async () => {
  await carillon?.stop();
  await backend?.stop();
});

function mint(...args: readonly string[]): Promise<string> {
  const env = { ...plainEnvironment(), CARILLON_AUTH_JWT_SECRET: secret };
  return run(process.execPath, [carillonBin, 'token', ...args], { env }).then(({ stdout }) => stdout.trim());
}

async function answers(frames: readonly string[], path = '/ws'): Promise<readonly unknown[]> {
  using client = await Listener.open(carillon.wsUrl + path);
  for (const frame of frames) client.send(frame);
  return [...(await client.until(frames.length))];
}

function auth(token: string): string {
  return JSON.stringify({ op: 'auth', token });
}

describe('the message center', () => {
  test('speaks the dialogue byte for byte', async () => {
    using client = await Listener.open(`${carillon.wsUrl}/message-center`);
    const says = async (frame: string): Promise<unknown> => {
      const before = client.got.length;
      client.send(frame);
      return (await client.until(before + 1)).at(-1);
    };
    expect(await says('{"op":"subscribe","channel":"@user"}')).toBe('{"code":1,"msg":"Not Auth"}');
    expect(await says('{"op":"unsubscribe","channel":"@user"}')).toBe('{"code":1,"msg":"Not Auth"}');
    expect(await says('{"op":"auth","token":"***"}')).toBe(ok);
    expect(await says('{"op":"subscribe","channel":"@user"}')).toBe(ok);
    const sent = '{"event":"@user","data":{"uid":1001,"msg":"Hello,World!"}}';
    const { stdout } = await run('curl', [
      ...['--silent', '--request', 'POST', `http://127.0.0.1:${apiPort}/v1/mesh/publish`],
      ...['--header', 'Content-Type: application/json'],
      ...['--data-raw', `{\n"c": "user:1001",\n"d": ${JSON.stringify(sent)}\n}`],
    ]);
    expect(stdout).toBe('{"E":null,"r":{"s":1,"f":0}}');
    expect((await client.until(5)).at(-1)).toBe(sent);
    expect(await says('{"op":"unsubscribe","channel":"@user"}')).toBe(ok);
    expect(backend.requests.map(({ body }) => body)).toEqual(['{"token":"***"}']);
  });
});

describe('a backend that', () => {
  test('does not know a token: 101, and the connection lives', async () => {
    const frames = [auth('wrong'), auth('***'), '{"op":"subscribe","channel":"@user"}'];
    expect(await answers(frames)).toEqual(['{"code":101,"msg":"unauthorized"}', ok, ok]);
  });

  test('is slow, or fails: 108, and the connection lives', async () => {
    const refused = '{"code":108,"msg":"not available: the token cannot be checked now; try again later"}';
    expect(await answers([auth('hang'), auth('crash'), auth('***')])).toEqual([refused, refused, ok]);
  });

  test('hangs with hundreds of logins is asked a bounded number of times, and all are answered', async () => {
    const clients = await Promise.all(
      Array.from({ length: 200 }, () => Listener.open(`${carillon.wsUrl}/ws`)),
    );
    const before = backend.requests.length;
    backend.mostAtOnce = 0;
    backend.answer = () => {};
    for (const [index, client] of clients.entries()) client.send(auth(`t${index}`));
    const got = await Promise.all(clients.map((client) => client.until(1)));
    backend.answer = site;
    for (const client of clients) client[Symbol.dispose]();
    expect(new Set(got.flat().map((text) => (JSON.parse(String(text)) as { code: number }).code))).toEqual(
      new Set([108]),
    );
    expect(backend.mostAtOnce).toBeLessThanOrEqual(64);
    // How many waves fit into the time limit is a matter of pace; nobody's token is asked about twice.
    expect(backend.requests.length - before).toBeLessThanOrEqual(clients.length);
  });

  test('is dead: 108, and 3000 at the handshake; and it works again when it is back', async () => {
    const { port } = backend;
    await backend.stop();
    expect(await answers([auth('***')])).toEqual([expect.stringMatching(/^\{"code":108,/)]);
    const late = await Listener.open(`${carillon.wsUrl}/ws?token=***`);
    expect(await late.closed).toBe(3000);
    expect((await fetch(`${carillon.url}/sub?channel=user:1001&timeout=0&token=***`)).status).toBe(503);
    backend = await Backend.start(site, port);
    expect(await answers([auth('***')])).toEqual([ok]);
    expect(carillon.stderr.match(/auth callback cannot be used/g)?.length).toBeGreaterThan(0);
  });

  test('knows until when: then the session ends with 3005', async () => {
    using client = await Listener.open(`${carillon.wsUrl}/ws`);
    client.send('{"op":"auth","token":"short","id":1}');
    expect(JSON.parse(String((await client.until(1))[0]))).toMatchObject({
      result: { user: '1001', expires: 2 },
    });
    expect(await client.closed).toBe(3005);
  });
});

describe('a JSON Web Token', () => {
  test('of carillon token is accepted wherever a token may stand', async () => {
    const token = await mint('--user', '7');
    const subscribe = '{"op":"subscribe","channel":"user:7"}';
    const { host } = new URL(carillon.url);
    const sockets = [
      new WebSocket(`${carillon.wsUrl}/ws?token=${token}`),
      new WebSocket(`${carillon.wsUrl}/ws`, ['carillon', `bearer.${token}`]),
      new WebSocket(`${carillon.wsUrl}/ws`, {
        headers: { Cookie: `a=b; token=${token}`, Origin: `http://${host}` },
      }),
    ];
    const said = sockets.map(async (socket) => {
      await once(socket, 'open');
      socket.send(subscribe);
      const [answer] = (await once(socket, 'message')) as [Buffer];
      socket.terminate();
      return String(answer);
    });
    expect(await Promise.all(said)).toEqual([ok, ok, ok]);
    const feed = `${carillon.url}/sub?channel=user:7&timeout=0`;
    const requests = [
      fetch(`${feed}&token=${token}`),
      fetch(feed, { headers: { Authorization: `Bearer ${token}` } }),
      fetch(feed, { headers: { Cookie: `token=${token}` } }),
      fetch(feed),
      fetch(`${feed}&token=${token}x`),
      fetch(feed.replace('user:7', 'user:8'), { headers: { Authorization: `Bearer ${token}` } }),
    ];
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200, 401, 401, 403]);
    using feedSocket = await Listener.open(`${carillon.wsUrl}/sub?channel=user:7&token=${token}`);
    expect(feedSocket.got).toEqual([]);
  });

  test('that has run out, or is forged, is refused by its own code', async () => {
    const short = await mint('--user', '7', '--expires', '1s');
    const forged = await mint('--user', '7', '--secret', 'another secret');
    await sleep(1_100);
    const got = await answers([auth(short), auth(forged)]);
    expect(got).toEqual(['{"code":109,"msg":"token expired"}', '{"code":101,"msg":"unauthorized"}']);
    expect(await (await Listener.open(`${carillon.wsUrl}/ws?token=${forged}`)).closed).toBe(3500);
    expect((await fetch(`${carillon.url}/sub?channel=user:7&token=${short}`)).status).toBe(401);
  });

  test('ends what it opened: sessions, feeds and streams; unless it is refreshed', async () => {
    const token = await mint('--user', '7', '--expires', '2s');
    const kept = await Listener.open(`${carillon.wsUrl}/ws`);
    kept.send(JSON.stringify({ op: 'auth', token }));
    kept.send(JSON.stringify({ op: 'refresh', token: await mint('--user', '7'), id: 1 }));
    const [native, feed, stream, held] = await Promise.all([
      Listener.open(`${carillon.wsUrl}/ws?token=${token}`),
      Listener.open(`${carillon.wsUrl}/sub?channel=user:7&token=${token}`),
      fetch(`${carillon.url}/sub?channel=user:7&token=${token}`, {
        headers: { Accept: 'text/event-stream' },
      }),
      fetch(`${carillon.url}/sub?channel=user:7&token=${token}&timeout=30s`),
    ]);
    expect([stream.status, held.status]).toEqual([200, 200]);
    expect(await Promise.all([native.closed, feed.closed])).toEqual([3005, 3005]);
    // The stream comes to its end, the poll is answered without anything.
    expect(await stream.text()).not.toContain('data: {');
    expect(await held.json()).toMatchObject({ messages: [] });
    kept.send('{"op":"subscribe","channel":"@user"}');
    const got = await kept.until(3);
    expect(JSON.parse(String(got[1]))).toMatchObject({ id: 1, result: { expires: expect.any(Number) } });
    expect(got[2]).toBe(ok);
    kept[Symbol.dispose]();
  });

  test('is never written to the log', async () => {
    const token = await mint('--user', '7', '--secret', 'forged');
    await fetch(`${carillon.url}/sub?channel=user:7&token=${token}`);
    await (await Listener.open(`${carillon.wsUrl}/ws?token=${token}`)).closed;
    expect(carillon.stdout + carillon.stderr).not.toContain(token);
    expect(carillon.stdout + carillon.stderr).not.toContain(secret);
  });
});
