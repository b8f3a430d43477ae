import { describe, expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { PublishRate } from './publish-rate.ts';

describe('a publish rate', () => {
  test('lets a second’s worth go at once, and then as much as time brings', () => {
    const clock = new VirtualClock();
    const rate = new PublishRate(clock, 2);
    const use = (): string => {
      try {
        rate.use();
        return 'taken';
      } catch (error) {
        return String(error);
      }
    };
    expect([use(), use(), use()]).toEqual(['taken', 'taken', expect.stringContaining('at most 2')]);
    clock.advance(500);
    expect([use(), use()]).toEqual(['taken', expect.stringContaining('too many requests')]);
    clock.advance(60_000);
    expect([use(), use(), use()]).toEqual(['taken', 'taken', expect.stringContaining('at most 2')]);
  });

  test('holds for feeds too: one that sends faster is closed with 3508', async () => {
    const host = await startCore({ publishesPerSecond: 2 });
    const feed = await host.node.prepareFeed({ address: '192.0.2.1', headers: {}, channels: ['h:1'] });
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(feed.open(connection));
    for (const text of ['a', 'b', 'c', 'd']) connection.send(text);
    await host.settle();
    expect(connection.ended?.code).toBe(3508);
    expect((await host.broker.history('h:1', { limit: 9 })).top).toBe(2);
  });
});
