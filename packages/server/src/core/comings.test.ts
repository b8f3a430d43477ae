import { disconnects } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { type CoreHost, type CoreHostOptions, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { ScriptedHooks } from '../testing/scripted-hooks.ts';
import type { FeedRequest } from './entry.ts';
import { refusedByHook } from './errors.ts';
import type { LifecycleEvents, LifecycleName, LifecycleSink } from './lifecycle.ts';

/** Remembers who came and went. */
class Watch implements LifecycleSink {
  readonly told: unknown[] = [];
  readonly #wanted: readonly LifecycleName[];

  constructor(wanted: readonly LifecycleName[] = ['connect', 'disconnect']) {
    this.#wanted = wanted;
  }

  wants(name: LifecycleName): boolean {
    return this.#wanted.includes(name);
  }

  tell<Name extends LifecycleName>(name: Name, event: LifecycleEvents[Name]): void {
    this.told.push([name, event]);
  }
}

async function start(
  options: CoreHostOptions = {},
  watch = new Watch(),
): Promise<{ host: CoreHost; told: unknown[] }> {
  return { host: await startCore({ lifecycle: [watch], ...options }), told: watch.told };
}

async function feed(host: CoreHost, more: Partial<FeedRequest> = {}): Promise<FakeConnection> {
  const request = { address: '192.0.2.7', headers: {}, channels: ['h:1'], ...more };
  const prepared = await host.node.prepareFeed(request);
  const connection = new FakeConnection(new LineWire({ isBare: true }));
  connection.listen(prepared.open(connection));
  return connection;
}

describe('HOK10 coming and going is told', () => {
  test('of a client that needs no token, when it comes and when it goes', async () => {
    const { host, told } = await start();
    const { connection, session } = host.connect();
    expect(told).toEqual([['connect', { session, address: '192.0.2.1' }]]);
    connection.cut({ code: 4001, reason: 'bye' });
    expect(told.slice(1)).toEqual([['disconnect', { session, code: 4001, reason: 'bye' }]]);
  });

  test('of one that shows a token, when that is accepted; a second one is nothing new', async () => {
    const { host, told } = await start({ anonymous: false });
    const client = host.connect();
    const [shown, refused] = [host.connect({ token: 'token-bob' }), host.connect({ token: 'bad' })];
    await host.settle();
    expect(told).toEqual([['connect', { session: shown.session, user: 'bob', address: '192.0.2.1' }]]);
    await client.ask({ op: 'auth', token: 'bad' }, { op: 'auth', token: 'token-ann' });
    await client.ask({ op: 'refresh', token: 'token-ann' });
    const ann = { session: client.session, user: 'ann' };
    expect(told.slice(1)).toEqual([['connect', { ...ann, address: '192.0.2.1' }]]);
    expect(refused.connection.ended?.code).toBe(3500);
    client.connection.cut();
    expect(told.slice(2)).toEqual([['disconnect', ann]]);
  });

  test('of one that never logs in, nothing', async () => {
    const { host, told } = await start({ anonymous: false });
    host.clock.advance(10_000);
    const client = host.connect();
    host.clock.advance(10_000);
    expect([client.connection.ended?.code, told]).toEqual([3501, []]);
  });

  test('of one that the application turns away, nothing', async () => {
    const hooks = new ScriptedHooks({ connect: () => Promise.reject(refusedByHook(400, 'no')) });
    const { host, told } = await start({ hooks });
    const client = host.connect({ token: 'token-ann' });
    await host.settle();
    expect([client.connection.ended?.code, told]).toEqual([3507, []]);
  });

  test('of one whom the server side makes a user, from then on', async () => {
    const { host, told } = await start({ anonymous: false });
    const { session } = host.connect();
    host.node.reach.people.bind(session, 'ann');
    expect(told).toEqual([['connect', { session, user: 'ann', address: '192.0.2.1' }]]);
  });

  test('with the code and the reason that the server closes with', async () => {
    const { host, told } = await start();
    const [first, second] = [host.connect(), host.connect()];
    await host.node.reach.addressing.disconnect({ sessions: [first.session] }, { code: 4321, reason: 'why' });
    await host.node.close();
    expect(told.slice(2)).toEqual([
      ['disconnect', { session: first.session, code: 4321, reason: 'why' }],
      ['disconnect', { session: second.session, ...disconnects.shutdown }],
    ]);
  });

  test('of feeds, but not of polls, which come and go all the time', async () => {
    const { host, told } = await start();
    (await feed(host, { isPoll: true })).cut();
    const connection = await feed(host, { token: 'token-ann' });
    connection.cut();
    const { session } = (told[0] as [string, { session: string }])[1];
    expect(told).toEqual([
      ['connect', { session, user: 'ann', address: '192.0.2.7' }],
      ['disconnect', { session, user: 'ann' }],
    ]);
  });

  test.each<[LifecycleName]>([['connect'], ['disconnect']])(
    'to whom wants %s, of that alone',
    async (name) => {
      const { host, told } = await start({}, new Watch([name]));
      host.connect().connection.cut();
      expect(told).toMatchObject([[name, {}]]);
    },
  );
});
