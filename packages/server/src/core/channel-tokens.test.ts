import { beforeEach, describe, expect, test } from 'vitest';
import {
  type CoreHost,
  type CoreHostOptions,
  keeping,
  memoryBroker,
  startCore,
  type TestClient,
} from '../testing/core-host.ts';
import { HeldBroker } from '../testing/held-broker.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Identity } from './access.ts';
import { refuse } from './errors.ts';
import type { Rule } from './rules.ts';

const rules: readonly Rule[] = [
  {
    ...{ pattern: 'vip:*', subscribe: 'token', publish: 'token', readHistory: 'token' },
    ...{ retention: keeping, memoryBroker, presence: { announces: false } },
  },
  { pattern: 'open:*', subscribe: 'anyone', publish: 'nobody', readHistory: 'anyone' },
  { pattern: 'user:{uid}', subscribe: 'owner', publish: 'nobody', readHistory: 'owner' },
];

/** Tokens are JSON of the identity; `expires` are seconds. `bad` is 101, `down` 108; those with `held` wait to be let go. */
let held: (() => void)[] = [];
let asked = 0;
async function authenticate(token: string): Promise<Identity> {
  asked += 1;
  if (token === 'bad') throw refuse('unauthorized');
  if (token === 'down') throw refuse('notAvailable');
  const { expires, held: isHeld, ...identity } = JSON.parse(token);
  const expiresAt = expires === undefined ? {} : { expiresAt: host.clock.now() + expires * 1_000 };
  if (isHeld === true) await new Promise<void>((resolve) => held.push(resolve));
  return { ...identity, ...expiresAt };
}

let host: CoreHost;
async function start(options: CoreHostOptions & { clock?: VirtualClock } = {}): Promise<void> {
  held = [];
  asked = 0;
  host = await startCore({ authenticate, rules, ...options });
}
beforeEach(() => start());

function token(claims: object): string {
  return JSON.stringify(claims);
}

async function login(user: string): Promise<TestClient> {
  const client = host.connect({ token: token({ user }) });
  await host.settle();
  return client;
}

const subscribe = (channel: string, claims: object | string, more: object = {}) => ({
  op: 'subscribe',
  channel,
  token: typeof claims === 'string' ? claims : token(claims),
  ...more,
});

describe('ACC17: a token for one channel', () => {
  test('admits to a channel whose rule says `token`, and to no other', async () => {
    const client = await login('ann');
    expect(await client.ask({ op: 'subscribe', channel: 'vip:1' })).toMatchObject([{ code: 103 }]);
    expect(await client.ask(subscribe('vip:1', { channels: ['vip:1'] }))).toEqual([{ result: true }]);
    expect(await client.ask({ op: 'subscribe', channel: 'vip:2' })).toMatchObject([{ code: 103 }]);
    await host.node.publish('vip:1', '1');
    expect(await client.messages()).toEqual([{ event: 'vip:1', data: 1, offset: 1 }]);
  });

  test('may list a pattern, among others', async () => {
    const client = await login('ann');
    expect(await client.ask(subscribe('vip:1', { channels: ['x', 'vip:*'] }))).toEqual([{ result: true }]);
  });

  test('also counts for history, publish and presence, as long as the subscription lasts', async () => {
    const client = await login('ann');
    const commands = [
      { id: 1, op: 'history', channel: 'vip:1' },
      { id: 2, op: 'publish', channel: 'vip:1', data: 1 },
      { id: 3, op: 'presence_stats', channel: 'vip:1' },
    ];
    const codes = async () =>
      ((await client.ask(...commands)) as { id?: number; code?: number }[])
        .filter(({ id }) => id !== undefined)
        .map(({ code = 0 }) => code);
    expect(await codes()).toEqual([103, 103, 103]);
    await client.ask(subscribe('vip:1', { channels: ['vip:1'] }));
    expect(await codes()).toEqual([0, 0, 0]);
    await client.ask({ op: 'unsubscribe', channel: 'vip:1' });
    expect(await codes()).toEqual([103, 103, 103]);
  });

  test.each<[string, object | string, number]>([
    ['lists other channels', { channels: ['vip:2'] }, 103],
    ['lists none', {}, 103],
    ["is another user's", { user: 'bob', channels: ['vip:1'] }, 103],
    ['is not known', 'bad', 101],
    ['cannot be judged', 'down', 108],
  ])('that %s is refused, and the connection lives', async (_what, claims, code) => {
    const client = await login('ann');
    expect(await client.ask({ id: 1, ...subscribe('vip:1', claims) })).toMatchObject([{ id: 1, code }]);
    expect(host.node.figures().subscriptions).toBe(0);
    expect(await client.ask(subscribe('vip:1', { user: 'ann', channels: ['vip:1'] }))).toEqual([
      { result: true },
    ]);
  });

  test.each([5, '', null, ['x'], { a: 1 }, 'x'.repeat(8_193)])(
    'that is %j is refused by name',
    async (bad) => {
      const client = await login('ann');
      const [answer] = await client.ask({ op: 'subscribe', channel: 'vip:1', token: bad });
      expect(answer).toMatchObject({ code: 107, msg: expect.stringContaining("'token'") });
    },
  );

  test('opens nothing that the rule gives to others', async () => {
    const client = await login('ann');
    const claims = { channels: ['user:bob'] };
    expect(await client.ask(subscribe('user:bob', claims))).toMatchObject([{ code: 103 }]);
    expect(await client.ask(subscribe('none:1', { channels: ['none:1'] }))).toMatchObject([{ code: 102 }]);
  });

  test('does not stand for a login', async () => {
    await start({ anonymous: false });
    const client = host.connect();
    const claims = { channels: ['vip:1'] };
    expect(await client.ask(subscribe('vip:1', claims))).toEqual([{ code: 1, msg: 'Not Auth' }]);
    expect(asked).toBe(0);
  });

  test('without a user serves a client without one, and one with a user does not', async () => {
    const client = host.connect();
    expect(await client.ask(subscribe('vip:1', { user: 'ann', channels: ['vip:1'] }))).toMatchObject([
      { code: 103 },
    ]);
    expect(await client.ask(subscribe('vip:1', { channels: ['vip:1'] }))).toEqual([{ result: true }]);
  });

  test('is asked about once a subscribe, one after another, and never for a channel that is subscribed', async () => {
    const client = await login('ann');
    asked = 0;
    const claims = { channels: ['vip:*'], held: true };
    for (const id of [1, 2, 3]) client.send({ id, ...subscribe(`vip:${id}`, claims) });
    client.send({ id: 4, ...subscribe('vip:1', claims) });
    await host.settle();
    expect(asked).toBe(1);
    for (let count = 0; count < 3; count++) {
      held.pop()?.();
      await host.settle();
    }
    const replies = (await client.messages()) as { id: number; code?: number }[];
    expect(replies.map(({ id, code = 0 }) => [id, code])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 105],
    ]);
    expect(asked).toBe(3);
  });

  test('that is refused ten times in a row ends the connection, as others do', async () => {
    const client = await login('ann');
    for (let count = 0; count < 10; count++) await client.ask(subscribe('vip:1', 'bad'));
    expect(client.connection.ended?.code).toBe(3508);
  });

  test('that is good, but not for the channel, is no guess', async () => {
    const client = host.connect();
    for (let count = 0; count < 20; count++) await client.ask(subscribe('vip:1', { channels: ['x'] }));
    expect(client.connection.ended).toBeUndefined();
  });
});

describe('ACC17: the end of a token for one channel', () => {
  const ended = { event: 'vip:1', type: 'unsubscribed', code: 109, msg: 'token expired' };

  test('ends the subscription, and a fresh one goes on without a gap', async () => {
    const client = await login('ann');
    const [joined] = await client.ask({ id: 1, ...subscribe('vip:1', { channels: ['vip:1'], expires: 60 }) });
    const { epoch } = (joined as { result: { epoch: string } }).result;
    await host.node.publish('vip:1', '1');
    await host.clock.elapse(60_000);
    expect(await client.messages()).toEqual([{ event: 'vip:1', data: 1, offset: 1 }, ended]);
    await host.node.publish('vip:1', '2');
    expect(await client.messages()).toEqual([]);
    expect(await client.ask({ op: 'history', channel: 'vip:1' })).toMatchObject([{ code: 103 }]);
    const since = { epoch, offset: 1 };
    expect(await client.ask(subscribe('vip:1', { channels: ['vip:1'], expires: 60 }, { since }))).toEqual([
      { result: true },
      { event: 'vip:1', data: 2, offset: 2 },
    ]);
  });

  test('leaves the session and its other channels alone', async () => {
    const client = await login('ann');
    await client.ask(subscribe('vip:1', { channels: ['vip:1'], expires: 60 }));
    await client.ask({ op: 'subscribe', channel: 'open:1' });
    await host.clock.elapse(60_000);
    expect(client.connection.ended).toBeUndefined();
    expect(host.node.figures().subscriptions).toBe(1);
  });

  test('says so under the name that the client subscribed with', async () => {
    await start({
      rules: [{ pattern: 'user:{uid}', subscribe: 'token', publish: 'nobody', readHistory: 'nobody' }],
    });
    const client = await login('ann');
    await client.ask(subscribe('@user', { channels: ['user:ann'], expires: 60 }));
    await host.clock.elapse(60_000);
    expect(await client.messages()).toEqual([{ ...ended, event: '@user' }]);
  });

  test('is forgotten with the subscription: no timer stays, and a later subscribe has its own time', async () => {
    const client = await login('ann');
    const timers = host.clock.timers;
    for (let count = 0; count < 100; count++) {
      await client.ask(subscribe('vip:1', { channels: ['vip:1'], expires: 3_600 }));
      await client.ask({ op: 'unsubscribe', channel: 'vip:1' });
      await client.ask(subscribe('vip:1', { channels: ['vip:2'], expires: 3_600 }));
    }
    expect(host.clock.timers).toBe(timers);
    await client.ask(subscribe('vip:1', { channels: ['vip:1'], expires: 3_600 }));
    client.connection.cut();
    await host.clock.elapse(10_000);
    expect(host.clock.timers).toBeLessThanOrEqual(timers);
  });

  test('that comes before the answer refuses the subscribe with 109', async () => {
    const clock = new VirtualClock();
    const broker = new HeldBroker(memoryBroker(clock));
    await start({ broker, clock });
    const client = await login('ann');
    broker.isHeld = true;
    client.send(subscribe('vip:1', { channels: ['vip:1'], expires: 60 }));
    await host.clock.elapse(60_000);
    broker.isHeld = false;
    broker.release();
    expect(await client.messages()).toEqual([{ code: 109, msg: 'token expired' }]);
    expect(host.node.figures().subscriptions).toBe(0);
    expect(await client.ask(subscribe('vip:1', { channels: ['vip:1'] }))).toEqual([{ result: true }]);
  });
});

describe('ACC17: whoever the session becomes', () => {
  test('a token of its user ends with the user, one of nobody stays', async () => {
    const client = await login('ann');
    await client.ask(subscribe('vip:1', { user: 'ann', channels: ['vip:1'] }));
    await client.ask(subscribe('vip:2', { channels: ['vip:2'] }));
    host.node.reach.people.bind(client.session, 'bob');
    expect(await client.messages()).toEqual([
      { event: 'vip:1', type: 'unsubscribed', code: 103, msg: 'permission denied' },
    ]);
    await host.node.publish('vip:2', '1');
    expect(await client.messages()).toEqual([{ event: 'vip:2', data: 1, offset: 1 }]);
  });

  test('a refresh of the login keeps it', async () => {
    const client = await login('ann');
    await client.ask(subscribe('vip:1', { channels: ['vip:1'] }));
    await client.ask({ op: 'refresh', token: token({ user: 'ann', expires: 60 }) });
    await host.node.publish('vip:1', '1');
    expect(await client.messages()).toEqual([{ event: 'vip:1', data: 1, offset: 1 }]);
  });
});

describe('ACC16, ACC17: block', () => {
  const withdrawn = { code: 101, msg: 'unauthorized: the token was withdrawn' };

  test('of its jti ends the subscription alone, and refuses it from then on', async () => {
    const client = await login('ann');
    const claims = { tokenId: 't1', channels: ['vip:1'] };
    await client.ask(subscribe('vip:1', claims));
    await client.ask(subscribe('vip:2', { tokenId: 't2', channels: ['vip:2'] }));
    await client.ask(subscribe('vip:3', { channels: ['vip:3'] }));
    expect(await host.node.reach.revocation.block({ jti: 't1' })).toBe(0);
    expect(await client.messages()).toEqual([{ event: 'vip:1', type: 'unsubscribed', ...withdrawn }]);
    expect(await client.ask(subscribe('vip:1', claims))).toEqual([withdrawn]);
    expect(host.node.figures().subscriptions).toBe(2);
  });

  test('that comes while it is judged holds', async () => {
    const client = await login('ann');
    client.send(subscribe('vip:1', { tokenId: 't1', channels: ['vip:1'], held: true }));
    await host.settle();
    await host.node.reach.revocation.block({ jti: 't1' });
    held[0]?.();
    expect(await client.messages()).toEqual([withdrawn]);
    expect(host.node.figures().subscriptions).toBe(0);
  });

  test('of a user does not touch a token of it that another session could not use anyway', async () => {
    const client = await login('ann');
    await host.node.reach.revocation.block({ user: 'bob' });
    expect(await client.ask(subscribe('vip:1', { user: 'bob', channels: ['vip:1'] }))).toMatchObject([
      { code: 101 },
    ]);
    expect(client.connection.ended).toBeUndefined();
  });
});
