import { limits, type StandardSchema } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { pick, random } from '../../../../test/support/random.ts';
import { type CoreHost, keeping, startCore, testRules } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { Held, type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import { refusedByHook } from './errors.ts';
import type { HookAnswers } from './hooks.ts';
import type { Rule } from './rules.ts';

const short: StandardSchema = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof value === 'string' && value.length > 5 ? { issues: [{ message: 'too long' }] } : { value },
  },
};
const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
const rules: readonly Rule[] = [
  ...testRules,
  { pattern: 'asked:*', ...open, publish: 'hook', retention: keeping },
  { pattern: 'short', ...open, retention: keeping, schema: short },
];

async function start(script: Script): Promise<{ host: CoreHost; hooks: ScriptedHooks }> {
  const hooks = new ScriptedHooks(script);
  return { host: await startCore({ hooks, rules }), hooks };
}

async function kept(host: CoreHost, channel: string): Promise<readonly string[]> {
  return (await host.node.history(channel, {})).publications.map(({ data }) => data);
}

describe('HOK2 the publish hook', () => {
  test('is told who publishes what, and lets it pass by answering nothing', async () => {
    const { host, hooks } = await start({ publish: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    await client.ask({ op: 'publish', channel: 'h:1', data: { a: 1 } });
    await host.node.publish('h:1', '"api"', {}, 'api');
    await host.node.publish('h:1', '"QQ=="', { binary: true }, 'ingest');
    await host.node.publish('h:1', '"page"', {}, { identity: { user: 'bob', tags: { vip: true } } });
    expect(hooks.events('publish')).toEqual([
      { session: client.session, user: 'ann', channel: 'h:1', data: '{"a":1}', source: 'client' },
      { channel: 'h:1', data: '"api"', source: 'api' },
      { channel: 'h:1', data: '"QQ=="', binary: true, source: 'ingest' },
      { user: 'bob', tags: { vip: true }, channel: 'h:1', data: '"page"', source: 'client' },
    ]);
    expect(await kept(host, 'h:1')).toEqual(['{"a":1}', '"api"', '"QQ=="', '"page"']);
  });

  test('is not asked about what the server publishes itself', async () => {
    const { host, hooks } = await start({ publish: () => Promise.reject(refusedByHook(400, 'no')) });
    await host.node.publish('h:1', '1');
    expect([hooks.asked, await kept(host, 'h:1')]).toEqual([[], ['1']]);
  });

  test('refuses with its own code and words; nothing is published, and the connection lives', async () => {
    const { host } = await start({
      publish: ({ data }) => {
        if (data.includes('spam')) throw refusedByHook(451, 'no "spam" here');
        return undefined;
      },
    });
    const client = host.connect();
    expect(
      await client.ask(
        { op: 'publish', channel: 'h:1', data: 'spam' },
        { id: 7, op: 'publish', channel: 'h:1', data: 'spam' },
        { op: 'publish', channel: 'h:1', data: 'ham' },
      ),
    ).toEqual([
      { code: 451, msg: 'no "spam" here' },
      { id: 7, code: 451, msg: 'no "spam" here' },
      { result: true },
    ]);
    expect(await kept(host, 'h:1')).toEqual(['"ham"']);
    await expect(host.node.publish('h:1', '"spam"', {}, 'api')).rejects.toMatchObject({
      code: 451,
      status: 403,
    });
  });

  test('rewrites what everybody gets, live, later and on every wire', async () => {
    const { host } = await start({ publish: ({ data }) => ({ data: `{"clean":${data}}` }) });
    const json = host.connect();
    const bare = host.connect({ wire: new LineWire({ name: 'bare', isBare: true }) });
    for (const client of [json, bare]) await client.ask({ op: 'subscribe', channel: 'h:1' });
    const feed = await host.node.prepareFeed({ address: '', headers: {}, channels: ['h:1'] });
    const connection = new FakeConnection(new LineWire({ name: 'feed', isBare: true }));
    connection.listen(feed.open(connection));
    expect(await json.ask({ id: 1, op: 'publish', channel: 'h:1', data: 1.5 })).toEqual([
      expect.objectContaining({ id: 1 }),
      { event: 'h:1', data: { clean: 1.5 }, offset: 1 },
    ]);
    expect(await bare.messages()).toEqual([{ clean: 1.5 }]);
    expect(connection.read().toString()).toBe('{"clean":1.5}\n');
    expect(await host.connect().ask({ op: 'subscribe', channel: 'h:1', last: 1 })).toEqual([
      { result: true },
      { event: 'h:1', data: { clean: 1.5 }, offset: 1 },
    ]);
  });

  test('makes JSON of bytes that it rewrites', async () => {
    const { host } = await start({ publish: () => ({ data: '"text"' }) });
    await host.node.publish('h:1', '"QQ=="', { binary: true }, 'api');
    const [publication] = (await host.node.history('h:1', {})).publications;
    expect(publication).toMatchObject({ offset: 1, data: '"text"' });
    expect(publication).not.toHaveProperty('binary');
  });

  test('comes after the rule and before the schema', async () => {
    const { host, hooks } = await start({
      publish: ({ data }) => (data === '"longer"' ? { data: '"short"' } : { data: '"far too long"' }),
    });
    const client = host.connect();
    expect(
      await client.ask(
        { op: 'publish', channel: 'closed', data: 'longer' },
        { op: 'publish', channel: 'short', data: 'longer' },
        { op: 'publish', channel: 'short', data: 'x' },
      ),
    ).toEqual([
      { code: 1, msg: 'Not Auth' },
      { result: true },
      { code: 107, msg: "bad request: 'data': too long" },
    ]);
    expect(hooks.asked).toHaveLength(2);
    expect(await kept(host, 'short')).toEqual(['"short"']);
  });

  test('that fails is 100, and logged; one that is late is 108', async () => {
    const { host } = await start({
      publish: ({ channel }) => {
        throw channel === 'h:1' ? new TypeError('a bug') : Object.assign(refusedByHook(108, 'late'));
      },
    });
    expect(
      await host
        .connect()
        .ask({ op: 'publish', channel: 'h:1', data: 1 }, { op: 'publish', channel: 'h:2', data: 1 }),
    ).toEqual([
      { code: 100, msg: 'internal server error' },
      { code: 108, msg: 'late' },
    ]);
    expect(host.errors).toEqual(['a command failed']);
  });

  test('that answers what is nested too deep is 100, and nothing is published', async () => {
    const deep = '['.repeat(limits.nesting + 1) + ']'.repeat(limits.nesting + 1);
    const { host } = await start({ publish: () => ({ data: deep }) });
    expect(await host.connect().ask({ op: 'publish', channel: 'h:1', data: 1 })).toMatchObject([
      { code: 100 },
    ]);
    expect([await kept(host, 'h:1'), host.errors]).toEqual([[], ['a command failed']]);
  });

  test('decides alone where the rule says so, and without it nobody may', async () => {
    const { host, hooks } = await start({ publish: () => undefined });
    const client = host.connect({ token: 'token-ann' });
    const ask = (): Promise<unknown[]> => client.ask({ op: 'publish', channel: 'asked:1', data: 1 });
    expect(await ask()).toEqual([{ result: true }]);
    host.node.mayPublish({}, 'asked:1');
    hooks.script = {};
    expect(await ask()).toEqual([{ code: 103, msg: 'permission denied' }]);
    expect(() => host.node.mayPublish({ user: 'ann' }, 'asked:1')).toThrow('permission denied');
    expect(await host.connect().ask({ op: 'publish', channel: 'asked:1', data: 1 })).toEqual([
      { code: 1, msg: 'Not Auth' },
    ]);
  });
});

describe('HOK2 a feed', () => {
  async function feed(host: CoreHost): Promise<FakeConnection> {
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    const prepared = await host.node.prepareFeed({ address: '', headers: {}, channels: ['asked:1'] });
    connection.listen(prepared.open(connection));
    return connection;
  }

  test('whose frame is rewritten gets it back so; one that is refused is closed with the words', async () => {
    const { host } = await start({
      publish: ({ data }) => {
        if (data === '"bad"') throw refusedByHook(460, 'not here');
        return { data: data.toUpperCase() };
      },
    });
    const connection = await feed(host);
    connection.send('hey');
    await host.settle();
    expect(connection.read().toString()).toBe('"HEY"\n');
    connection.send('bad');
    await host.settle();
    expect(connection.ended).toEqual({ code: 3507, reason: 'not here' });
  });

  test('whose hook fails or is late may come back', async () => {
    const { host } = await start({
      publish: () => {
        throw new Error('a bug');
      },
    });
    const connection = await feed(host);
    connection.send('x');
    await host.settle();
    expect([connection.ended?.code, host.errors]).toEqual([3000, ['a publication of a feed failed']]);
  });
});

describe('HOK3 the order of a channel', () => {
  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'is that of coming, whichever answer is first (seed %i)',
    async (seed) => {
      const draw = random(seed);
      const held = new Held<HookAnswers['publish']>();
      const { host } = await start({ publish: () => held.wait() });
      const clients = [host.connect(), host.connect(), host.connect()];
      const sent = new Map([
        ['h:1', [] as string[]],
        ['h:2', [] as string[]],
      ]);
      for (let number = 0; number < 60; number++) {
        const channel = pick(draw, ['h:1', 'h:2']);
        sent.get(channel)?.push(String(number));
        const client = pick(draw, clients);
        const source = pick(draw, ['api', 'ingest'] as const);
        if (draw(4) === 0) void host.node.publish(channel, String(number), {}, source);
        else client.send({ id: number, op: 'publish', channel, data: number });
        while (held.waiting > 0 && draw(3) === 0) held.answer(undefined, draw(held.waiting));
        if (draw(3) === 0) await host.settle();
      }
      for (await host.settle(); held.waiting > 0; await host.settle())
        held.answer(undefined, draw(held.waiting));
      for (const [channel, numbers] of sent) expect(await kept(host, channel)).toEqual(numbers);
    },
  );

  test('does not bind what a hook publishes itself, so that it may wait for that', async () => {
    const { host } = await start({
      publish: async ({ channel, data }) => {
        await host.node.publish(channel, `{"first":${data}}`);
        return undefined;
      },
    });
    await Promise.all([1, 2].map((data) => host.node.publish('h:1', String(data), {}, 'api')));
    expect(await kept(host, 'h:1')).toEqual(['{"first":1}', '{"first":2}', '1', '2']);
  });

  test('holds where the hook is gone by the time that the next one comes', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host, hooks } = await start({ publish: () => held.wait() });
    const first = host.node.publish('h:1', '1', {}, 'api');
    hooks.script = {};
    const second = host.node.publish('h:1', '2', {}, 'api');
    await host.settle();
    held.answer(undefined);
    await Promise.all([first, second]);
    expect(await kept(host, 'h:1')).toEqual(['1', '2']);
  });

  test('of one connection that publishes without ids is kept, one by one', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const client = host.connect();
    for (let number = 0; number < 3; number++) client.send({ op: 'publish', channel: 'h:1', data: number });
    for (let number = 0; number < 3; number++) {
      await host.settle();
      expect(held.waiting).toBe(1);
      held.answer(undefined);
    }
    await host.settle();
    expect(await kept(host, 'h:1')).toEqual(['0', '1', '2']);
  });

  test('WS4 of one connection is kept, with and without ids and in batches', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const client = host.connect();
    const publish = (data: number, id?: number): object => ({ op: 'publish', channel: 'h:1', data, id });
    const frames = [
      publish(0),
      publish(1),
      publish(2, 2),
      [publish(3), publish(4, 4)],
      publish(5, 5),
      publish(6),
      publish(7, 7),
    ];
    for (const frame of frames) client.send(frame);
    for (await host.settle(); held.waiting > 0; await host.settle()) held.answer(undefined, held.waiting - 1);
    expect(await kept(host, 'h:1')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
  });

  test('WS14 a connection has so many under way, and is not read beyond that', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const client = host.connect();
    for (let id = 0; id < limits.pendingCommands + 5; id++) {
      client.send({ id, op: 'publish', channel: 'h:1', data: id });
    }
    expect([held.waiting, client.connection.isPaused]).toEqual([limits.pendingCommands, true]);
    held.answer(undefined);
    await host.settle();
    expect(held.waiting).toBe(limits.pendingCommands);
    while (held.waiting > 0) {
      held.answer(undefined);
      await host.settle();
    }
    expect((await host.node.history('h:1', { limit: 1, reverse: true })).top).toBe(
      limits.pendingCommands + 5,
    );
  });
});

describe('HOK4 an idempotency key', () => {
  const keyed = { idempotencyKey: 'k' };

  test('that was answered gets the same again, without asking', async () => {
    const { host, hooks } = await start({ publish: ({ data }) => ({ data: `[${data}]` }) });
    const first = await host.node.publish('h:1', '1', keyed, 'api');
    hooks.script = { publish: () => Promise.reject(refusedByHook(400, 'no more')) };
    expect(await host.node.publish('h:1', '2', keyed, 'api')).toEqual(first);
    expect(await host.node.publish('n:1', '2', keyed, 'api').catch(({ code }) => code)).toBe(400);
    expect([await kept(host, 'h:1'), hooks.asked.length]).toEqual([['[1]'], 2]);
  });

  test('that is under way is asked about once, and everybody gets the one answer', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const publish = (): Promise<unknown> => host.node.publish('h:1', '1', keyed, 'api');
    const all = [publish(), publish(), publish()];
    await host.settle();
    expect(held.waiting).toBe(1);
    held.answer({ data: '2' });
    const answers = await Promise.all(all);
    expect(answers).toEqual([answers[0], answers[0], answers[0]]);
    expect(await kept(host, 'h:1')).toEqual(['2']);
  });

  test('of a publication that was refused is free again, when all who waited were refused', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const publish = (): Promise<unknown> =>
      host.node.publish('h:1', '1', keyed, 'api').catch(({ code }: { code: number }) => code);
    const both = [publish(), publish()];
    await host.settle();
    held.answer(refusedByHook(403, 'no'));
    expect(await Promise.all(both)).toEqual([403, 403]);
    const third = publish();
    await host.settle();
    held.answer(undefined);
    expect(await third).toMatchObject({ offset: 1 });
  });

  test('keeps its place among the publications of the channel', async () => {
    const held = new Held<HookAnswers['publish']>();
    const { host } = await start({ publish: () => held.wait() });
    const all = [host.node.publish('h:1', '1', keyed, 'api'), host.node.publish('h:1', '2', {}, 'api')];
    await host.settle();
    held.answer(undefined, 0);
    await host.settle();
    expect(await kept(host, 'h:1')).toEqual([]);
    held.answer(undefined);
    await Promise.all(all);
    expect(await kept(host, 'h:1')).toEqual(['1', '2']);
  });
});

test('HOK1 a hook that is not there costs one question, and nothing is different', async () => {
  const { host, hooks } = await start({});
  const client = host.connect();
  hooks.looked = 0;
  const replies = await client.ask({ id: 1, op: 'publish', channel: 'h:1', data: 1 });
  expect(replies).toMatchObject([{ id: 1, result: { offset: 1 } }]);
  expect([hooks.looked, hooks.asked]).toEqual([1, []]);
});
