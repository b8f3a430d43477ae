import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { CuttingProxy } from './proxy.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server that says back what it hears, behind a proxy. */
async function echo(): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const proxy = await CuttingProxy.start(typeof address === 'object' ? (address?.port ?? 0) : 0);
  closers.push(() => proxy.stop());
  return proxy;
}

/** Resolves with what was heard when the connection is over, or so many bytes came. */
function heard(socket: Socket, enough = Number.POSITIVE_INFINITY): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      if (text.length >= enough) resolve(text);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('passes on what both sides say, and their ends', async () => {
  const proxy = await echo();
  const socket = connect(proxy.port, '127.0.0.1');
  socket.end('x'.repeat(300_000));
  expect(await heard(socket)).toHaveLength(300_000);
  expect(proxy.cuts).toBe(0);
});

test('cuts at the byte, and what comes after it never arrives', async () => {
  const proxy = await echo();
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write('hello');
  await heard(socket, 5);
  proxy.cut({ share: 100, afterBytes: 100, which: 1 });
  socket.write('y'.repeat(1_000));
  expect((await heard(socket)).length).toBeLessThanOrEqual(100);
  expect(proxy.cuts).toBe(1);
});

test('cuts the share that it is told to, and the others live', async () => {
  const proxy = await echo();
  const sockets = Array.from({ length: 40 }, () => connect(proxy.port, '127.0.0.1'));
  await Promise.all(
    sockets.map((socket) => {
      socket.write('a');
      return heard(socket, 1);
    }),
  );
  proxy.cut({ share: 50, afterBytes: 0, which: 7 });
  const alive = await Promise.all(
    sockets.map(async (socket) => {
      socket.write('b');
      return (await heard(socket, 1)) === 'b';
    }),
  );
  expect(proxy.cuts).toBeGreaterThan(5);
  expect(alive.filter(Boolean)).toHaveLength(40 - proxy.cuts);
  for (const socket of sockets) socket.destroy();
});
