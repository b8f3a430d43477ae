import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { PrepareFeed } from '../../core/entry.ts';
import { refuse } from '../../core/errors.ts';
import { clientFrame } from '../../testing/client-frames.ts';
import { RawClient, upgradeRequest } from '../../testing/raw-client.ts';
import { type HostOptions, startHost, type WebSocketHost } from '../../testing/websocket-host.ts';
import { endOf, nextMessage, openPeer, silentListener, until } from '../../testing/websocket-peer.ts';

const hosts: WebSocketHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function start(options: HostOptions = {}): Promise<WebSocketHost> {
  const host = await startHost(options);
  hosts.push(host);
  return host;
}

describe('with ws as the peer', () => {
  const limit = 200_000;
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, limit])('messages of %i bytes come back', async (size) => {
    const peer = await openPeer(await start({ maxFrameBytes: limit }));
    const text = 'x'.repeat(size);
    peer.send(text);
    expect((await nextMessage(peer))[0].toString() === text).toBe(true);
    const bytes = Buffer.alloc(size, 0xe9);
    peer.send(bytes);
    const [data, isBinary] = await nextMessage(peer);
    expect([data.equals(bytes), isBinary]).toEqual([true, true]);
  });

  test('a message one byte too large ends the connection with 1009', async () => {
    const host = await start({ maxFrameBytes: limit });
    const peer = await openPeer(host);
    peer.send('x'.repeat(limit + 1));
    expect(await endOf(peer)).toBe(`1009 frame too big: the limit is ${limit} bytes`);
    expect((await host.listener(0)).told).toEqual([`closed 1009 frame too big: the limit is ${limit} bytes`]);
  });

  test('fragments of a message too large ends it too', async () => {
    const peer = await openPeer(await start({ maxFrameBytes: 100 }));
    for (let count = 0; count < 11; count++) peer.send('0123456789', { fin: false });
    expect(await endOf(peer)).toContain('1009');
  });

  test('fragments come back whole', async () => {
    const peer = await openPeer(await start());
    const parts = ['grü', 'ß', '', ' Gott'];
    for (const [index, part] of parts.entries()) {
      peer.send(part, { fin: index === parts.length - 1 });
      peer.ping();
    }
    expect((await nextMessage(peer))[0].toString()).toBe('grüß Gott');
  });

  test('a ping is answered with its payload', async () => {
    const peer = await openPeer(await start());
    peer.ping('are you there');
    const [payload] = await once(peer, 'pong');
    expect(payload.toString()).toBe('are you there');
  });

  test('its answers to our pings keep it alive', async () => {
    const host = await start();
    const peer = await openPeer(host);
    for (let round = 0; round < 4; round++) {
      const pinged = once(peer, 'ping');
      host.clock.advance(25_000);
      await pinged;
      // Its pong must be here before time goes on: an echo behind it proves that.
      peer.send('x');
      await nextMessage(peer);
    }
    expect(host.transport.connections).toBe(1);
  });

  test.each([1000, 1001, 3999, 4999])('its close with %i is echoed and told', async (code) => {
    const host = await start();
    const peer = await openPeer(host);
    const listener = await host.listener(0);
    peer.close(code, 'that is all');
    expect(await endOf(peer)).toBe(`${code} that is all`);
    expect(listener.told).toEqual([`closed ${code} that is all`]);
    await until(() => host.transport.connections === 0);
  });

  test('its close without a code is echoed without one', async () => {
    const peer = await openPeer(await start());
    peer.close();
    expect(await endOf(peer)).toBe('1005 ');
  });

  test('it learns why we close', async () => {
    const host = await start();
    const peer = await openPeer(host);
    (await host.listener(0)).connection.close({ code: 3503, reason: 'force disconnect' });
    expect(await endOf(peer)).toBe('3503 force disconnect');
    await until(() => host.transport.connections === 0);
  });
});

describe('every kind of path', () => {
  test.each([
    ['/ws', 'websocket/native'],
    ['/raw', 'websocket/raw'],
    ['/sub', 'websocket/bare'],
    ['/json', 'websocket/json'],
  ])('%s has the wire %s, hands on text and bytes, and answers the text ping itself', async (path, wire) => {
    const host = await start();
    const peer = await openPeer(host, path);
    const listener = await host.listener(0);
    expect([listener.connection.wire.name, listener.request.address]).toEqual([wire, '192.0.2.1']);
    peer.send('ping');
    expect((await nextMessage(peer))[0].toString()).toBe('pong');
    peer.send(Buffer.from('ping'));
    await nextMessage(peer);
    peer.send('Ping');
    await nextMessage(peer);
    expect(listener.told).toEqual(['bytes of 4', 'text Ping']);
  });

  test('takes in what came right behind the request', async () => {
    const host = await start();
    for (const path of ['/ws', '/sub']) {
      const client = new RawClient(host.port);
      client.socket.write(Buffer.concat([Buffer.from(upgradeRequest(path)), clientFrame(1, 'early')]));
      expect((await client.response()).status).toBe(101);
      expect((await client.frames(1))[0]?.payload.toString()).toBe('early');
    }
  });
});

describe('a feed', () => {
  test('is asked for with channels, address, headers and token', async () => {
    const host = await start();
    await openPeer(host, '/json?token=t');
    const { request } = await host.listener(0);
    expect(request).toMatchObject({ channels: ['a', 'b'], address: '192.0.2.1', token: 't' });
    expect(request.headers['upgrade']).toBe('websocket');
  });

  test('that is refused is answered with the status and the error', async () => {
    const host = await start({ prepareFeed: () => Promise.reject(refuse('permissionDenied', 'channel a')) });
    const client = new RawClient(host.port);
    client.socket.write(upgradeRequest('/sub'));
    const { status, body } = await client.response();
    expect(status).toBe(403);
    expect(JSON.parse(await body())).toEqual({
      error: { code: 103, message: 'permission denied: channel a' },
    });
    expect(host.transport.connections).toBe(0);
  });

  test('that fails for a fault of ours is answered with 500, and logged', async () => {
    const host = await start({ prepareFeed: () => Promise.reject(new Error('secret detail')) });
    const client = new RawClient(host.port);
    client.socket.write(upgradeRequest('/sub'));
    const { status, body } = await client.response();
    expect([status, await body()]).toEqual([500, '{"error":{"code":100,"message":"internal server error"}}']);
    expect(host.errors.length).toBe(1);
  });

  /** A prepareFeed that waits until it is let go. */
  function held(): { prepareFeed: PrepareFeed; asked: Promise<void>; letGo: () => void; calls: string[] } {
    const calls: string[] = [];
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const prepareFeed: PrepareFeed = async () => {
      asked.resolve();
      await gate.promise;
      return {
        recovered: undefined,
        cursor: '',
        isBehind: false,
        open() {
          calls.push('open');
          return { ...silentListener, cursor: () => '' };
        },
        cancel() {
          calls.push('cancel');
        },
      };
    };
    return { prepareFeed, asked: asked.promise, letGo: gate.resolve, calls };
  }

  test('gets its 101 only once it is prepared', async () => {
    const { prepareFeed, asked, letGo, calls } = held();
    const host = await start({ prepareFeed });
    const client = new RawClient(host.port);
    let bytes = 0;
    client.socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    client.socket.write(upgradeRequest('/sub'));
    await asked;
    await host.clock.elapse(20);
    expect([bytes, calls]).toEqual([0, []]);
    letGo();
    expect((await client.response()).status).toBe(101);
    expect(calls).toEqual(['open']);
  });

  test('whose client goes away meanwhile is cancelled', async () => {
    const { prepareFeed, asked, letGo, calls } = held();
    const host = await start({ prepareFeed });
    const client = new RawClient(host.port);
    client.socket.write(upgradeRequest('/sub'));
    await asked;
    client.socket.resetAndDestroy();
    // Its reset has come once a later connection was served.
    await openPeer(host);
    letGo();
    await until(() => calls.length > 0);
    expect(calls).toEqual(['cancel']);
  });

  test('that is being prepared at the end of the server is refused and cancelled', async () => {
    const { prepareFeed, asked, letGo, calls } = held();
    const host = await start({ prepareFeed });
    const client = new RawClient(host.port);
    client.socket.write(upgradeRequest('/sub'));
    await asked;
    await host.transport.close({ code: 3001, reason: 'shutdown' }, 1_000);
    expect((await client.response()).status).toBe(503);
    letGo();
    await until(() => calls.length > 0);
    expect(calls).toEqual(['cancel']);
  });
});

describe('the end of the server', () => {
  test('closes every connection, takes no more, and resolves when all are gone', async () => {
    const host = await start();
    const peers = [await openPeer(host), await openPeer(host, '/raw'), await openPeer(host, '/sub')];
    const ends = Promise.all(peers.map(endOf));
    const closed = host.transport.close({ code: 3001, reason: 'shutdown' }, 60_000);
    expect(await ends).toEqual(['3001 shutdown', '3001 shutdown', '3001 shutdown']);
    await closed;
    expect([host.transport.connections, host.clock.timers]).toEqual([0, 0]);
    const late = new RawClient(host.port);
    late.socket.write(upgradeRequest('/ws'));
    expect((await late.response()).status).toBe(503);
  });

  test('does not wait longer than its grace for a peer that stays', async () => {
    const host = await start();
    await RawClient.open(host.port);
    await host.listener(0);
    const closed = host.transport.close({ code: 3001, reason: 'shutdown' }, 100);
    host.clock.advance(100);
    await closed;
    expect(host.transport.connections).toBe(0);
  });
});

test('an idle server without connections has no timer', async () => {
  const host = await start();
  expect(host.clock.timers).toBe(0);
  const peer = await openPeer(host);
  expect(host.clock.timers).toBe(1);
  peer.close();
  await until(() => host.transport.connections === 0);
  expect(host.clock.timers).toBe(0);
});
