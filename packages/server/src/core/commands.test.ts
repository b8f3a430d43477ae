import { describe, expect, test } from 'vitest';
import { keeping, startCore } from '../testing/core-host.ts';

const ok = { result: true };

describe('CMD2 subscribe', () => {
  test('answers shortly without an id, and with the position with one', async () => {
    const host = await startCore();
    const client = host.connect();
    expect(await client.ask({ op: 'subscribe', channel: 'h:1' })).toEqual([ok]);
    await host.node.publish('h:2', '1');
    const { epoch } = await host.broker.history('h:2', { limit: 0 });
    expect(await client.ask({ op: 'subscribe', channel: 'h:2', id: 'x' })).toEqual([
      { id: 'x', result: { channel: 'h:2', epoch, offset: 1, recovered: false, recoverable: true } },
    ]);
  });

  test('REC2 has no position where no history is kept', async () => {
    const host = await startCore();
    expect(await host.connect().ask({ op: 'subscribe', channel: 'n:1', id: 1 })).toEqual([
      { id: 1, result: { channel: 'n:1', recovered: false, recoverable: false } },
    ]);
  });

  test('a channel subscribed twice is 105, under its alias too', async () => {
    const host = await startCore();
    const client = host.connect({ token: 'token-ann' });
    const frames = ['@user', 'user:ann', '@user'].map((channel, id) => ({ op: 'subscribe', channel, id }));
    const answers = await client.ask(...frames);
    expect(answers).toHaveLength(3);
    expect(answers).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 0, result: expect.objectContaining({ channel: '@user' }) }),
        { id: 1, code: 105, msg: 'already subscribed' },
        { id: 2, code: 105, msg: 'already subscribed' },
      ]),
    );
  });

  test('more channels than a connection may have are 106', async () => {
    const host = await startCore({ channelsPerConnection: 2 });
    const client = host.connect();
    const subscribe = (channel: string): object => ({ op: 'subscribe', channel });
    const answers = await client.ask(subscribe('h:1'), subscribe('h:2'), subscribe('h:3'));
    expect(answers).toMatchObject([ok, ok, { code: 106, msg: expect.stringContaining('2 channels') }]);
    expect(await client.ask({ op: 'unsubscribe', channel: 'h:1' }, subscribe('h:3'))).toEqual([ok, ok]);
  });

  test.each([
    [{}, "'channel' must be a string"],
    [{ channel: 7 }, "'channel' must be a string"],
    [{ channel: '' }, "'channel' must not be empty"],
    [{ channel: 'a b' }, 'spaces or control characters'],
    [{ channel: '$canary' }, "begin with '$'"],
    [{ channel: 'é'.repeat(128) }, '255 bytes'],
    [{ channel: 'h:1', since: 5 }, "'since' must be an object"],
    [{ channel: 'h:1', since: { epoch: 'e' } }, "'since.offset'"],
    [{ channel: 'h:1', since: { epoch: 'e', offset: -1 } }, "'since.offset'"],
    [{ channel: 'h:1', since: { epoch: 'e', offset: 1.5 } }, "'since.offset'"],
    [{ channel: 'h:1', since: { offset: 1 } }, "'since.epoch' is required"],
    [{ channel: 'h:1', last: 0 }, "'last' must be a whole number from 1 to 1000"],
    [{ channel: 'h:1', last: 1_001 }, "'last'"],
    [{ channel: 'h:1', last: 1, since: { epoch: 'e', offset: 1 } }, 'not both'],
    [{ channel: 'h:1', session: 5 }, "'session' must be a string"],
  ])('with %j is 107 and takes no effect', async (fields, detail) => {
    const host = await startCore();
    const client = host.connect();
    expect(await client.ask({ op: 'subscribe', ...fields, id: 1 })).toEqual([
      { id: 1, code: 107, msg: expect.stringContaining(detail) },
    ]);
    expect(host.node.figures().subscriptions).toBe(0);
    expect(client.connection.ended).toBeUndefined();
  });

  test.each([
    ['unknown', 102],
    ['closed', 103],
    ['user:bob', 103],
    ['@other', 102],
  ])('to %s is %i', async (channel, code) => {
    const client = (await startCore()).connect({ token: 'token-ann' });
    expect(await client.ask({ op: 'subscribe', channel })).toMatchObject([{ code }]);
  });

  test('@user before there is a user is 1', async () => {
    const client = (await startCore()).connect();
    expect(await client.ask({ op: 'subscribe', channel: '@user' })).toEqual([{ code: 1, msg: 'Not Auth' }]);
  });

  test('events carry the name that the client used', async () => {
    const host = await startCore();
    const client = host.connect({ token: 'token-ann' });
    await client.ask({ op: 'subscribe', channel: '@user' });
    await host.node.publish('user:ann', '"hi"');
    expect(await client.messages()).toEqual([{ event: '@user', data: 'hi', offset: 1 }]);
  });
});

describe('CMD3 unsubscribe', () => {
  test('no event follows its reply, not even of what was published before', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    await host.node.publish('h:1', '1');
    await client.messages();
    void host.node.publish('h:1', '2');
    client.send({ op: 'unsubscribe', channel: 'h:1', id: 1 });
    void host.node.publish('h:1', '3');
    expect((await client.messages()).at(-1)).toEqual({ id: 1, result: {} });
    await host.node.publish('h:1', '4');
    expect(await client.messages()).toEqual([]);
    expect(host.node.subscribers('h:1')).toBe(0);
  });

  test('of what was never subscribed is no error', async () => {
    const client = (await startCore()).connect();
    expect(await client.ask({ op: 'unsubscribe', channel: 'h:1' })).toEqual([ok]);
  });

  test('waits for a subscribe that is under way', async () => {
    const host = await startCore();
    const client = host.connect();
    const answers = await client.ask(
      { op: 'subscribe', channel: 'h:1', id: 1 },
      { op: 'unsubscribe', channel: 'h:1', id: 2 },
    );
    expect(answers).toMatchObject([{ id: 1 }, { id: 2, result: {} }]);
    expect(host.node.subscribers('h:1')).toBe(0);
  });
});

describe('CMD4 publish', () => {
  test('answers with the position where history is kept', async () => {
    const host = await startCore();
    const client = host.connect();
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    expect(
      await client.ask(
        { op: 'publish', channel: 'h:1', data: 1 },
        { op: 'publish', channel: 'h:1', data: null, id: 1 },
        { op: 'publish', channel: 'n:1', data: [], id: 2 },
      ),
    ).toEqual([ok, { id: 1, result: { offset: 2, epoch } }, { id: 2, result: {} }]);
  });

  test('NAM4 data reaches subscribers and history as it was written', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    client.send(
      '{ "data" : { "b": 12345678901234567890, "a" : [ 1.0, -0, 1e400, "sp ace \\u00e9" ], "b": 2 } ,\n "op":"publish", "channel" : "h:1" }',
    );
    const data = '{"b":12345678901234567890,"a":[1.0,-0,1e400,"sp ace \\u00e9"],"b":2}';
    expect(await client.settledLines()).toContain(`{"event":"h:1","data":${data},"offset":1}`);
    client.send({ op: 'history', channel: 'h:1' });
    expect((await client.settledLines())[0]).toContain(`{"offset":1,"data":${data}}`);
  });

  test('NAM7 of a member twice the last one counts, however its name is written', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    client.send('{"op":"publish","data":1,"channel":"h:2","channel":"h:1","\\u0064ata":2}');
    expect(await client.settledLines()).toContain('{"event":"h:1","data":2,"offset":1}');
  });

  test.each([
    [{ channel: 'h:1' }, 107, "'data' is required"],
    [{ channel: 'h:1', data: 1, idempotency_key: 5 }, 107, "'idempotency_key' must be a string"],
    [{ channel: 'h:1', data: 1, idempotency_key: 'é'.repeat(128) }, 107, '255 bytes'],
    [{ channel: 'closed', data: 1 }, 1, 'Not Auth'],
    [{ channel: 'what', data: 1 }, 102, 'unknown channel'],
  ])('of %j is %i', async (fields, code, msg) => {
    const host = await startCore();
    const client = host.connect();
    expect(await client.ask({ op: 'publish', ...fields })).toEqual([
      { code, msg: expect.stringContaining(msg) },
    ]);
    expect((await host.broker.history('h:1', { limit: 9 })).top).toBe(0);
  });

  test('CMD5 a key makes a repeat harmless', async () => {
    const host = await startCore();
    const client = host.connect();
    const frame = { op: 'publish', channel: 'h:1', data: 1, idempotency_key: 'k' };
    const [first, second] = await client.ask({ ...frame, id: 1 }, { ...frame, id: 1 });
    expect(second).toEqual(first);
    expect((await host.broker.history('h:1', { limit: 9 })).top).toBe(1);
  });

  test('a rate beyond what a connection may have is 111, and heals with time', async () => {
    const host = await startCore({ publishesPerSecond: 2 });
    const client = host.connect();
    const frame = { op: 'publish', channel: 'h:1', data: 1 };
    expect(await client.ask(frame, frame, frame)).toMatchObject([ok, ok, { code: 111 }]);
    host.clock.advance(500);
    expect(await client.ask(frame, frame)).toMatchObject([ok, { code: 111 }]);
    expect(await host.connect().ask(frame)).toEqual([ok]);
  });

  test('WS4 publications of one connection keep their order, with and without ids', async () => {
    const host = await startCore();
    const client = host.connect();
    for (let number = 0; number < 50; number++) {
      client.send({ op: 'publish', channel: 'h:1', data: number, ...(number % 2 === 0 && { id: number }) });
    }
    await host.settle();
    const { publications } = await host.broker.history('h:1', { limit: 100 });
    const even = publications.map(({ data }) => Number(data)).filter((number) => number % 2 === 0);
    expect(even).toEqual(even.toSorted((a, b) => a - b));
    expect(publications).toHaveLength(50);
  });
});

describe('CMD6 history', () => {
  test('gives what there is, paged, with and without an id', async () => {
    const host = await startCore();
    for (let number = 1; number <= 5; number++) await host.node.publish('h:1', `${number}`);
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    const client = host.connect();
    const item = (offset: number): object => ({ offset, data: offset });
    const answers = await client.ask(
      { op: 'history', channel: 'h:1', limit: 2 },
      { op: 'history', channel: 'h:1', limit: 2, since: { epoch, offset: 2 }, id: 1 },
      { op: 'history', channel: 'h:1', limit: 2, reverse: true },
      { op: 'history', channel: 'h:1', since: { epoch, offset: 2 }, reverse: true },
    );
    expect(answers).toEqual([
      { result: { publications: [item(1), item(2)], epoch, offset: 5 } },
      { id: 1, result: { publications: [item(3), item(4)], epoch, offset: 5 } },
      { result: { publications: [item(5), item(4)], epoch, offset: 5 } },
      { result: { publications: [item(1)], epoch, offset: 5 } },
    ]);
  });

  test.each([
    [{ channel: 'n:1' }, 108],
    [{ channel: 'h:1', since: { epoch: 'another', offset: 0 } }, 112],
    [{ channel: 'h:1', limit: 0 }, 107],
    [{ channel: 'h:1', limit: 1_001 }, 107],
    [{ channel: 'h:1', reverse: 'yes' }, 107],
    [{ channel: 'closed' }, 1],
  ])('of %j is %i', async (fields, code) => {
    const client = (await startCore()).connect();
    expect(await client.ask({ op: 'history', ...fields })).toMatchObject([{ code }]);
  });

  test('a since above the top is 112', async () => {
    const host = await startCore();
    const { epoch } = await host.broker.history('h:1', { limit: 0 });
    const since = { epoch, offset: 1 };
    const answers = await host.connect().ask({ op: 'history', channel: 'h:1', since });
    expect(answers).toMatchObject([{ code: 112, msg: expect.stringContaining(epoch) }]);
  });

  test('REC8 leaves out what excludes the asker', async () => {
    const host = await startCore();
    const client = host.connect({ token: 'token-ann' });
    await host.node.publish('h:1', '1', { exclude: { sessions: [client.session] } });
    await host.node.publish('h:1', '2', { exclude: { users: ['ann'] } });
    await host.node.publish('h:1', '3', { exclude: { sessions: ['x'], users: ['bob'] } });
    const [answer] = await client.ask({ op: 'history', channel: 'h:1' });
    expect(answer).toMatchObject({ result: { publications: [{ offset: 3, data: 3 }], offset: 3 } });
  });

  test('an answer has at most 1 MiB of data', async () => {
    const host = await startCore();
    const data = JSON.stringify('x'.repeat(60_000));
    for (let number = 0; number < 30; number++) await host.node.publish('h:1', data);
    const client = host.connect();
    client.send({ op: 'history', channel: 'h:1' });
    const [line = ''] = await client.settledLines();
    expect(line.length).toBeLessThan(1_048_576 + 2_000);
    expect(line.length).toBeGreaterThan(900_000);
  });
});

describe('auth and refresh', () => {
  test('CMD1 tells session and user', async () => {
    const host = await startCore({ anonymous: false });
    const client = host.connect();
    expect(await client.ask({ op: 'auth', token: 'token-ann', id: 1 })).toEqual([
      { id: 1, result: { session: client.session, user: 'ann' } },
    ]);
    expect(await client.ask({ op: 'auth', token: 'token-ann' })).toEqual([ok]);
  });

  test('CMD1 tells in how many seconds it ends', async () => {
    const host = await startCore({
      authenticate: async () => ({ user: 'ann', expiresAt: 1_000_000 + 59_500 }),
    });
    const client = host.connect();
    const [answer] = await client.ask({ op: 'auth', token: 't', id: 1 });
    expect(answer).toMatchObject({ result: { user: 'ann', expires: 60 } });
    expect(await client.ask({ op: 'refresh', token: 't', id: 2 })).toMatchObject([
      { id: 2, result: { expires: 60 } },
    ]);
  });

  test('CMD1 CMD8 a connection cannot become another user', async () => {
    const client = (await startCore()).connect({ token: 'token-ann' });
    const answers = await client.ask(
      { op: 'auth', token: 'token-bob' },
      { op: 'refresh', token: 'token-bob' },
    );
    expect(answers).toMatchObject([{ code: 103 }, { code: 103 }]);
  });

  test.each([
    [{ op: 'auth' }, 107],
    [{ op: 'auth', token: 5 }, 107],
    [{ op: 'auth', token: 'x'.repeat(8_193) }, 107],
    [{ op: 'auth', token: 't', device: 5 }, 107],
    [{ op: 'auth', token: 'unknown' }, 101],
  ])('%j is %i, and the connection lives', async (frame, code) => {
    const client = (await startCore({ anonymous: false })).connect();
    expect(await client.ask(frame, { op: 'ping' })).toMatchObject([{ code }, { result: 'pong' }]);
    expect(client.connection.ended).toBeUndefined();
  });
});

test('CMD7 ping', async () => {
  const client = (await startCore({ anonymous: false })).connect();
  expect(await client.ask({ op: 'ping' }, { op: 'ping', id: 'p' })).toEqual([
    { result: 'pong' },
    { id: 'p', result: 'pong' },
  ]);
});

test('an unknown op is 104, and the connection lives', async () => {
  const client = (await startCore()).connect();
  expect(await client.ask({ op: 'dance' }, { op: 'ping' })).toEqual([
    { code: 104, msg: "unknown method: there is no 'dance'" },
    { result: 'pong' },
  ]);
});

test('publishing as a subscriber is allowed right after the subscribe, and not before', async () => {
  const host = await startCore();
  const client = host.connect();
  const publish = { op: 'publish', channel: 's:1', data: 1 };
  expect(await client.ask(publish)).toEqual([{ code: 1, msg: 'Not Auth' }]);
  expect(await client.ask([{ op: 'subscribe', channel: 's:1' }, publish])).toEqual([
    [ok, ok],
    { event: 's:1', data: 1, offset: 1 },
  ]);
  const other = host.connect();
  const answers = await other.ask(
    { op: 'subscribe', channel: 's:2', id: 1 },
    { ...publish, channel: 's:2', id: 2 },
  );
  expect(answers).toEqual(
    expect.arrayContaining([expect.objectContaining({ id: 2, result: expect.anything() })]),
  );
});

test('history is read with the retention of the rule', async () => {
  const host = await startCore();
  for (let number = 1; number <= keeping.size + 5; number++) await host.node.publish('h:1', `${number}`);
  const page = await host.node.history('h:1', {});
  expect([page.oldest, page.top]).toEqual([6, keeping.size + 5]);
});
