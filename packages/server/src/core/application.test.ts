import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { random } from '../../../../test/support/random.ts';
import { type CoreHost, startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { Held, type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import { refusedByHook } from './errors.ts';
import type { HookAnswers } from './hooks.ts';

async function start(
  script: Script,
  options: { anonymous?: boolean; publishesPerSecond?: number } = {},
): Promise<{ host: CoreHost; hooks: ScriptedHooks }> {
  const hooks = new ScriptedHooks(script);
  return { host: await startCore({ hooks, ...options }), hooks };
}

async function kept(host: CoreHost, channel = 'h:1'): Promise<readonly string[]> {
  return (await host.node.history(channel, {})).publications.map(({ data }) => data);
}

describe('HOK6 call', () => {
  test('hands over method and data as they were written, and answers with the result', async () => {
    const { host, hooks } = await start({ call: ({ data }) => (data === 'null' ? undefined : `[${data}]`) });
    const client = host.connect({ token: 'token-ann' });
    client.send('{"op":"call","method":"sum","data":{ "b": 1.50, "a": 12345678901234567890 }}');
    client.send('{"id":1,"op":"call","method":"sum","data":"x"}');
    client.send('{"op":"call","method":"nothing"}');
    expect(await client.settledLines()).toEqual([
      '{"result":[{"b":1.50,"a":12345678901234567890}]}',
      '{"id":1,"result":["x"]}',
      '{"result":null}',
    ]);
    expect(hooks.events('call')[0]).toEqual({
      session: client.session,
      user: 'ann',
      method: 'sum',
      data: '{"b":1.50,"a":12345678901234567890}',
    });
  });

  test.each([
    [{ op: 'call', data: 1 }, 107, "'method' is required"],
    [{ op: 'call', method: 7 }, 107, "'method' must be a string"],
    [{ op: 'call', method: 'x'.repeat(256) }, 107, "'method' must not be longer than 255 bytes"],
    [{ op: 'call', method: 'no' }, 499, 'not this one'],
    [{ op: 'call', method: 'bug' }, 100, 'internal server error'],
    [{ op: 'call', method: 'deep' }, 100, 'internal server error'],
  ])('%.60j is %i', async (command, code, msg) => {
    const { host } = await start({
      call: ({ method }) => {
        if (method === 'deep') return '['.repeat(limits.nesting + 1) + ']'.repeat(limits.nesting + 1);
        throw method === 'bug' ? new TypeError('a bug') : refusedByHook(499, 'not this one');
      },
    });
    const client = host.connect();
    expect(await client.ask(command, { op: 'ping' })).toMatchObject([
      { code, msg: expect.stringContaining(msg) },
      { result: 'pong' },
    ]);
    expect(host.errors).toEqual(code === 100 ? ['a command failed'] : []);
  });

  test('is unknown where nobody answers it, and needs the login that everything needs', async () => {
    const { host } = await start({});
    expect(await host.connect().ask({ op: 'call', method: 'm' })).toEqual([
      { code: 104, msg: "unknown method: nothing here answers a 'call'" },
    ]);
    const closed = await start({ call: () => '1', message: () => ({ data: '1' }) }, { anonymous: false });
    const ask = [{ op: 'call', method: 'm' }, { op: 'what' }];
    expect(await closed.host.connect().ask(...ask)).toEqual([
      { code: 1, msg: 'Not Auth' },
      { code: 1, msg: 'Not Auth' },
    ]);
    expect(closed.hooks.asked).toEqual([]);
  });

  test('WS4 with ids run side by side, without them one after another', async () => {
    const held = new Held<string>();
    const { host } = await start({ call: () => held.wait() });
    const client = host.connect();
    await client.ask({ id: 1, op: 'call', method: 'a' }, { id: 2, op: 'call', method: 'b' });
    held.answer('"second"', 1);
    held.answer('"first"');
    expect(await client.messages()).toEqual([
      { id: 2, result: 'second' },
      { id: 1, result: 'first' },
    ]);
    await client.ask({ op: 'call', method: 'a' }, { op: 'call', method: 'b' });
    expect(held.waiting).toBe(1);
    held.answer('1');
    await host.settle();
    held.answer('2');
    expect(await client.messages()).toEqual([{ result: 1 }, { result: 2 }]);
  });
});

describe('HOK7 a command that nobody else knows', () => {
  test('goes to the application as it was written, in a batch too', async () => {
    const { host, hooks } = await start({
      message: ({ data }) => (data.includes('known') ? { data: '{"ok":1.0}' } : undefined),
    });
    const client = host.connect();
    client.send(' { "op" : "known",  "n": 1.0 }');
    client.send('[{"op":"ping"}, {"id":5,"op":"known"}]');
    client.send('{"op":"other"}');
    expect(await client.settledLines()).toEqual([
      '{"result":{"ok":1.0}}',
      '[{"result":"pong"},{"id":5,"result":{"ok":1.0}}]',
      `{"code":104,"msg":"unknown method: there is no 'other'"}`,
    ]);
    expect(hooks.events('message')).toEqual([
      { session: client.session, data: '{"op":"known","n":1.0}' },
      { session: client.session, data: '{"id":5,"op":"known"}' },
      { session: client.session, data: '{"op":"other"}' },
    ]);
  });

  test('may be taken without a result, or refused', async () => {
    const { host } = await start({
      message: ({ data }) => {
        if (data.includes('bad')) throw refusedByHook(1999, 'bad');
        return false;
      },
    });
    expect(await host.connect().ask({ op: 'typing' }, { op: 'bad' }, [{ op: 'typing', id: 1 }])).toEqual([
      { result: true },
      { code: 1999, msg: 'bad' },
      [{ id: 1, result: {} }],
    ]);
  });
});

describe('HOK7 a frame of a feed', () => {
  async function feed(host: CoreHost, ...channels: string[]): Promise<FakeConnection> {
    const connection = new FakeConnection(new LineWire({ isBare: true }));
    const prepared = await host.node.prepareFeed({ address: '', headers: {}, channels });
    connection.listen(prepared.open(connection));
    return connection;
  }

  test('is replaced, kept back, or published as usual, before the publish hook sees it', async () => {
    const { host, hooks } = await start({
      message: ({ data }) => (data === '"quiet"' ? false : data === '"x"' ? { data: '{"x":1}' } : undefined),
      publish: () => undefined,
    });
    const connection = await feed(host, 'h:1');
    for (const frame of ['quiet', 'x', 'plain', Buffer.from('A')]) connection.send(frame);
    await host.settle();
    expect(await kept(host)).toEqual(['{"x":1}', '"plain"', '"QQ=="']);
    const { session } = hooks.events('message')[0] ?? {};
    expect(hooks.events('message').slice(2)).toEqual([
      { session, channel: 'h:1', data: '"plain"' },
      { session, channel: 'h:1', data: '"QQ=="', binary: true },
    ]);
    expect(hooks.events('publish').map(({ data, binary }) => [data, binary])).toEqual([
      ['{"x":1}', undefined],
      ['"plain"', undefined],
      ['"QQ=="', true],
    ]);
  });

  test('that the rules would not let be published may still be for the application', async () => {
    const { host, hooks } = await start({
      message: ({ data }) => (data === '"publish"' ? undefined : false),
    });
    for (const channels of [['h:1', 'h:2'], ['user:ann']]) {
      const prepared = await host.node.prepareFeed({
        address: '',
        headers: {},
        channels,
        token: 'token-ann',
      });
      const connection = new FakeConnection(new LineWire({ isBare: true }));
      connection.listen(prepared.open(connection));
      connection.send('for the application');
      await host.settle();
      expect(connection.ended).toBeUndefined();
      connection.send('publish');
      await host.settle();
      expect(connection.ended?.code).toBe(3507);
    }
    expect(hooks.events('message').map(({ channel }) => channel)).toEqual([
      undefined,
      undefined,
      'user:ann',
      'user:ann',
    ]);
    expect(await kept(host)).toEqual([]);
  });

  test('keeps its order, whichever answer comes first', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const draw = random(seed);
      const held = new Held<HookAnswers['message']>();
      const { host } = await start({ message: () => held.wait() });
      const connection = await feed(host, 'h:1');
      const expected: string[] = [];
      for (let number = 0; number < 40; number++) {
        connection.send(String(number));
        expected.push(`"${number}"`);
      }
      while (held.waiting > 0) {
        held.answer(undefined, draw(held.waiting));
        if (draw(3) === 0) await host.settle();
      }
      await host.settle();
      expect(await kept(host)).toEqual(expected);
    }
  });

  test('of a client that has gone meanwhile is published all the same', async () => {
    const held = new Held<HookAnswers['message']>();
    const { host } = await start({ message: () => held.wait() });
    const connection = await feed(host, 'h:1');
    connection.send('last words');
    connection.cut();
    held.answer(undefined);
    await host.settle();
    expect(await kept(host)).toEqual(['"last words"']);
  });

  test('that is refused, or comes too fast, ends the connection; too many of them are not read', async () => {
    const { host } = await start({ message: () => Promise.reject(refusedByHook(400, 'rude')) });
    const rude = await feed(host, 'h:1');
    rude.send('x');
    await host.settle();
    expect(rude.ended).toEqual({ code: 3507, reason: 'rude' });
    const held = new Held<HookAnswers['message']>();
    const limited = await start({ message: () => held.wait() }, { publishesPerSecond: 2 });
    const fast = await feed(limited.host, 'h:1');
    for (let count = 0; count < 3; count++) fast.send('x');
    expect([held.waiting, fast.ended?.code]).toEqual([2, 3508]);
    const patient = await start({ message: () => held.wait() });
    const busy = await feed(patient.host, 'h:1');
    for (let count = 0; count < limits.pendingCommands + 5; count++) busy.send('x');
    expect([held.waiting - 2, busy.isPaused]).toEqual([limits.pendingCommands, true]);
  });
});
