import { beforeEach, describe, expect, test } from 'vitest';
import { type CoreHost, type CoreHostOptions, startCore, type TestClient } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Identity } from './access.ts';
import type { Block, BlockStore } from './blocks.ts';
import type { Connection } from './connection.ts';

const bare = new LineWire({ isBare: true });

/** `ann 1` is a token of ann whose `jti` is `1`; `ann` has none; ` 1` names no user. Those that begin with `held` wait to be let go. */
let held: (() => void)[] = [];
async function authenticate(token: string): Promise<Identity> {
  const [user, tokenId] = token.replace('held:', '').split(' ');
  if (token.startsWith('held:')) await new Promise<void>((resolve) => held.push(resolve));
  return { ...(user !== '' && { user }), ...(tokenId !== undefined && { tokenId }) };
}

let host: CoreHost;
async function start(options: CoreHostOptions = {}): Promise<CoreHost> {
  return startCore({ authenticate, ...options });
}
beforeEach(async () => {
  held = [];
  host = await start();
});

async function login(token: string): Promise<TestClient> {
  const client = host.connect();
  await client.ask({ op: 'auth', token });
  return client;
}

function endOf({ connection }: { connection: FakeConnection }): unknown {
  return connection.ended;
}

async function openFeed(token: string): Promise<{ connection: FakeConnection }> {
  const feed = await host.node.prepareFeed({ address: '192.0.2.1', headers: {}, channels: ['n:1'], token });
  const connection = new FakeConnection(bare);
  connection.listen(feed.open(connection as Connection));
  return { connection };
}

const invalid = { code: 3500, reason: 'invalid token' };

describe('ACC16: block ends', () => {
  test('every session of the user, feeds among them, and nobody else', async () => {
    const ended = [await login('ann 1'), await login('ann'), await openFeed('ann')];
    const others = [await login('bob 1'), await openFeed('bob'), host.connect()];
    expect(await host.node.reach.revocation.block({ user: 'ann' })).toBe(3);
    expect(ended.map(endOf)).toEqual([invalid, invalid, invalid]);
    expect(others.map(endOf)).toEqual([undefined, undefined, undefined]);
    expect(await host.node.reach.revocation.block({ user: 'ann' })).toBe(0);
  });

  test('the sessions of one token, also of one that names no user', async () => {
    const ended = [await login('ann 1'), await login(' 1'), await openFeed('ann 1')];
    const others = [await login('ann 2'), await login('ann'), await login('1'), host.connect()];
    expect(await host.node.reach.revocation.block({ jti: '1' }, { reason: 'logged out' })).toBe(3);
    expect(ended.map(endOf)).toEqual(Array(3).fill({ code: 3500, reason: 'logged out' }));
    expect(others.map(endOf)).toEqual(Array(4).fill(undefined));
  });

  test('more than are closed in one turn', async () => {
    const clients = Array.from({ length: 2_000 }, () => host.connect({ token: 'ann 1' }));
    await host.settle();
    const blocked = host.node.reach.revocation.block({ jti: '1' });
    await host.settle();
    expect([await blocked, clients.filter((client) => endOf(client) === undefined)]).toEqual([2_000, []]);
  });
});

describe('ACC16: who is blocked is refused with 101', () => {
  const refused = { code: 101, msg: 'unauthorized: the user is blocked: spam' };
  beforeEach(() => host.node.reach.revocation.block({ user: 'ann' }, { durationMs: 60_000, reason: 'spam' }));

  test('in auth, and the connection lives', async () => {
    const client = host.connect();
    expect(await client.ask({ op: 'auth', token: 'ann 2' })).toEqual([refused]);
    expect(await client.ask({ op: 'auth', token: 'bob' })).toEqual([{ result: true }]);
  });

  test('in a handshake (3500), a feed, and whatever else asks about a token', async () => {
    const client = host.connect({ token: 'ann' });
    await host.settle();
    expect(endOf(client)).toEqual(invalid);
    const message = refused.msg;
    await expect(openFeed('ann')).rejects.toMatchObject({ code: 101, status: 401, message });
    await expect(host.node.authenticator.authenticate('ann')).rejects.toMatchObject({ code: 101, message });
  });

  test('by bind, which leaves the session as it was', async () => {
    const client = await login('bob');
    expect(() => host.node.reach.people.bind(client.session, 'ann')).toThrow(
      expect.objectContaining({ code: 101, status: 403, message: refused.msg }),
    );
    expect(await host.node.reach.directory.user('bob')).toEqual([client.session]);
  });

  test('until the time is over', async () => {
    await host.clock.elapse(60_000);
    expect(endOf(await login('ann'))).toBeUndefined();
    expect(await host.node.reach.directory.user('ann')).toHaveLength(1);
  });

  test('until unblock, which does nothing to who is not blocked', async () => {
    const { revocation, directory } = host.node.reach;
    await revocation.unblock({ user: 'bob' });
    await revocation.unblock({ jti: 'ann' });
    await login('ann');
    expect(await directory.user('ann')).toEqual([]);
    await revocation.unblock({ user: 'ann' });
    await login('ann');
    expect(await directory.user('ann')).toHaveLength(1);
  });

  test('and the server side goes on: it publishes into their channel, which they read later', async () => {
    await host.node.publish('user:ann', '1');
    await host.clock.elapse(60_000);
    const client = await login('ann');
    const [, event] = await client.ask({ op: 'subscribe', channel: '@user', last: 1 });
    expect(event).toEqual({ event: '@user', data: 1, offset: 1 });
  });
});

describe('ACC16: a block that comes while a token is judged', () => {
  test('holds for an auth that was under way', async () => {
    const client = host.connect();
    await client.ask({ op: 'auth', token: 'held:ann' });
    expect(await host.node.reach.revocation.block({ user: 'ann' })).toBe(0);
    held[0]?.();
    expect(await client.messages()).toEqual([{ code: 101, msg: 'unauthorized: the user is blocked' }]);
    expect(await host.node.reach.directory.user('ann')).toEqual([]);
  });

  test('holds for a handshake and for a feed that were under way', async () => {
    const client = host.connect({ token: 'held:ann 1' });
    const feed = openFeed('held:ann 1');
    feed.catch(() => {});
    await host.settle();
    await host.node.reach.revocation.block({ jti: '1' });
    for (const go of held) go();
    await host.settle();
    expect(endOf(client)).toEqual(invalid);
    await expect(feed).rejects.toMatchObject({ code: 101 });
  });

  test('ends what was judged before it and opened after it', async () => {
    const feed = await host.node.prepareFeed({
      ...{ address: '192.0.2.1', headers: {} },
      ...{ channels: ['n:1'], token: 'ann' },
    });
    await host.node.reach.revocation.block({ user: 'ann' });
    const connection = new FakeConnection(bare);
    connection.listen(feed.open(connection as Connection));
    const stream = new FakeConnection(bare);
    const admitted = { session: 's1', identity: { user: 'ann' } };
    const request = { address: '192.0.2.1', headers: {}, token: 'ann', admitted };
    stream.listen(host.node.accept(stream, request));
    stream.send('{"op":"subscribe","channel":"user:ann"}');
    await host.settle();
    expect([connection.ended, stream.ended]).toEqual([invalid, invalid]);
    expect(host.node.figures()).toMatchObject({ sessions: 0, users: 0, subscriptions: 0 });
  });

  test('holds for a refresh: the session is over, and nothing brings it back', async () => {
    const client = await login('ann');
    client.send({ op: 'refresh', token: 'held:ann' });
    await host.settle();
    await host.node.reach.revocation.block({ user: 'ann' });
    held[0]?.();
    await host.settle();
    expect(endOf(client)).toEqual(invalid);
    expect(host.node.figures()).toMatchObject({ sessions: 0, users: 0 });
  });
});

test('ACC16: a refresh with a token that was withdrawn is refused, and the session stays what it was', async () => {
  const client = await login('ann 1');
  await host.node.reach.revocation.block({ jti: '2' });
  expect(await client.ask({ op: 'refresh', token: 'ann 2' })).toEqual([
    { code: 101, msg: 'unauthorized: the token was withdrawn' },
  ]);
  expect((await host.node.reach.directory.session(client.session)).jti).toBe('1');
});

describe('ADR8: whoever the server side says that a session is, it ends with its token', () => {
  test('when that is withdrawn', async () => {
    const clients = [await login('ann 1'), await login('ann 1'), await login('ann 1')];
    const { people, revocation } = host.node.reach;
    people.bind(clients[0]?.session ?? '', 'bob');
    people.unbind(clients[1]?.session ?? '', 'ann');
    expect(await revocation.block({ jti: '1' })).toBe(3);
    expect(clients.map(endOf)).toEqual([invalid, invalid, invalid]);
  });

  test('when that runs out', async () => {
    host = await start({
      authenticate: async (token) => ({ user: token, expiresAt: host.clock.now() + 60_000 }),
    });
    const clients = [await login('ann'), await login('ann'), host.connect()];
    const { people, directory } = host.node.reach;
    people.bind(clients[0]?.session ?? '', 'bob');
    people.unbind(clients[1]?.session ?? '', undefined);
    people.bind(clients[2]?.session ?? '', 'cat');
    expect(await directory.user('bob')).toHaveLength(1);
    await host.clock.elapse(60_000);
    expect(clients.map(({ connection }) => connection.ended?.code)).toEqual([3005, 3005, undefined]);
  });

  test('and one that became nobody may log in again, with an end of its own', async () => {
    host = await start({
      anonymous: false,
      authenticate: async (token) => ({
        user: token,
        ...(token === 'ann' && { expiresAt: host.clock.now() + 60_000 }),
      }),
    });
    const client = await login('ann');
    host.node.reach.people.unbind(client.session, 'ann');
    expect(await client.ask({ op: 'subscribe', channel: 'n:1' })).toEqual([{ code: 1, msg: 'Not Auth' }]);
    expect(await client.ask({ op: 'auth', token: 'bob' })).toEqual([{ result: true }]);
    await host.clock.elapse(120_000);
    expect(client.connection.ended).toBeUndefined();
  });
});

describe('ACC16: a store for blocks', () => {
  class Kept implements BlockStore {
    readonly blocks: Block[] = [];
    fault: Error | undefined;

    async load(): Promise<readonly Block[]> {
      return this.blocks;
    }

    async save(block: Block): Promise<void> {
      if (this.fault !== undefined) throw this.fault;
      this.blocks.push(block);
    }

    async remove({ user }: { user?: string }): Promise<void> {
      if (this.fault !== undefined) throw this.fault;
      this.blocks.splice(this.blocks.findIndex((block) => block.user === user));
    }
  }

  test('brings them back after a restart, but not what is over', async () => {
    const blockStore = new Kept();
    host = await start({ stores: { blockStore } });
    const { revocation } = host.node.reach;
    await revocation.block({ user: 'ann' }, { durationMs: 60_000 });
    await revocation.block({ user: 'bob' }, { durationMs: 60_000 });
    await revocation.unblock({ user: 'bob' });
    blockStore.blocks.push({ user: 'cat', expiresAt: host.clock.now() - 1 });
    const again = await start({ stores: { blockStore } });
    expect(await again.node.reach.revocation.list({})).toEqual({
      blocked: [{ user: 'ann', expires: 60 }],
      total: 1,
    });
  });

  test('that fails is told; who is blocked is blocked all the same', async () => {
    const blockStore = new Kept();
    host = await start({ stores: { blockStore } });
    const { revocation } = host.node.reach;
    const client = await login('ann');
    blockStore.fault = new Error('no disk');
    await expect(revocation.block({ user: 'ann' })).rejects.toMatchObject({ code: 108 });
    expect(endOf(client)).toEqual(invalid);
    await expect(revocation.unblock({ user: 'ann' })).rejects.toMatchObject({ code: 108 });
    expect((await revocation.list({})).total).toBe(1);
  });
});
