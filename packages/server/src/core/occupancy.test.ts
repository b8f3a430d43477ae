import { describe, expect, test } from 'vitest';
import { type CoreHost, startCore, testRules } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from './lifecycle.ts';

/** Writes down what it is told: `occupied a`, `online ann`. */
class Listener implements LifecycleSink {
  readonly heard: string[] = [];
  wanted: ReadonlySet<LifecycleName>;

  constructor(...wanted: readonly LifecycleName[]) {
    this.wanted = new Set(wanted);
  }

  wants(name: LifecycleName): boolean {
    return this.wanted.has(name);
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.heard.push(`${name.replace(/^(channel|user)/, '').toLowerCase()} ${Object.values(event).join()}`);
  }

  /** What it heard since the last time. */
  read(): string[] {
    return this.heard.splice(0);
  }
}

const all = ['channelOccupied', 'channelVacated', 'userOnline', 'userOffline'] as const;

async function start(...wanted: readonly LifecycleName[]): Promise<{ host: CoreHost; listener: Listener }> {
  const listener = new Listener(...wanted);
  const secret = {
    pattern: 'secret:*',
    subscribe: 'anyone',
    publish: 'nobody',
    readHistory: 'nobody',
  } as const;
  const rules = [...testRules, { ...secret, isSecret: true } as const];
  return { host: await startCore({ rules, lifecycle: [listener] }), listener };
}

describe('channels', () => {
  test('PRE12 the first subscriber is told at once, the going of the last after the grace', async () => {
    const { host, listener } = await start(...all);
    const [one, two] = [host.connect(), host.connect()];
    await one.ask({ op: 'subscribe', channel: 'h:1' });
    await two.ask({ op: 'subscribe', channel: 'h:1' });
    expect(listener.read()).toEqual(['occupied h:1']);
    one.connection.cut();
    await host.clock.elapse(10_000);
    await two.ask({ op: 'unsubscribe', channel: 'h:1' });
    await host.clock.elapse(4_900);
    expect(listener.read()).toEqual([]);
    await host.clock.elapse(600);
    expect(listener.read()).toEqual(['vacated h:1']);
  });

  test('PRE12 one that has a subscriber again within the grace was never vacated', async () => {
    const { host, listener } = await start(...all);
    for (let reload = 0; reload < 5; reload++) {
      const client = host.connect();
      await client.ask({ op: 'subscribe', channel: 'n:1' });
      client.connection.cut();
      await host.clock.elapse(4_000);
    }
    expect(listener.read()).toEqual(['occupied n:1']);
    await host.clock.elapse(2_000);
    expect(listener.read()).toEqual(['vacated n:1']);
  });

  test('PRE12 a refused subscribe occupies nothing, a feed does', async () => {
    const { host, listener } = await start(...all);
    await host.connect().ask({ op: 'subscribe', channel: 'closed' });
    const prepared = await host.node.prepareFeed({ address: '', headers: {}, channels: ['n:1', 'h:1'] });
    expect(listener.read()).toEqual([]);
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(prepared.open(connection));
    expect(listener.read()).toEqual(['occupied n:1', 'occupied h:1']);
    connection.cut();
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual(['vacated n:1', 'vacated h:1']);
  });

  test('PRE12 nobody hears of a channel whose name is a secret', async () => {
    const { host, listener } = await start(...all);
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'secret:1' });
    client.connection.cut();
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual([]);
  });
});

describe('users', () => {
  test('PRE12 the first session is told at once, the going of the last after the grace', async () => {
    const { host, listener } = await start(...all);
    const [one, two] = [host.connect({ token: 'token-ann' }), host.connect()];
    await host.settle();
    await two.ask({ op: 'auth', token: 'token-ann' });
    await two.ask({ op: 'refresh', token: 'token-ann' });
    expect(listener.read()).toEqual(['online ann']);
    one.connection.cut();
    await host.clock.elapse(6_000);
    two.connection.cut();
    await host.clock.elapse(4_000);
    const three = host.connect({ token: 'token-ann' });
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual([]);
    three.connection.cut();
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual(['offline ann']);
  });

  test('PRE12 a session that becomes another user’s, or nobody’s', async () => {
    const { host, listener } = await start(...all);
    const client = host.connect({ token: 'token-ann' });
    await host.settle();
    host.node.reach.people.bind(client.session, 'bob');
    expect(listener.read()).toEqual(['online ann', 'online bob']);
    host.node.reach.people.unbind(client.session, 'bob');
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual(['offline ann', 'offline bob']);
  });
});

describe('who wants to know', () => {
  test('PRE12 is told that alone, and nobody else costs a timer', async () => {
    const { host, listener } = await start('channelVacated');
    const client = host.connect({ token: 'token-ann' });
    await client.ask({ op: 'subscribe', channel: 'n:1' });
    let { timers } = host.clock;
    client.connection.cut();
    expect(host.clock.timers).toBe(timers + 1);
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual(['vacated n:1']);
    listener.wanted = new Set();
    const other = host.connect({ token: 'token-ann' });
    await other.ask({ op: 'subscribe', channel: 'n:1' });
    ({ timers } = host.clock);
    other.connection.cut();
    expect(host.clock.timers).toBe(timers);
  });

  test('PRE12 may change with a reload: from then on', async () => {
    const { host, listener } = await start();
    const [one, two] = [host.connect({ token: 'token-ann' }), host.connect()];
    await one.ask({ op: 'subscribe', channel: 'n:1' });
    listener.wanted = new Set(all);
    await two.ask({ op: 'subscribe', channel: 'n:1' });
    expect(listener.read()).toEqual([]);
    for (const { connection } of [one, two]) connection.cut();
    await host.clock.elapse(6_000);
    expect(listener.read().toSorted()).toEqual(['offline ann', 'vacated n:1']);
    const three = host.connect({ token: 'token-ann' });
    await three.ask({ op: 'subscribe', channel: 'n:1' });
    listener.wanted = new Set();
    three.connection.cut();
    await host.clock.elapse(6_000);
    expect(listener.read()).toEqual(['online ann', 'occupied n:1']);
  });
});
