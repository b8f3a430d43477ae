import { beforeEach, describe, expect, test } from 'vitest';
import { type CoreHost, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';

const rate = { count: 5, perMs: 60_000 };
let asked: string[] = [];

async function authenticate(token: string): Promise<Identity> {
  asked.push(token);
  if (token === 'old') throw refuse('tokenExpired');
  if (token === 'down') throw refuse('notAvailable');
  if (token === 'wrong') throw refuse('unauthorized');
  return { user: token };
}

let host: CoreHost;
beforeEach(async () => {
  asked = [];
  const bucketOf = (address: string) => (address === 'here' ? undefined : address);
  host = await startCore({ authenticate, guesses: { rate, bucketOf } });
});

function open(address: string, token?: string): FakeConnection {
  const connection = new FakeConnection(new LineWire());
  const request = { address, headers: {}, ...(token !== undefined && { token }) };
  connection.listen(host.node.accept(connection, request));
  return connection;
}

/** The code of the answer to `auth`, 0 when it was accepted. */
async function auth(connection: FakeConnection, token: string): Promise<number> {
  connection.read();
  connection.send(JSON.stringify({ op: 'auth', token }));
  await host.settle();
  return (JSON.parse(connection.read().toString()) as { code?: number }).code ?? 0;
}

async function guess(address: string, times: number): Promise<void> {
  for (let count = 0; count < times; count++) {
    open(address, 'wrong');
    await host.settle();
  }
}

describe('ACC19: refused tokens of one address', () => {
  test('have an end, on however many connections; then none of its tokens is even judged', async () => {
    await guess('a', 5);
    expect(asked).toHaveLength(5);
    const connection = open('a');
    expect(await auth(connection, 'ann')).toBe(111);
    expect(asked).toHaveLength(5);
    expect(connection.ended).toBeUndefined();
    const feed = { address: 'a', headers: {}, channels: ['h:1'], token: 'ann' };
    await expect(host.node.prepareFeed(feed)).rejects.toMatchObject({ code: 111, status: 429 });
    const handshake = open('a', 'ann');
    await host.settle();
    expect(handshake.ended?.code).toBe(3000);
    expect(asked).toHaveLength(5);
  });

  test('do not concern others, nor addresses that are not counted', async () => {
    await guess('a', 20);
    await guess('here', 20);
    expect(await auth(open('b'), 'ann')).toBe(0);
    expect(await auth(open('here'), 'ann')).toBe(0);
    expect(asked.filter((token) => token === 'wrong')).toHaveLength(25);
  });

  test('count in auth, refresh and for a channel alike', async () => {
    const connection = open('a', 'ann');
    await host.settle();
    const say = async (command: object): Promise<void> => {
      connection.send(JSON.stringify(command));
      await host.settle();
    };
    await say({ op: 'refresh', token: 'wrong' });
    await say({ op: 'auth', token: 'wrong' });
    await say({ op: 'subscribe', channel: 'h:1', token: 'wrong' });
    await guess('a', 2);
    expect(await auth(connection, 'ann')).toBe(111);
  });

  test('are those that nobody knows: one that was good once, or cannot be judged, is no guess', async () => {
    for (let count = 0; count < 9; count++) {
      open('a', 'old');
      open('a', 'down');
    }
    await host.settle();
    expect(await auth(open('a'), 'ann')).toBe(0);
  });

  test('leave alone who is connected, and are forgotten with time', async () => {
    const connected = open('a', 'ann');
    await host.settle();
    await guess('a', 5);
    connected.read();
    connected.send('{"op":"subscribe","channel":"h:1"}');
    await host.settle();
    expect(connected.read().toString()).toBe('{"result":true}\n');
    expect(await auth(open('a'), 'bob')).toBe(111);
    await host.clock.elapse(12_000);
    expect(await auth(open('a'), 'bob')).toBe(0);
  });

  test('of who is blocked are not counted: that is nobody who guesses', async () => {
    await host.node.reach.revocation.block({ user: 'ann' });
    for (let count = 0; count < 9; count++) open('a', 'ann');
    await host.settle();
    expect(await auth(open('a'), 'bob')).toBe(0);
  });
});
