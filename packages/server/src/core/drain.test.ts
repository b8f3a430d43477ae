import { disconnects } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';

/** Runs a drain beside the test. */
function draining(host: { readonly node: { drain(windowMs: number): Promise<void> } }, windowMs: number) {
  const state = { isOver: false };
  void host.node.drain(windowMs).then(() => {
    state.isOver = true;
  });
  return state;
}

describe('EVT4 a paced end', () => {
  test('tells each native client a delay of its own, spread over the first three quarters of the time', async () => {
    const host = await startCore();
    const clients = Array.from({ length: 4 }, () => host.connect());
    await host.settle();
    draining(host, 4_000);
    const told = await Promise.all(clients.map((client) => client.messages()));
    expect(told).toEqual(
      [750, 1_500, 2_250, 3_000].map((delay) => [{ event: '$server', type: 'reconnect', delay }]),
    );
  });

  test('is over when everybody has gone', async () => {
    const host = await startCore();
    const clients = [host.connect(), host.connect()];
    await host.settle();
    const state = draining(host, 10_000);
    for (const { connection } of clients) {
      await host.clock.elapse(1_000);
      expect(state.isOver).toBe(false);
      connection.cut();
    }
    await host.clock.elapse(100);
    expect(state.isOver).toBe(true);
  });

  test('SUB13 closes feeds when their turn comes, for they have no words for it', async () => {
    const host = await startCore();
    const wire = new LineWire({ isBare: true });
    const feeds: FakeConnection[] = [];
    for (let count = 0; count < 3; count++) {
      const connection = new FakeConnection(wire);
      const feed = await host.node.prepareFeed({ address: '192.0.2.1', headers: {}, channels: ['n:1'] });
      connection.listen(feed.open(connection));
      feeds.push(connection);
    }
    const state = draining(host, 4_000);
    const closed: number[] = [];
    for (let seconds = 0; seconds <= 3; seconds++) {
      closed.push(feeds.filter(({ ended }) => ended?.code === disconnects.shutdown.code).length);
      await host.clock.elapse(1_000);
    }
    expect(closed).toEqual([0, 1, 2, 3]);
    expect([feeds.every(({ ended }) => ended !== undefined), state.isOver]).toEqual([true, true]);
  });

  test('does not wait for longer than it may, and leaves those who stayed to be closed', async () => {
    const host = await startCore();
    const client = host.connect();
    await host.settle();
    const state = draining(host, 1_000);
    await host.clock.elapse(1_100);
    expect(state.isOver).toBe(true);
    expect(client.connection.ended).toBeUndefined();
  });

  test('is no wait at all where nobody is there, or no time is given', async () => {
    const empty = await startCore();
    await empty.node.drain(1_000);
    const host = await startCore();
    const client = host.connect();
    await host.settle();
    await host.node.drain(0);
    expect(await client.messages()).toEqual([]);
  });
});
