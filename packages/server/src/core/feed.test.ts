import { describe, expect, test } from 'vitest';
import { type CoreHost, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Connection } from './connection.ts';
import type { FeedRequest, PreparedFeed } from './entry.ts';

const bare = new LineWire({ isBare: true });

/** A line with the cursor behind each publication. */
class StampedWire extends LineWire {
  stamp(cursor: string): Buffer {
    return Buffer.from(`${cursor}\n`);
  }
}

function prepare(host: CoreHost, channels: string[], more: Partial<FeedRequest> = {}): Promise<PreparedFeed> {
  return host.node.prepareFeed({ address: '192.0.2.1', headers: {}, channels, ...more });
}

function connect(feed: PreparedFeed, connection = new FakeConnection(bare)): FakeConnection {
  connection.listen(feed.open(connection as Connection));
  return connection;
}

async function read(host: CoreHost, connection: FakeConnection): Promise<string[]> {
  await host.settle();
  return connection.read().toString().split('\n').slice(0, -1);
}

describe('preparing', () => {
  test('resolves when the channel is delivered: what is published from then on comes', async () => {
    const host = await startCore();
    const feed = await prepare(host, ['n:1']);
    const connection = connect(feed);
    await host.node.publish('n:1', '"x"');
    expect(await read(host, connection)).toEqual(['"x"']);
  });

  test('of a channel with history, nothing between it and the opening is lost', async () => {
    const host = await startCore();
    await host.node.publish('h:1', '1');
    const feed = await prepare(host, ['h:1']);
    await host.node.publish('h:1', '2');
    const connection = connect(feed);
    await host.node.publish('h:1', '3');
    expect(await read(host, connection)).toEqual(['2', '3']);
  });

  test('SUB10 nothing in between is lost either where another feed of the channel has it still to come', async () => {
    const host = await startCore();
    const other = connect(await prepare(host, ['h:1']));
    const feed = await prepare(host, ['h:1']);
    void host.node.publish('h:1', '1');
    await Promise.resolve();
    const connection = connect(feed);
    void host.node.publish('h:1', '2');
    expect(await read(host, connection)).toEqual(['1', '2']);
    expect(await read(host, other)).toEqual(['1', '2']);
  });

  test('SUB10 the cursor behind its first publication names all of its channels', async () => {
    const host = await startCore();
    const wire = new StampedWire({ isBare: true });
    // It reads nothing, so the log keeps what is published.
    connect(await prepare(host, ['h:1', 'h:2']), new FakeConnection(wire, 0));
    await host.node.publish('h:1', '1');
    await host.settle();
    const feed = await prepare(host, ['h:1', 'h:2']);
    await host.node.publish('h:1', '2');
    await host.settle();
    const lines = await read(host, connect(feed, new FakeConnection(wire)));
    expect(lines).toEqual(['2', expect.stringMatching(/^\w+\.[\w-]+\.2~\w+\.[\w-]+\.0$/)]);
  });

  test('that is cancelled leaves nothing behind', async () => {
    const host = await startCore();
    const feed = await prepare(host, ['h:1', 'n:1']);
    expect(host.node.figures().channels).toBe(2);
    feed.cancel();
    await host.settle();
    expect(host.node.figures()).toMatchObject({ channels: 0, sessions: 0 });
  });

  test.each<[string, string[], Partial<FeedRequest>, number, number]>([
    ['no channel', [], {}, 107, 400],
    ['a bad name', ['a b'], {}, 107, 400],
    ['an alias', ['@user'], {}, 107, 400],
    ['too many channels', Array.from({ length: 129 }, (_, index) => `h:${index}`), {}, 106, 400],
    ['an unknown channel', ['what'], {}, 102, 404],
    ['a channel for users', ['members'], {}, 1, 401],
    ['a closed channel', ['closed'], { token: 'token-ann' }, 103, 403],
    ['one of them closed', ['h:1', 'closed'], { token: 'token-ann' }, 103, 403],
    ['a bad token', ['h:1'], { token: 'wrong' }, 101, 401],
  ])('%s is refused', async (_, channels, request, code, status) => {
    const host = await startCore();
    await expect(prepare(host, channels, request)).rejects.toMatchObject({ code, status });
    expect(host.node.figures()).toMatchObject({ channels: 0, sessions: 0 });
  });

  test('without a token is refused where anonymous clients are', async () => {
    const host = await startCore({ anonymous: false });
    await expect(prepare(host, ['h:1'])).rejects.toMatchObject({ code: 1, status: 401 });
    const connection = connect(await prepare(host, ['members'], { token: 'token-ann' }));
    await host.node.publish('members', '1');
    expect(await read(host, connection)).toEqual(['1']);
  });

  test('a channel named twice is one', async () => {
    const host = await startCore();
    const connection = connect(await prepare(host, ['h:1', 'h:1']));
    await host.node.publish('h:1', '1');
    expect(await read(host, connection)).toEqual(['1']);
    expect(host.node.subscribers('h:1')).toBe(1);
  });
});

describe('an open feed', () => {
  test('gets all of its channels', async () => {
    const host = await startCore();
    const connection = connect(await prepare(host, ['h:1', 'n:1']));
    await host.node.publish('h:1', '1');
    await host.node.publish('n:1', '2');
    await host.node.publish('h:2', '3');
    expect((await read(host, connection)).toSorted()).toEqual(['1', '2']);
  });

  test('publishes what it sends, text as a string and bytes as base64, and gets it back', async () => {
    const host = await startCore();
    const client = host.connect();
    await client.ask({ op: 'subscribe', channel: 'h:1' });
    const connection = connect(await prepare(host, ['h:1']));
    connection.send('{"not":"parsed"}');
    connection.send(Buffer.from([0, 255]));
    expect(await read(host, connection)).toEqual(['"{\\"not\\":\\"parsed\\"}"', '"AP8="']);
    const { publications } = await host.broker.history('h:1', { limit: 9 });
    expect(publications.map(({ binary }) => binary)).toEqual([undefined, true]);
  });

  test.each([
    ['several channels', ['h:1', 'h:2'], 3507],
    ['a channel that it may not publish to', ['user:ann'], 3507],
  ])('of %s that sends is closed with %s', async (_, channels, code) => {
    const host = await startCore();
    const connection = connect(await prepare(host, channels, { token: 'token-ann' }));
    connection.send('x');
    await host.settle();
    expect(connection.ended?.code).toBe(code);
    expect(host.node.figures().sessions).toBe(0);
  });

  test('may publish as a subscriber', async () => {
    const host = await startCore();
    const connection = connect(await prepare(host, ['s:1']));
    connection.send('x');
    expect(await read(host, connection)).toEqual(['"x"']);
  });

  test('is read no further while a thousand of its publications are under way', async () => {
    const host = await startCore();
    const connection = connect(await prepare(host, ['h:1']));
    for (let count = 0; count < 1_500; count++) connection.send(`${count}`);
    expect(connection.isPaused).toBe(true);
    await host.settle();
    await host.settle();
    expect(connection.isPaused).toBe(false);
    expect((await host.broker.history('h:1', { limit: 1 })).top).toBe(1_500);
  });

  test('that is gone leaves nothing behind', async () => {
    const host = await startCore();
    const connection = connect(await prepare(host, ['h:1', 'n:1']));
    connection.cut();
    await host.settle();
    expect(host.node.figures()).toMatchObject({ channels: 0, sessions: 0, subscriptions: 0 });
  });
});

describe('where it starts', () => {
  async function withFive(): Promise<CoreHost> {
    const host = await startCore();
    for (let number = 1; number <= 5; number++) await host.node.publish('h:1', `${number}`);
    return host;
  }

  test.each<[string, Partial<FeedRequest>, string[]]>([
    ['by default at the newest', {}, []],
    ['from the oldest', { from: 'oldest' }, ['1', '2', '3', '4', '5']],
    ['with the newest two', { last: 2 }, ['4', '5']],
    ['with more than there are', { last: 99 }, ['1', '2', '3', '4', '5']],
  ])('%s', async (_, request, expected) => {
    const host = await withFive();
    const feed = await prepare(host, ['h:1'], request);
    expect([feed.recovered, feed.isBehind]).toEqual([undefined, expected.length > 0]);
    expect(await read(host, connect(feed))).toEqual(expected);
  });

  test('after its cursor, with everything since', async () => {
    const host = await withFive();
    const { cursor } = await prepare(host, ['h:1']);
    for (let number = 6; number <= 7; number++) await host.node.publish('h:1', `${number}`);
    const feed = await prepare(host, ['h:1'], { cursor });
    expect(feed.recovered).toBe(true);
    expect(await read(host, connect(feed))).toEqual(['6', '7']);
  });

  test('a cursor that is too old, or of another stream, is told and gives what is kept', async () => {
    const host = await withFive();
    const { cursor } = await prepare(host, ['h:1']);
    await host.node.publish('h:1', '6');
    await host.node.removeHistory('h:1');
    await host.node.publish('h:1', '7');
    const old = await prepare(host, ['h:1'], { cursor });
    expect([old.recovered, await read(host, connect(old))]).toEqual([false, ['7']]);
    const stranger = await withFive();
    const other = await prepare(stranger, ['h:1'], { cursor });
    expect([other.recovered, await read(stranger, connect(other))]).toEqual([
      false,
      ['1', '2', '3', '4', '5'],
    ]);
  });

  test('an unreadable cursor is refused', async () => {
    const host = await startCore();
    await expect(prepare(host, ['h:1'], { cursor: 'no cursor' })).rejects.toMatchObject({ code: 107 });
    expect(host.node.figures().channels).toBe(0);
  });
});
