import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { HookHost, type HookHostOptions } from '../testing/hook-host.ts';

const hosts: HookHost[] = [];

async function start(
  files: string | Readonly<Record<string, string>>,
  options?: HookHostOptions,
): Promise<HookHost> {
  const host = await HookHost.start(files, options);
  hosts.push(host);
  return host;
}

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

const client = { session: 's-1', user: 'ann', tags: { vip: true } } as const;

describe('RUN2 a hook', () => {
  test('sees values, and nothing, an answer or a refusal is what becomes of it', async () => {
    const host = await start(`
      export async function publish(event) {
        if (event.data === 'pass') return;
        if (event.data === 'null') return null;
        return { data: { was: event.data, event } };
      }`);
    expect(await host.publish('pass')).toBeUndefined();
    expect(await host.publish('null')).toBeUndefined();
    const event = { channel: 'room:1', source: 'api', data: { a: [1] } };
    expect(await host.publish({ a: [1] })).toEqual({ was: { a: [1] }, event });
  });

  test('answers with the text of its data, which lets numbers be where it answers nothing', async () => {
    const host = await start(
      `export const publish = ({ data }) => (data.n > 1 ? undefined : { data: { n: data.n, big: 1e3 } });`,
    );
    const ask = (data: string): Promise<unknown> =>
      host.runtime.ask('publish', { channel: 'c', data, source: 'api' });
    expect(await ask('{"n":9007199254740993}')).toBeUndefined();
    expect(await ask('{"n":1.0}')).toEqual({ data: '{"n":1,"big":1000}' });
  });

  test.each([
    ['publish', 'true', 'it must return nothing, { data }, or throw an error with a code to refuse'],
    ['publish', '{ data: undefined }', 'it must return nothing, { data }'],
    ['publish', '{ data: 1n }', 'TypeError: Do not know how to serialize a BigInt'],
    ['publish', '{ data: () => 1 }', 'it is no JSON value'],
    ['publish', `{ data: 'x'.repeat(${limits.hookAnswerBytes}) }`, 'it is longer than 1048576 bytes'],
    ['publish', `{ data: JSON.parse('['.repeat(600) + ']'.repeat(600)) }`, 'nested deeper than 512'],
    ['subscribe', 'false', 'it must return nothing, or throw an error with a code to refuse'],
    ['auth', '"1001"', 'it must return nothing, { user, info, tags, channels, expires }'],
    ['auth', '{ usr: "1001" }', "it has none of 'user'"],
    ['auth', '{ user: "" }', "'user' must be a text of 1 to 255 bytes"],
    ['connect', '{ user: "a", channels: "room" }', "'channels' must be a list"],
  ] as const)('%s that returns %s is 100, and the log says why', async (name, returned, why) => {
    const host = await start(`export const ${name} = () => (${returned});`);
    const event = {
      ...client,
      channel: 'c',
      data: '1',
      token: 't',
      address: '',
      headers: {},
      source: 'client',
    };
    await expect(host.runtime.ask(name, event as never)).rejects.toMatchObject({
      code: 100,
      message: 'internal server error',
    });
    expect(host.log.lines.at(-1)).toContain(`the hook '${name}' failed: its answer cannot be used: `);
    expect(host.log.lines.at(-1)).toContain(why);
  });

  test('auth and connect say who it is, a number as its text', async () => {
    const host = await start(`
      export const auth = ({ token }) => (token === 'no' ? undefined : {
        user: 1001, info: { name: 'Ann' }, tags: { vip: true }, channels: ['room:*'], expires: token === 'over' ? 0 : 60 });
      export const connect = ({ headers, address }) => ({ user: headers['x-user'], info: address });`);
    const from = { address: '192.0.2.1', headers: { 'x-user': 'bob' } };
    expect(await host.runtime.ask('auth', { ...from, token: 'no' })).toBeUndefined();
    expect(await host.runtime.ask('auth', { ...from, token: 't' })).toEqual({
      user: '1001',
      info: { name: 'Ann' },
      tags: { vip: true },
      channels: ['room:*'],
      expiresAt: expect.any(Number),
    });
    await expect(host.runtime.ask('auth', { ...from, token: 'over' })).rejects.toMatchObject({ code: 109 });
    expect(await host.runtime.ask('connect', { ...client, ...from })).toEqual({
      user: 'bob',
      info: '192.0.2.1',
    });
  });

  test('call answers any JSON, and message false', async () => {
    const host = await start(`
      export const call = ({ method, data }) => ({ none: undefined, null: null, sum: data })[method];
      export const message = ({ data }) => (data === 'drop' ? false : { data: [data] });`);
    const call = (method: string, data: string): Promise<unknown> =>
      host.runtime.ask('call', { ...client, method, data });
    expect([await call('none', '1'), await call('null', '1'), await call('sum', '{"a":1}')]).toEqual([
      undefined,
      'null',
      '{"a":1}',
    ]);
    expect(await host.runtime.ask('message', { ...client, data: '"drop"' })).toBe(false);
    expect(await host.runtime.ask('message', { ...client, data: '"x"' })).toEqual({ data: '["x"]' });
  });

  test('is there or not', async () => {
    const host = await start(`export const userOnline = () => {}; export const call = () => 1;`);
    const { runtime } = host;
    expect([runtime.has('call'), runtime.has('publish'), runtime.has('auth')]).toEqual([true, false, false]);
    expect([runtime.wants('userOnline'), runtime.wants('disconnect'), runtime.wants('connect')]).toEqual([
      true,
      false,
      false,
    ]);
    await expect(host.publish(1)).rejects.toMatchObject({ code: 108 });
  });
});

describe('RUN3 a hook that throws', () => {
  test('refuses with a code from 400 to 1999, whatever it throws', async () => {
    const host = await start(`
      class Refusal extends Error { constructor(code) { super('not here'); this.code = code; } }
      export async function publish({ data }) {
        if (data === 'plain') throw { code: 1999, message: 'plain' };
        if (data === 'long') throw { code: 400, message: 'x'.repeat(5000) };
        throw new Refusal(data);
      }`);
    expect(await host.refusal(400)).toBe('400 not here');
    expect(await host.refusal('plain')).toBe('1999 plain');
    expect(await host.refusal('long')).toBe(`400 ${'x'.repeat(limits.hookMessageCharacters)}`);
    for (const code of [399, 2_000, 404.5, '404']) {
      expect(await host.refusal(code)).toBe('100 internal server error');
    }
  });

  test('that cannot be read is 100 for its own call, and the thread goes on', async () => {
    const host = await start(`
      const broken = () => { throw new Error('not to be read'); };
      const errors = [
        { get code() { return broken(); } },
        new Proxy({}, { get: broken, getPrototypeOf: broken }),
        Object.assign(new Error(), { message: 5 }),
        Object.assign(new Error(), { stack: 5 }),
        { toJSON: broken, toString: broken },
        Object.assign(Object.create(null), { amount: 1n }),
      ];
      export const publish = ({ data }) => { if (data >= 0) throw errors[data]; return { data: 'fine' }; };`);
    const asked = [0, 1, 2, 3, 4, 5, -1].map((data) => host.refusal(data));
    expect(await Promise.all(asked)).toEqual([
      ...Array(6).fill('100 internal server error'),
      'passed: "fine"',
    ]);
    expect(host.info['generation']).toBe(1);
    expect(host.log.lines.join('\n')).not.toContain('replaced');
  });

  test('without one is 100, and the log has hook, file and line, once for many', async () => {
    const host = await start({
      'hooks.ts': `import { deep } from './lib/deep.ts';\nexport function publish() {\n  deep();\n}\n`,
      'lib/deep.ts': `type A = string;\n\nexport function deep(): A {\n  throw new RangeError('too deep');\n}\n`,
    });
    for (let count = 0; count < 20; count++) expect(await host.refusal(1)).toBe('100 internal server error');
    expect(host.log.lines.slice(1)).toEqual([
      "error: the hook 'publish' failed: RangeError: too deep (lib/deep.ts:4)",
    ]);
    expect(host.runtime.figures()?.calls).toBeDefined();
    expect([...(host.runtime.figures()?.calls ?? [])]).toEqual([
      { hook: 'publish', outcome: 'failed', count: 20 },
    ]);
  });
});

describe('RUN4 a hook that does not come back', () => {
  test('is 108 at its time, and the others of the thread go on', async () => {
    const host = await start(
      `export const publish = ({ data }) => (data === 'never' ? new Promise(() => {}) : { data });`,
      { timeoutMs: 300 },
    );
    const never = host.refusal('never');
    expect(await host.publish(1)).toBe(1);
    expect(await never).toContain('108 not available');
    expect(await host.publish(2)).toBe(2);
    expect(host.info['generation']).toBe(1);
    expect(host.log.lines).toContain("error: the hook 'publish' failed: no answer within 300 ms");
  });

  test('because it loops is ended with its thread, which is replaced; the log names it', async () => {
    const host = await start(
      `export const publish = ({ data }) => { while (data === 'loop'); return { data }; };
       export const call = () => 1;`,
      { timeoutMs: 400 },
    );
    const all = [host.refusal('loop'), host.refusal('beside'), host.refusal('it')];
    for (const said of await Promise.all(all)) expect(said).toContain('108 not available');
    await host.generation(2);
    expect(await host.publish('again')).toBe('again');
    expect(host.log.lines).toContain(
      "error: hooks: their thread is replaced: it has not come back for 0.4 s, as in a loop without end, while the hook 'publish' was running",
    );
  });

  test('after it waited is ended too', async () => {
    const host = await start(
      `export const publish = async ({ data }) => { await null; while (data === 'loop'); return { data }; };`,
      { timeoutMs: 400 },
    );
    expect(await host.refusal('loop')).toContain('108');
    await host.logged("while 'publish' awaited something");
    // A new thread may take longer than a call may.
    await host.generation(2);
    expect(await host.publish('again')).toBe('again');
  });
});

describe('RUN5 a thread that dies', () => {
  const script = `
    export function publish({ data }) {
      if (data === 'exit') process.exit(3);
      if (data === 'heap') { const kept = []; for (;;) kept.push({ a: [1, 2, 3] }); }
      if (data === 'buffers') { const kept = []; for (;;) kept.push(Buffer.alloc(1_000_000, 1)); }
      if (data === 'rejection') { void (async () => { throw new Error('forgotten'); })(); return; }
      if (data === 'timer') { setTimeout(() => { throw new Error('later'); }, 5); return; }
      return { data };
    }`;

  test.each([
    ['exit', "it ended itself: process.exit(3) (hooks.ts:3), begun by the hook 'publish'"],
    ['heap', "more memory than 64 MiB (limits.hookMemoryBytes), while the hook 'publish' was running"],
    ['buffers', "more memory than 64 MiB (limits.hookMemoryBytes), while the hook 'publish' was running"],
  ])('by %s is replaced, its calls are 108, and the log says which hook it was', async (how, line) => {
    const host = await start(script, { memoryBytes: 64 * 1_048_576 });
    expect(await host.refusal(how)).toContain('108 not available');
    await host.generation(2);
    expect(await host.publish('again')).toBe('again');
    await host.logged(line);
  });

  test.each([
    [
      'rejection',
      "a promise was rejected and nobody caught it: forgotten (hooks.ts:6), begun by the hook 'publish'",
    ],
    ['timer', "an error was thrown and nobody caught it: later (hooks.ts:7), begun by the hook 'publish'"],
  ])('of an uncaught %s goes on until another is there', async (how, line) => {
    const host = await start(script);
    await host.publish(how);
    await host.logged(line);
    expect(await host.publish('between')).toBe('between');
    await host.generation(2);
    expect(await host.publish('again')).toBe('again');
  });

  test('again and again is started later and later; meanwhile calls are 108 at once', async () => {
    const host = await start(script);
    for (let count = 0; count < 3; count++) {
      await host.until(() => host.info['down'] === undefined, 'thread');
      expect(await host.refusal('exit')).toContain('108');
    }
    expect(host.runtime.has('publish')).toBe(true);
    expect(await host.refusal('x')).toContain('108');
    const pauses = host.log.lines.filter((line) => line.includes('started again in'));
    expect(pauses.map((line) => /in (\d+) ms/.exec(line)?.[1])).toEqual(['200', '400']);
    await host.generation(4);
    expect(await host.publish('x')).toBe('x');
  });
});

describe('RUN6 a hook that fails again and again', () => {
  test('is not asked for a while, which a new generation ends', async () => {
    const host = await start(
      `export const publish = ({ data }) => (data === 'never' ? new Promise(() => {}) : { data });
       export const call = () => 1;`,
      { timeoutMs: 100 },
    );
    const all = Array.from({ length: limits.hookFailures }, () => host.refusal('never'));
    await Promise.all(all);
    expect(host.info['breakers']).toEqual(['publish']);
    expect(await host.refusal('x')).toContain('108');
    expect(await host.runtime.ask('call', { ...client, method: 'm', data: '1' })).toBe('1');
    await host.runtime.reload();
    expect(await host.publish('x')).toBe('x');
  });

  test('by throwing is asked all the same: a client that sends rubbish must not close it for others', async () => {
    const host = await start(`export const publish = ({ data }) => ({ data: data.a.b });`);
    for (let count = 0; count < 3 * limits.hookFailures; count++) {
      expect(await host.refusal(1)).toBe('100 internal server error');
    }
    expect(await host.publish({ a: { b: 2 } })).toBe(2);
  });
});

test('RUN5 what a thread says that is none of the words between it and the server is told once, and changes nothing', async () => {
  const host = await start(`
    import { parentPort } from 'node:worker_threads';
    const junk = [null, undefined, 7, 'ready', {}, { type: 'log', level: 'loud', hook: '', message: 'x', fields: '' },
      { type: 'log', level: 'info', hook: '', message: 'x', fields: '{' }, { type: 'fault' }, [1], [1, 2], ['a', 1, 'b'], [9, {}, 'b'],
      [-9, 'publish', {}], { type: 'loaded' }, { type: 'toString' }, { type: '__proto__' }];
    export const publish = () => { for (const each of junk) parentPort.postMessage(each); return { data: 'fine' }; };`);
  expect(await host.publish(1)).toBe('fine');
  expect(await host.publish(2)).toBe('fine');
  const told = host.log.lines.filter((line) => line.includes('parentPort'));
  expect(told).toHaveLength(1);
  expect(host.info['generation']).toBe(1);
  expect(host.requests).toEqual([]);
});

test('RUN7 beyond so many calls under way, each further one is 108 at once', async () => {
  const host = await start(`export const publish = () => new Promise(() => {});`);
  const some = Array.from({ length: limits.hookCalls }, (_, index) => host.refusal(index));
  expect(await host.refusal('one more')).toContain('108');
  expect(host.info).toMatchObject({ inFlight: limits.hookCalls });
  await host.close();
  const settled = await Promise.all(some);
  expect(settled.filter((said) => !said.includes('108'))).toEqual([]);
});
