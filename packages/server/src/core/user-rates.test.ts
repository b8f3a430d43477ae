import { describe, expect, test } from 'vitest';
import { type CoreHost, startCore, type TestClient } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { UserRatesOptions } from './user-rates.ts';

const three = { count: 3, perMs: 10_000 };

async function login(host: CoreHost, user: string): Promise<TestClient> {
  const client = host.connect({ token: `token-${user}` });
  await host.settle();
  return client;
}

function start(rates: UserRatesOptions): Promise<CoreHost> {
  return startCore({ rates });
}

const publish = { op: 'publish', channel: 'h:1', data: 1 };
const ping = { op: 'ping' };

/** The codes of refusals, and 0 for what went well. */
async function codes(client: TestClient, ...frames: readonly unknown[]): Promise<unknown[]> {
  const answers = (await client.ask(...frames)) as { code?: number }[];
  return answers.map(({ code = 0 }) => code);
}

describe('ACC19: the rate of commands', () => {
  test('is that of a user, on all connections together, batches included', async () => {
    const host = await start({ commands: three });
    const [first, second, other] = [
      await login(host, 'ann'),
      await login(host, 'ann'),
      await login(host, 'bob'),
    ];
    expect(await codes(first, ping, ping)).toEqual([0, 0]);
    const [batch] = (await second.ask([ping, ping, ping])) as { code?: number }[][];
    expect(batch?.map(({ code = 0 }) => code)).toEqual([0, 111, 111]);
    expect(await codes(other, ping, ping, ping, ping)).toEqual([0, 0, 0, 111]);
    expect(await first.ask({ id: 1, ...ping })).toEqual([
      {
        id: 1,
        code: 111,
        msg: 'too many requests: at most 3 commands of one user in 10 s; try again in 4 s',
      },
    ]);
    await host.clock.elapse(4_000);
    expect(await codes(second, ping, ping)).toEqual([0, 111]);
  });

  test('does not count publications, nor clients that are nobody in particular', async () => {
    const host = await start({ commands: three });
    const ann = await login(host, 'ann');
    expect(await codes(ann, publish, publish, publish, publish, ping)).toEqual([0, 0, 0, 0, 0]);
    expect(await codes(host.connect(), ping, ping, ping, ping, ping)).toEqual([0, 0, 0, 0, 0]);
  });

  test('refuses a command before it does anything', async () => {
    const host = await start({ commands: three });
    const ann = await login(host, 'ann');
    await codes(ann, ping, ping, ping);
    expect(await codes(ann, { op: 'subscribe', channel: 'h:1' })).toEqual([111]);
    expect(host.node.figures().subscriptions).toBe(0);
    expect(ann.connection.ended).toBeUndefined();
  });
});

describe('ACC19: the rate of publications', () => {
  test('is that of a user, on connections and without', async () => {
    const host = await start({ publishes: three });
    const [first, second] = [await login(host, 'ann'), await login(host, 'ann')];
    expect(await codes(first, publish, publish)).toEqual([0, 0]);
    await host.node.publish('h:1', '1', {}, { identity: { user: 'ann' } });
    expect(await codes(second, publish, ping)).toEqual([111, 0]);
    await expect(host.node.publish('h:1', '1', {}, { identity: { user: 'ann' } })).rejects.toMatchObject({
      code: 111,
      status: 429,
      retryAfterMs: expect.any(Number),
    });
    expect((await host.broker.history('h:1', { limit: 9 })).top).toBe(3);
  });

  test('ends a feed that has no words for a refusal, with 3508', async () => {
    const host = await start({ publishes: three });
    const feed = await host.node.prepareFeed({
      ...{ address: '192.0.2.1', headers: {} },
      ...{ channels: ['h:1'], token: 'token-ann' },
    });
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    connection.listen(feed.open(connection));
    for (const text of ['a', 'b', 'c', 'd', 'e']) connection.send(text);
    await host.settle();
    expect(connection.ended?.code).toBe(3508);
    expect((await host.broker.history('h:1', { limit: 9 })).top).toBe(3);
  });

  test('does not hold for the server side', async () => {
    const host = await start({ publishes: { count: 1, perMs: 10_000 } });
    for (let count = 0; count < 5; count++) {
      await host.node.publish('h:1', '1', {}, 'api');
      await host.node.publish('h:1', '1');
    }
    expect((await host.broker.history('h:1', { limit: 1 })).top).toBe(10);
  });
});

test('ACC19: without rates nothing is refused', async () => {
  const host = await start({});
  const ann = await login(host, 'ann');
  const many = Array.from({ length: 500 }, (_, index) => (index % 2 === 0 ? ping : publish));
  expect(new Set(await codes(ann, ...many))).toEqual(new Set([0]));
});
