import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Carillon } from './client.ts';
import type { Gap } from './events.ts';
import { FakeServer } from './testing/fake-server.ts';
import { TcpProxy } from './testing/tcp-proxy.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const each of cleanUp.splice(0).reverse()) await each();
});

test.each([1, 2, 3, 4, 5])(
  'over a network that cuts at random every message reaches the handler once and in order (seed %i)',
  async (seed) => {
    const chance = new VirtualTimers(seed);
    const server = await FakeServer.start();
    cleanUp.push(() => server.stop());
    const proxy = await TcpProxy.start(server.port);
    cleanUp.push(() => proxy.stop());
    const options = { WebSocket, backoff: { minMs: 1, maxMs: 4 } };
    const reader = new Carillon(`ws://127.0.0.1:${proxy.port}`, options);
    const writer = new Carillon(`ws://127.0.0.1:${proxy.port}`, options);
    cleanUp.push(
      () => reader.close(),
      () => writer.close(),
    );

    const heard: number[] = [];
    const gaps: Gap[] = [];
    const room = reader.channel<number>('room');
    room.on('message', (data) => heard.push(data));
    room.on('gap', (gap) => gaps.push(gap));
    await room.subscribe();
    const published: number[] = [];
    for (let number = 1; number <= 200; number++) {
      if (chance.random() < 0.2) proxy.cutAfter(Math.floor(chance.random() * 300));
      if (chance.random() < 0.05) proxy.cut();
      await writer.channel<number>('room').publish(number);
      published.push(number);
    }
    await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(200), {
      timeout: 10_000,
      interval: 5,
    });

    expect(heard).toEqual(published);
    expect(server.stream('room').top).toBe(200);
    expect(gaps).toEqual([]);
    expect(proxy.cuts).toBeGreaterThan(10);
  },
);
