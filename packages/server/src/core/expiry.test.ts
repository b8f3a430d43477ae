import { beforeEach, describe, expect, test } from 'vitest';
import { type CoreHost, startCore, type TestClient } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';

let host: CoreHost;

/** The token `ada 60` is the user `ada` for 60 seconds, `ada` for ever; ` 60` names no user; `bad` is 101, `old` 109, `down` 108. */
async function authenticate(token: string): Promise<Identity> {
  if (token === 'bad') throw refuse('unauthorized');
  if (token === 'old') throw refuse('tokenExpired');
  if (token === 'down') throw refuse('notAvailable');
  const [user, seconds] = token.split(' ');
  return {
    ...(user !== '' && { user }),
    ...(seconds !== undefined && { expiresAt: host.clock.now() + Number(seconds) * 1_000 }),
    channels: ['n:listed'],
  };
}

beforeEach(async () => {
  host = await startCore({ anonymous: false, authenticate });
});

function codeOf(client: TestClient): number | undefined {
  return client.connection.ended?.code;
}

async function loggedIn(token: string): Promise<TestClient> {
  const client = host.connect();
  await client.ask({ op: 'auth', token });
  return client;
}

describe('CMD1, ACC8: a session', () => {
  test('is told how long its token is good, and closed with 3005 when that is over', async () => {
    const client = host.connect();
    expect(await client.ask({ op: 'auth', token: 'ada 60', id: 1 })).toEqual([
      { id: 1, result: { session: client.session, user: 'ada', expires: 60 } },
    ]);
    await host.clock.elapse(59_000);
    expect(codeOf(client)).toBeUndefined();
    await host.clock.elapse(1_000);
    expect(codeOf(client)).toBe(3005);
    expect(host.node.figures().sessions).toBe(0);
  });

  test('whose token came with the handshake ends as well', async () => {
    const client = host.connect({ token: 'ada 60' });
    await host.clock.elapse(61_000);
    expect(codeOf(client)).toBe(3005);
  });

  test('whose token never ends does not', async () => {
    const client = await loggedIn('ada');
    await host.clock.elapse(10_000_000);
    expect(codeOf(client)).toBeUndefined();
  });

  test('that is gone leaves no timer behind', async () => {
    const before = host.clock.timers;
    const client = await loggedIn('ada 60');
    expect(host.clock.timers).toBeGreaterThan(before);
    client.connection.cut();
    await host.clock.elapse(10_000);
    expect(host.clock.timers).toBe(before);
  });

  test('costs no timer of its own', async () => {
    for (let count = 0; count < 1_000; count++) host.connect({ token: `u${count} ${60 + count}` });
    await host.clock.elapse(10_000);
    // The broker and what is common to all; not one a session.
    expect(host.clock.timers).toBeLessThan(10);
    expect(host.node.figures().sessions).toBe(1_000);
    await host.clock.elapse(560_000);
    expect(host.node.figures().sessions).toBe(489);
  });
});

describe('CMD8: refresh', () => {
  test('moves the end of the session, and tells the new one', async () => {
    const client = await loggedIn('ada 60');
    await host.clock.elapse(50_000);
    expect(await client.ask({ op: 'refresh', token: 'ada 60', id: 2 })).toEqual([
      { id: 2, result: { expires: 60 } },
    ]);
    await host.clock.elapse(50_000);
    expect(codeOf(client)).toBeUndefined();
    await host.clock.elapse(20_000);
    expect(codeOf(client)).toBe(3005);
  });

  test('may take the end away', async () => {
    const client = await loggedIn('ada 60');
    expect(await client.ask({ op: 'refresh', token: 'ada' })).toEqual([{ result: true }]);
    await host.clock.elapse(1_000_000);
    expect(codeOf(client)).toBeUndefined();
  });

  test('with the token of somebody else is 103 and changes nothing', async () => {
    const client = await loggedIn('ada 60');
    expect(await client.ask({ op: 'refresh', token: 'bob 600' })).toMatchObject([{ code: 103 }]);
    await host.clock.elapse(60_000);
    expect(codeOf(client)).toBe(3005);
  });

  test('that is refused changes nothing', async () => {
    const client = await loggedIn('ada 60');
    expect(await client.ask({ op: 'refresh', token: 'old' }, { op: 'refresh', token: 'down' })).toMatchObject(
      [{ code: 109 }, { code: 108 }],
    );
    await host.clock.elapse(60_000);
    expect(codeOf(client)).toBe(3005);
  });

  test('before auth is refused', async () => {
    expect(await host.connect().ask({ op: 'refresh', token: 'ada' })).toEqual([{ code: 1, msg: 'Not Auth' }]);
  });

  test('takes its turn also with an id: one connection asks for one token at a time', async () => {
    let [open, most] = [0, 0];
    host = await startCore({
      authenticate: async () => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setImmediate(resolve));
        open -= 1;
        return { user: 'ada' };
      },
    });
    const client = host.connect();
    const frames = Array.from({ length: 20 }, (_, id) => ({
      op: id === 0 ? 'auth' : 'refresh',
      token: 't',
      id,
    }));
    const answers = await client.ask(...frames);
    for (let round = 0; round < 30 && answers.length < 20; round++)
      answers.push(...(await client.messages()));
    expect(answers).toHaveLength(20);
    expect(most).toBe(1);
  });
});

describe('ACC9: a token that names no user', () => {
  test('admits to what anyone may, and to the channels that it lists', async () => {
    const rules = [
      { pattern: 'n:*', subscribe: 'token', publish: 'nobody', readHistory: 'nobody' } as const,
      { pattern: 'open', subscribe: 'anyone', publish: 'nobody', readHistory: 'nobody' } as const,
      { pattern: 'members', subscribe: 'user', publish: 'nobody', readHistory: 'nobody' } as const,
    ];
    host = await startCore({ anonymous: false, authenticate, rules });
    const client = host.connect();
    const subscribe = ['open', 'n:listed', 'n:other', 'members'].map((channel) => ({
      op: 'subscribe',
      channel,
    }));
    expect(await client.ask({ op: 'auth', token: ' 60' }, ...subscribe)).toMatchObject([
      { result: true },
      { result: true },
      { result: true },
      { code: 1 },
      { code: 1 },
    ]);
    await host.clock.elapse(20_000);
    expect(codeOf(client)).toBeUndefined();
  });

  test('and that nobody showed does not', async () => {
    const client = host.connect();
    expect(await client.ask({ op: 'subscribe', channel: 'n:listed' })).toEqual([
      { code: 1, msg: 'Not Auth' },
    ]);
    await host.clock.elapse(10_000);
    expect(codeOf(client)).toBe(3501);
  });
});

describe('ACC10: tokens that are refused', () => {
  test('ten in a row end the connection with 3508, and the last is still told', async () => {
    const client = host.connect();
    for (let count = 1; count < 10; count++) {
      expect(await client.ask({ op: 'auth', token: count % 2 ? 'bad' : 'old' })).toHaveLength(1);
    }
    expect(codeOf(client)).toBeUndefined();
    expect(await client.ask({ op: 'auth', token: 'bad', id: 'last' })).toMatchObject([
      { id: 'last', code: 101 },
    ]);
    expect(codeOf(client)).toBe(3508);
  });

  test('count from the last one that was accepted', async () => {
    const client = host.connect();
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 9; count++) await client.ask({ op: 'auth', token: 'bad' });
      await client.ask({ op: 'auth', token: 'ada' });
    }
    expect(codeOf(client)).toBeUndefined();
  });

  test('are not those that could not be judged', async () => {
    const client = host.connect();
    for (let count = 0; count < 30; count++) {
      expect(await client.ask({ op: 'auth', token: 'down' })).toMatchObject([{ code: 108 }]);
    }
    expect(codeOf(client)).toBeUndefined();
  });
});

describe('ACC8: a feed', () => {
  test('ends with 3005 when its token does', async () => {
    const prepared = await host.node.prepareFeed({
      address: '192.0.2.1',
      headers: {},
      token: 'ada 60',
      channels: ['n:a', 'h:b'],
    });
    const connection = new FakeConnection(new LineWire());
    connection.listen(prepared.open(connection));
    await host.clock.elapse(59_000);
    expect(connection.ended).toBeUndefined();
    expect(host.node.subscribers('n:a')).toBe(1);
    await host.clock.elapse(1_000);
    expect(connection.ended?.code).toBe(3005);
    expect(host.node.subscribers('n:a')).toBe(0);
  });
});
