import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { startCore, type TestClient } from '../testing/core-host.ts';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';

const ping = { op: 'ping' };
const pong = { result: 'pong' };

/** An authentication that is decided when the test says so. */
function pendingAuth(): {
  authenticate: (token: string) => Promise<Identity>;
  decide: (identity: Identity | Error) => void;
} {
  let settle: ((identity: Identity | Error) => void) | undefined;
  return {
    authenticate: () =>
      new Promise((resolve, reject) => {
        settle = (identity) => (identity instanceof Error ? reject(identity) : resolve(identity));
      }),
    decide: (identity) => settle?.(identity),
  };
}

function codes(messages: readonly unknown[]): (number | undefined)[] {
  return messages.map((message) => (message as { readonly code?: number }).code);
}

describe('ids', () => {
  test.each(['1', '0', '-1.50', '1e3', '"x"', '"\\u0061 é"', '12345678901234567890', '""'])(
    'WS3 %s comes back as it was written',
    async (id) => {
      const client = (await startCore()).connect();
      client.send(`{"op":"ping","id": ${id} }`);
      expect(await client.settledLines()).toEqual([`{"id":${id},"result":"pong"}`]);
    },
  );

  test.each(['null', 'true', '{}', '[1]', JSON.stringify('x'.repeat(256))])(
    'WS3 %s is 107, and nothing is done',
    async (id) => {
      const host = await startCore();
      const client = host.connect();
      client.send(`{"op":"subscribe","channel":"h:1","id":${id}}`);
      expect(await client.messages()).toEqual([{ code: 107, msg: expect.stringContaining("'id' must be") }]);
      expect(host.node.subscribers('h:1')).toBe(0);
    },
  );

  test('are echoed in errors, too', async () => {
    const client = (await startCore()).connect();
    expect(await client.ask({ op: 'dance', id: 5 })).toEqual([
      { id: 5, code: 104, msg: expect.stringContaining('dance') },
    ]);
  });
});

describe('the order of answers', () => {
  test('WS4 without an id it is that of the commands, though one takes longer', async () => {
    const auth = pendingAuth();
    const client = (await startCore({ authenticate: auth.authenticate })).connect();
    client.send({ op: 'refresh', token: 't' });
    client.send(ping);
    expect(await client.messages()).toEqual([]);
    auth.decide({ user: 'ann' });
    expect(await client.messages()).toEqual([{ result: true }, pong]);
  });

  test('WS4 with ids nobody waits for another', async () => {
    const auth = pendingAuth();
    const client = (await startCore({ authenticate: auth.authenticate })).connect();
    client.send({ op: 'refresh', token: 't', id: 1 });
    client.send({ ...ping, id: 2 });
    expect(await client.messages()).toEqual([{ id: 2, ...pong }]);
    auth.decide({ user: 'ann' });
    expect(await client.messages()).toEqual([{ id: 1, result: {} }]);
  });

  test('WS5 auth holds back everything after it, with ids too', async () => {
    const auth = pendingAuth();
    const host = await startCore({ authenticate: auth.authenticate, anonymous: false });
    const client = host.connect();
    client.send({ ...ping, id: 0 });
    client.send({ op: 'auth', token: 't', id: 1 });
    client.send({ op: 'subscribe', channel: 'members', id: 2 });
    client.send([{ ...ping, id: 3 }]);
    client.send({ ...ping, id: 4 });
    expect(await client.messages()).toEqual([{ id: 0, ...pong }]);
    auth.decide({ user: 'ann' });
    const messages = await client.messages();
    expect(messages[0]).toMatchObject({ id: 1, result: { user: 'ann' } });
    expect(messages).toHaveLength(4);
    expect(messages).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: 2, result: expect.anything() })]),
    );
  });

  test('WS5 what follows a refused auth is judged without it', async () => {
    const auth = pendingAuth();
    const client = (await startCore({ authenticate: auth.authenticate, anonymous: false })).connect();
    client.send({ op: 'auth', token: 't' });
    client.send({ op: 'subscribe', channel: 'h:1', id: 1 });
    auth.decide(refuse('tokenExpired'));
    expect(codes(await client.messages())).toEqual([109, 1]);
  });
});

describe('WS2 a batch', () => {
  test('is answered by one array, in its order', async () => {
    const client = (await startCore()).connect();
    const batch = [
      { ...ping, id: 2 },
      ping,
      { op: 'dance', id: 'x' },
      { op: 'history', channel: 'h:1', id: 1 },
    ];
    expect(await client.ask(batch)).toEqual([
      [
        { id: 2, ...pong },
        pong,
        { id: 'x', code: 104, msg: expect.anything() },
        { id: 1, result: expect.objectContaining({ publications: [] }) },
      ],
    ]);
  });

  test('that is empty is answered by an empty array', async () => {
    const client = (await startCore()).connect();
    expect(await client.ask([])).toEqual([[]]);
  });

  test('has the events of what it subscribed to after its answer', async () => {
    const host = await startCore();
    await host.node.publish('h:1', '"kept"');
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    const client = host.connect();
    const messages = await client.ask([
      { op: 'subscribe', channel: 'h:1', since: { epoch, offset: 0 } },
      { op: 'publish', channel: 'h:1', data: 'own' },
      { op: 'subscribe', channel: 'n:1' },
      { op: 'publish', channel: 'n:1', data: 'plain' },
    ]);
    expect(messages[0]).toHaveLength(4);
    expect(messages.slice(1)).toEqual(
      expect.arrayContaining([
        { event: 'h:1', data: 'kept', offset: 1 },
        { event: 'h:1', data: 'own', offset: 2 },
        { event: 'n:1', data: 'plain' },
      ]),
    );
    expect(messages).toHaveLength(4);
  });

  test('that subscribes and unsubscribes leaves nothing behind', async () => {
    const host = await startCore();
    const client = host.connect();
    await host.node.publish('h:1', '1');
    const messages = await client.ask([
      { op: 'subscribe', channel: 'h:1', last: 5 },
      { op: 'unsubscribe', channel: 'h:1' },
    ]);
    expect(messages).toEqual([[{ result: true }, { result: true }]]);
    expect(host.node.figures().channels).toBe(0);
  });

  test('of more commands than allowed ends the connection', async () => {
    const client = (await startCore()).connect();
    const messages = await client.ask(Array(limits.batchCommands + 1).fill(ping));
    expect(codes(messages)).toEqual([107]);
    expect(client.connection.ended?.code).toBe(3501);
  });

  test('whose answer is full refuses the rest with 106, whatever the rest looks like', async () => {
    const host = await startCore();
    const data = JSON.stringify('x'.repeat(60_000));
    for (let number = 0; number < 20; number++) await host.node.publish('h:1', data);
    const client = host.connect();
    const history = { op: 'history', channel: 'h:1' };
    client.send([history, history, { ...ping, id: 7 }, { ...ping, id: {} }, ping]);
    client.send(ping);
    const [answer, after] = (await client.messages()) as [unknown[], unknown];
    expect(codes(answer)).toEqual([undefined, undefined, 106, 107, 106]);
    expect(answer[2]).toMatchObject({ id: 7 });
    expect(after).toEqual(pong);
  });
});

describe('WS7 bad input', () => {
  test.each([
    '',
    'hello',
    '{',
    '"text"',
    '7',
    'null',
    'true',
    '[1]',
    '[{"op":"ping"},7]',
    '[[]]',
    '{"op":"ping"} x',
  ])('%j: error 107, then close 3501', async (frame) => {
    const client = (await startCore()).connect();
    expect(codes(await client.ask(frame))).toEqual([107]);
    expect(client.connection.ended).toEqual({ code: 3501, reason: 'bad request' });
  });

  test('a binary frame: error 107, then close 3501', async () => {
    const client = (await startCore()).connect();
    client.connection.send(Buffer.from('{"op":"ping"}'));
    expect(codes(await client.messages())).toEqual([107]);
    expect(client.connection.ended?.code).toBe(3501);
  });

  test.each([{}, { op: 5 }, { op: null, id: 1 }])('%j is 107, and the connection lives', async (frame) => {
    const client = (await startCore()).connect();
    expect(codes(await client.ask(frame, ping))).toEqual([107, undefined]);
    expect(client.connection.ended).toBeUndefined();
  });

  test('unknown members of a command are ignored', async () => {
    const client = (await startCore()).connect();
    expect(await client.ask({ ...ping, what: { is: 'this' } })).toEqual([pong]);
  });

  test('a hundred errors in a row: close 3508', async () => {
    const client = (await startCore()).connect();
    const wrong = [{ op: 'dance' }, { op: 'subscribe' }];
    for (let count = 0; count < 99; count++) client.send(wrong[count % 2]);
    await client.messages();
    expect(client.connection.ended).toBeUndefined();
    expect(codes(await client.ask(wrong[0]))).toEqual([104]);
    expect(client.connection.ended).toEqual({ code: 3508, reason: 'too many errors' });
  });

  test('a hundred errors in a batch are answered before the close', async () => {
    const client = (await startCore()).connect();
    const [answer] = await client.ask(Array(100).fill({ op: 'dance' }));
    expect(answer).toHaveLength(100);
    expect(client.connection.ended?.code).toBe(3508);
  });

  test('errors that are not in a row do no harm, and refusals by a rule do not count', async () => {
    const client = (await startCore()).connect();
    for (let count = 0; count < 300; count++) {
      client.send({ op: 'dance' });
      if (count % 50 === 49) client.send(ping);
      client.send({ op: 'subscribe', channel: 'closed' });
    }
    expect(await client.messages()).toHaveLength(606);
    expect(client.connection.ended).toBeUndefined();
  });

  test('a fault of the server is 100 and is logged, not told', async () => {
    const host = await startCore({ authenticate: () => Promise.reject(new Error('secret detail')) });
    const answers = await host.connect().ask({ op: 'auth', token: 't' });
    expect(answers).toEqual([{ code: 100, msg: 'internal server error' }]);
    expect(host.errors).toHaveLength(1);
  });
});

describe('before auth', () => {
  const start = async (): Promise<{ client: TestClient; host: Awaited<ReturnType<typeof startCore>> }> => {
    const host = await startCore({ anonymous: false });
    return { host, client: host.connect() };
  };

  test.each([
    { op: 'subscribe', channel: 'h:1' },
    { op: 'unsubscribe', channel: 'h:1' },
    { op: 'publish', channel: 'h:1', data: 1 },
    { op: 'history', channel: 'h:1' },
    { op: 'refresh', token: 'token-ann' },
    { op: 'dance' },
  ])('%j is answered Not Auth', async (frame) => {
    const { client } = await start();
    expect(await client.ask(frame)).toEqual([{ code: 1, msg: 'Not Auth' }]);
  });

  test('it is closed with 3501 after ten seconds', async () => {
    const { client, host } = await start();
    await client.ask(ping);
    host.clock.advance(9_900);
    expect(client.connection.ended).toBeUndefined();
    host.clock.advance(200);
    expect(client.connection.ended).toEqual({ code: 3501, reason: 'bad request' });
  });

  test('it is not closed after auth', async () => {
    const { client, host } = await start();
    await client.ask({ op: 'auth', token: 'token-ann' });
    host.clock.advance(60_000);
    expect(client.connection.ended).toBeUndefined();
  });

  test('where anonymous clients are admitted they may do what anyone may, for as long as they like', async () => {
    const host = await startCore();
    const client = host.connect();
    expect(await client.ask({ op: 'subscribe', channel: 'h:1' })).toEqual([{ result: true }]);
    expect(await client.ask({ op: 'subscribe', channel: 'members' })).toEqual([{ code: 1, msg: 'Not Auth' }]);
    host.clock.advance(60_000);
    expect(client.connection.ended).toBeUndefined();
  });
});

describe('a token that came with the handshake', () => {
  test('authenticates before any command', async () => {
    const auth = pendingAuth();
    const host = await startCore({ anonymous: false, authenticate: auth.authenticate });
    const client = host.connect({ token: 't' });
    client.send({ op: 'subscribe', channel: 'members', id: 1 });
    expect(await client.messages()).toEqual([]);
    auth.decide({ user: 'ann' });
    expect(await client.messages()).toMatchObject([{ id: 1, result: { channel: 'members' } }]);
  });

  test.each([
    ['unauthorized', 3500],
    ['tokenExpired', 3500],
    ['notAvailable', 3000],
  ] as const)('that is refused as %s: close %i', async (name, code) => {
    const host = await startCore({ authenticate: () => Promise.reject(refuse(name)) });
    const client = host.connect({ token: 't' });
    client.send(ping);
    expect(await client.messages()).toEqual([]);
    expect(client.connection.ended?.code).toBe(code);
  });

  test('leaves no trace of a user when its client is gone before the answer', async () => {
    const auth = pendingAuth();
    const host = await startCore({ authenticate: auth.authenticate });
    const client = host.connect({ token: 't' });
    client.connection.cut();
    auth.decide({ user: 'ann' });
    await host.settle();
    expect(host.node.figures()).toMatchObject({ sessions: 0, users: 0 });
  });
});

describe('WS14 commands that await an answer', () => {
  test('beyond a thousand the connection is not read until some are answered', async () => {
    const auth = pendingAuth();
    const client = (await startCore({ authenticate: auth.authenticate })).connect();
    client.send({ op: 'auth', token: 't' });
    for (let count = 0; count < limits.pendingCommands - 2; count++) client.send(ping);
    expect(client.connection.isPaused).toBe(false);
    client.send(ping);
    expect(client.connection.isPaused).toBe(true);
    for (let count = 0; count < 50; count++) client.send(ping);
    expect(await client.messages()).toEqual([]);
    auth.decide({ user: 'ann' });
    expect(await client.messages()).toHaveLength(1_050);
    expect(client.connection.isPaused).toBe(false);
  });

  test('a batch counts as its commands', async () => {
    const auth = pendingAuth();
    const client = (await startCore({ authenticate: auth.authenticate })).connect();
    client.send({ op: 'auth', token: 't' });
    client.send(Array(limits.pendingCommands - 1).fill(ping));
    expect(client.connection.isPaused).toBe(true);
    auth.decide({ user: 'ann' });
    expect(await client.messages()).toHaveLength(2);
    expect(client.connection.isPaused).toBe(false);
  });

  test('a connection that is full is not read, whatever waits', async () => {
    const host = await startCore();
    const client = host.connect({ capacity: 50 });
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    for (let count = 0; count < 5; count++) await host.node.publish('h:1', '1');
    await host.settle();
    expect(client.connection.isPaused).toBe(true);
    expect(await client.messages()).toHaveLength(5);
    expect(client.connection.isPaused).toBe(false);
  });
});
