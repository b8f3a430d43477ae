import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { Accept } from '../../core/entry.ts';
import { clientFrame, closePayload } from '../../testing/client-frames.ts';
import { RawClient } from '../../testing/raw-client.ts';
import { type HostOptions, startHost, type WebSocketHost } from '../../testing/websocket-host.ts';
import { endOf, openPeer, silentListener, until } from '../../testing/websocket-peer.ts';
import type { WebSocketConnection } from './connection.ts';

const hosts: WebSocketHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function start(options: HostOptions = {}): Promise<WebSocketHost> {
  const host = await startHost(options);
  hosts.push(host);
  return host;
}

describe('the end of a connection', () => {
  test('takes effect when the close frame arrives, though the peer keeps its side open', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.send(clientFrame(8, closePayload(1000)), clientFrame(1, 'after the close'));
    await (await host.listener(0)).until('closed 1000');
    expect((await client.rest()).map(({ opcode }) => opcode)).toEqual([8]);
    expect((await host.listener(0)).told).toEqual(['closed 1000']);
    expect(host.transport.connections).toBe(1);
    await host.clock.elapse(5_000);
    await until(() => host.transport.connections === 0);
  });

  test('comes when the peer ends its side without a close frame', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.socket.end();
    await once(client.socket, 'close');
    await (await host.listener(0)).until('closed');
    await until(() => host.transport.connections === 0);
  });

  test('comes, once, when the peer resets', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    await host.listener(0);
    client.socket.resetAndDestroy();
    await until(() => host.transport.connections === 0);
    expect((await host.listener(0)).told).toEqual(['closed']);
  });

  test('is told later, never within close, and nothing is written or handed on after it', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    const { connection, told } = await host.listener(0);
    connection.close({ code: 3000, reason: 'first' });
    expect(told).toEqual([]);
    connection.close({ code: 3001, reason: 'second' });
    expect(connection.write(connection.wire.message('late'))).toBe(true);
    connection.cork();
    expect(connection.uncork()).toBe(true);
    connection.pause();
    connection.resume();
    client.send(clientFrame(1, 'too late'));
    expect(await client.rest()).toEqual([{ opcode: 8, payload: closePayload(3000, 'first') }]);
    await client.close();
    await until(() => host.transport.connections === 0);
    expect(told).toEqual(['closed']);
  });

  test('is forced on a peer that never ends its side', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    (await host.listener(0)).connection.close({ code: 3000, reason: 'connection closed' });
    await client.rest();
    expect(host.transport.connections).toBe(1);
    await host.clock.elapse(5_000);
    await until(() => host.transport.connections === 0);
  });

  test('is 3012 for a peer that answers no ping', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    await host.listener(0);
    await host.clock.elapse(35_000);
    expect(
      (await client.rest()).map(({ opcode, payload }) => [opcode, payload.toString('latin1', 2)]),
    ).toEqual([
      [9, ''],
      [8, 'no pong'],
    ]);
    expect((await host.listener(0)).told).toEqual(['closed 3012 no pong']);
  });

  test('is 1011 where a listener throws, and goes into the log', async () => {
    const broken: Accept = () => ({
      ...silentListener,
      received() {
        throw new Error('a fault of ours');
      },
    });
    const host = await start({ accept: broken });
    const peer = await openPeer(host);
    peer.send('x');
    expect(await endOf(peer)).toBe('1011 internal error');
    expect(host.errors.length).toBe(1);
  });

  test('is 1011 where a connection cannot be accepted', async () => {
    const host = await start({
      accept: () => {
        throw new Error('a fault of ours');
      },
    });
    expect(await endOf(await openPeer(host))).toBe('1011 internal error');
    expect(host.errors.length).toBe(1);
  });
});

describe('pausing', () => {
  test('takes effect in the middle of a chunk, and loses nothing', async () => {
    const seen: string[] = [];
    let connection: Parameters<Accept>[0] | undefined;
    const accept: Accept = (opened) => {
      connection = opened;
      return {
        ...silentListener,
        received(text) {
          seen.push(text);
          opened.pause();
        },
        closed: () => seen.push('closed'),
      };
    };
    const host = await start({ accept });
    const client = await RawClient.open(host.port);
    client.send(...['a', 'b', 'c'].map((text) => clientFrame(1, text)), clientFrame(8));
    for (const count of [1, 2, 3]) {
      await until(() => seen.length === count);
      // Long enough for what must not come.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(seen.length).toBe(count);
      connection?.resume();
    }
    await until(() => seen.length === 4);
    expect(seen).toEqual(['a', 'b', 'c', 'closed']);
  });

  test('that is taken back at once changes nothing', async () => {
    const seen: string[] = [];
    const accept: Accept = (connection) => ({
      ...silentListener,
      received(text) {
        connection.pause();
        seen.push(text);
        connection.resume();
      },
    });
    const host = await start({ accept });
    const client = await RawClient.open(host.port);
    client.send(...['a', 'b', 'c'].map((text) => clientFrame(1, text)));
    await until(() => seen.length === 3);
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});

describe('a peer that does not read', () => {
  const block = Buffer.alloc(1_000_000, 'x');

  /** Writes until bytes are pending, and returns how many there were. */
  async function fill(host: WebSocketHost): Promise<number> {
    const { connection } = await host.listener(0);
    const frame = connection.wire.message(block.toString());
    for (let count = 1; count < 100; count++) if (!connection.write(frame)) return count;
    throw new Error('the socket never filled');
  }

  test('makes write say so, and drained follows once it has read all', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.socket.pause();
    const listener = await host.listener(0);
    const count = await fill(host);
    expect(listener.told).toEqual([]);
    client.socket.resume();
    await listener.until('drained');
    expect((await client.frames(count)).every(({ payload }) => payload.equals(block))).toBe(true);
    expect(listener.told).toEqual(['drained']);
  });

  test('is not taken for dead, but ended after the stall timeout', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.socket.pause();
    const listener = await host.listener(0);
    await fill(host);
    await host.clock.elapse(59_000);
    expect(listener.told).toEqual([]);
    await host.clock.elapse(1_000);
    expect(listener.told).toEqual(['closed 3008 slow']);
    await host.clock.elapse(5_000);
    await until(() => host.transport.connections === 0);
    client.socket.destroy();
  });

  test('but takes some bytes now and then is left alone', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.socket.pause();
    const listener = await host.listener(0);
    await fill(host);
    const connection = listener.connection as WebSocketConnection;
    const frame = connection.wire.message(block.toString());
    for (let count = 0; count < 60; count++) connection.write(frame);
    client.socket.removeAllListeners('data');
    for (let minute = 0; minute < 4; minute++) {
      await host.clock.elapse(45_000);
      const before = connection.sentBytes;
      await until(() => {
        client.socket.read(65_536);
        return connection.sentBytes > before;
      });
    }
    expect([connection.hasUnsent, listener.told]).toEqual([true, []]);
    client.socket.destroy();
  });

  test('is not read from while answers to its pings are pending, and gets every one later', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    client.socket.pause();
    const connection = (await host.listener(0)).connection as WebSocketConnection;
    const ping = Buffer.concat(new Array<Buffer>(1_000).fill(clientFrame(9, Buffer.alloc(125, 'p'))));
    let sent = 0;
    for (; !connection.paused && sent < 400; sent++) {
      client.send(ping);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => connection.paused);
    client.socket.resume();
    const pongs = await client.frames(sent * 1_000);
    expect(pongs.every(({ opcode, payload }) => opcode === 10 && payload.length === 125)).toBe(true);
    await until(() => !connection.paused);
  }, 60_000);
});

describe('corking', () => {
  test('keeps the order, and uncork says whether all has left', async () => {
    const host = await start();
    const client = await RawClient.open(host.port);
    const { connection } = await host.listener(0);
    connection.cork();
    for (const text of ['a', 'b', 'c']) expect(connection.write(connection.wire.message(text))).toBe(true);
    expect(connection.uncork()).toBe(true);
    expect((await client.frames(3)).map(({ payload }) => payload.toString())).toEqual(['a', 'b', 'c']);
    client.socket.pause();
    const block = connection.wire.message('x'.repeat(1_000_000));
    connection.cork();
    for (let count = 0; count < 12; count++) connection.write(block);
    expect(connection.uncork()).toBe(false);
    client.socket.resume();
    await (await host.listener(0)).until('drained');
  });
});
