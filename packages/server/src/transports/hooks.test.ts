/** What a client sees of hooks on real sockets, on each way in. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { refuse, refusedByHook } from '../core/errors.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from '../core/lifecycle.ts';
import { type FeedHost, startFeeds } from '../testing/feed-host.ts';
import { type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import { until } from '../testing/websocket-peer.ts';

let host: FeedHost | undefined;
afterEach(() => host?.stop());

async function start(
  script: Script,
  lifecycle: readonly LifecycleSink[] = [],
): Promise<{ host: FeedHost; hooks: ScriptedHooks; at: string }> {
  const hooks = new ScriptedHooks(script);
  host = await startFeeds({ hooks, lifecycle });
  return { host, hooks, at: `127.0.0.1:${host.port}` };
}

/** The status before the upgrade, or code and reason of the close after it. */
function endOf(url: string): Promise<string> {
  const peer = new WebSocket(url);
  return new Promise((resolve) => {
    peer.once('unexpected-response', (_request, { statusCode }) => resolve(`status ${statusCode}`));
    peer.once('close', (code, reason) => resolve(`${code} ${reason}`));
    peer.once('error', () => {});
  });
}

describe('HOK8 who is turned away', () => {
  const ways = [
    ['/stream', 'application/json'],
    ['/stream?transport=longpoll', 'application/json'],
    ['/sub?channel=open:1', 'application/json'],
    ['/sub?channel=open:1&transport=sse', 'application/json'],
    ['/sub?channel=open:1&transport=ndjson', 'application/json'],
  ] as const;

  test.each(ways)('gets 403 and the words on %s', async (path) => {
    const { at, hooks } = await start({ connect: () => Promise.reject(refusedByHook(452, 'not you')) });
    const answer = await fetch(`http://${at}${path}`, { headers: { 'user-agent': 'me' } });
    expect([answer.status, await answer.json()]).toEqual([403, { error: { code: 452, message: 'not you' } }]);
    expect(hooks.events('connect')).toMatchObject([
      { address: '127.0.0.1', headers: { 'user-agent': 'me' } },
    ]);
  });

  test.each(ways)('gets 503 on %s where the hook is late', async (path) => {
    const { at } = await start({ connect: () => Promise.reject(refuse('notAvailable', 'late')) });
    expect((await fetch(`http://${at}${path}`)).status).toBe(503);
  });

  test('is let in on /ws, then out; before the 101 on /sub', async () => {
    const words = `go away ${'ä'.repeat(100)}`;
    const { at } = await start({ connect: () => Promise.reject(refusedByHook(452, words)) });
    expect(await endOf(`ws://${at}/ws`)).toBe(`3507 ${words.slice(0, 8 + 57)}`);
    expect(await endOf(`ws://${at}/message-center?token=token-of-7`)).toMatch(/^3507 go away/);
    expect(await endOf(`ws://${at}/sub?channel=open:1`)).toBe('status 403');
  });

  test('does not get a word in: what it sent with its first packet is never run', async () => {
    const { at, host: server } = await start({ connect: () => Promise.reject(refusedByHook(452, 'no')) });
    const peer = new WebSocket(`ws://${at}/ws`);
    const replies: string[] = [];
    peer.on('message', (data) => replies.push(String(data)));
    peer.once('open', () => peer.send('{"op":"publish","channel":"open:1","data":1}'));
    await once(peer, 'close');
    expect([replies, (await server.node.history('open:1', {})).top]).toEqual([[], 0]);
  });
});

test('HOK8 whom the hook knows needs no token, on every way in', async () => {
  const { at } = await start({ connect: () => ({ user: '7' }) });
  const peer = new WebSocket(`ws://${at}/ws?token=nonsense`);
  await once(peer, 'open');
  peer.send('{"op":"subscribe","channel":"@user"}');
  expect(String((await once(peer, 'message'))[0])).toBe('{"result":true}');
  peer.close();
  const poll = await fetch(`http://${at}/sub?channel=user:7&timeout=0&token=nonsense`);
  expect(poll.status).toBe(200);
  await poll.text();
  expect((await fetch(`http://${at}/stream?transport=longpoll&token=nonsense`)).status).toBe(200);
});

test('HOK5 a feed that the subscribe hook refuses gets the words, before the 101 on a WebSocket', async () => {
  const { at } = await start({ subscribe: () => Promise.reject(refusedByHook(453, 'full')) });
  const answer = await fetch(`http://${at}/sub?channel=open:1`);
  expect([answer.status, await answer.json()]).toEqual([403, { error: { code: 453, message: 'full' } }]);
  expect(await endOf(`ws://${at}/sub?channel=open:1`)).toBe('status 403');
});

test('HOK2 publications by the API and by pages are asked about as what they are', async () => {
  const {
    at,
    host: server,
    hooks,
  } = await start({
    publish: ({ data }) => {
      if (data === '"bad"') throw refusedByHook(454, 'bad');
      return { data: `{"said":${data}}` };
    },
  });
  const post = (path: string, body: string, key = true): Promise<Response> =>
    fetch(`http://${at}${path}`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...(key && { 'X-API-Key': 'key' }) },
    });
  await post('/v1/publish', '{"channel":"open:1","data":1}');
  await post('/v1/broadcast', '{"channels":["open:1","open:2"],"data":2}');
  await post('/v1/batch', '{"requests":[{"method":"publish","params":{"channel":"open:1","data":3}}]}');
  await post('/v1/mesh/publish', '{"c":"open:1","d":"4"}');
  await post('/pub?channel=open:1', '5');
  await post('/pub?channel=open:1&token=token-of-7', '6', false);
  expect(hooks.events('publish').map(({ source, user, data }) => [source, user, data])).toEqual([
    ['api', undefined, '1'],
    ['api', undefined, '2'],
    ['api', undefined, '2'],
    ['api', undefined, '3'],
    ['api', undefined, '4'],
    ['api', undefined, '5'],
    ['client', '7', '6'],
  ]);
  const { publications } = await server.node.history('open:1', {});
  expect(publications.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6].map((said) => `{"said":${said}}`));
  for (const path of ['/v1/publish', '/pub?channel=open:1']) {
    const body = path === '/v1/publish' ? '{"channel":"open:1","data":"bad"}' : 'bad';
    const refused = await post(path, body);
    expect([refused.status, await refused.json()]).toEqual([403, { error: { code: 454, message: 'bad' } }]);
  }
});

test('HOK10 the code of a close frame is told; polls are not', async () => {
  const told: unknown[] = [];
  const watch: LifecycleSink = {
    wants: (name) => name === 'connect' || name === 'disconnect',
    tell: <Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]) => {
      const { code, reason } = event as LifecycleEvents['disconnect'];
      told.push(name === 'connect' ? name : [name, code, reason]);
    },
  };
  const { at } = await start({}, [watch]);
  await (await fetch(`http://${at}/sub?channel=open:1&timeout=0`)).text();
  for (const path of ['/ws', '/sub?channel=open:1']) {
    const peer = new WebSocket(`ws://${at}${path}`);
    await once(peer, 'open');
    peer.close(4002, 'lunch');
    await once(peer, 'close');
  }
  const stream = await fetch(`http://${at}/sub?channel=open:1&transport=sse`);
  await stream.body?.cancel();
  await until(() => told.length === 6);
  const closed = ['disconnect', 4002, 'lunch'];
  expect(told).toEqual([
    'connect',
    closed,
    'connect',
    closed,
    'connect',
    ['disconnect', undefined, undefined],
  ]);
});
