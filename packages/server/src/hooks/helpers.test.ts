import { limits } from '@carillon/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import { HookHost, type HookHostOptions } from '../testing/hook-host.ts';

let host: HookHost;

/** A hook that gives what this expression is; `carillon` and `data` are at hand. */
async function start(expression: string, options?: HookHostOptions): Promise<void> {
  host = await HookHost.start(
    `export async function publish({ data }, carillon) { return { data: await (${expression}) }; }`,
    options,
  );
}

afterEach(() => host?.close());

describe('RUN10 what a hook asks of the server', () => {
  test.each([
    [
      `carillon.publish('c', { a: [1] }, { exclude: { users: ['ann'] }, idempotency_key: 'k' })`,
      'publish {"exclude":{"users":["ann"]},"idempotency_key":"k","channel":"c","data":{"a":[1]}}',
    ],
    [
      `carillon.send({ user: 1001 }, 'hi', { event: 'news' })`,
      'send {"event":"news","to":{"user":1001},"data":"hi"}',
    ],
    [`carillon.history('c', { limit: 5 })`, 'history {"limit":5,"channel":"c"}'],
    [`carillon.presence('c')`, 'presence {"channel":"c"}'],
    [`carillon.presenceStats('c')`, 'presence_stats {"channel":"c"}'],
    [`carillon.api('group_join', { group: 'g', user: 'u' })`, 'group_join {"group":"g","user":"u"}'],
    [`carillon.api('info')`, 'info {}'],
    [
      `(() => { const { publish } = carillon; return publish('c', 1); })()`,
      'publish {"channel":"c","data":1}',
    ],
  ])('%s', async (expression, asked) => {
    await start(expression);
    const answer = await host.publish(1);
    expect(host.requests).toEqual([asked]);
    expect(answer).toEqual(JSON.parse(asked.slice(asked.indexOf(' '))));
  });

  test('is refused with code and words, which a hook may catch', async () => {
    await start(`carillon.api('x').catch(({ name, code, message }) => ({ name, code, message }))`, {
      request: () => Promise.reject(refuse('unknownMethod', "there is no 'x'")),
    });
    expect(await host.publish(1)).toEqual({
      name: 'CarillonError',
      code: 104,
      message: "unknown method: there is no 'x'",
    });
  });

  test('and does not catch is a failure of the hook', async () => {
    await start(`carillon.api('x')`, { request: () => Promise.reject(refuse('notAvailable')) });
    expect(await host.refusal(1)).toBe('100 internal server error');
    expect(host.log.lines.at(-1)).toContain('CarillonError: not available');
  });

  test('may go on after the hook has answered, also in a generation that retires', async () => {
    let answer: (() => void) | undefined;
    host = await HookHost.start(
      `export const publish = (_, carillon) => { void carillon.api('first').then(() => carillon.api('second')); };`,
      {
        request: (method) =>
          method === 'second'
            ? Promise.resolve('{}')
            : new Promise((resolve) => {
                answer = () => resolve('{}');
              }),
      },
    );
    await host.publish(1);
    await host.until(() => answer !== undefined, 'request');
    await host.runtime.reload();
    answer?.();
    await host.until(() => host.requests.length === 2, 'second request');
  });

  test('is bounded: beyond 1,000 that await an answer, 106', async () => {
    await start(
      `Promise.allSettled(Array.from({ length: ${limits.hookRequests + 2} }, () => carillon.api('x')))
        .then((all) => all.flatMap(({ reason }) => (reason === undefined ? [] : [reason.code])))`,
    );
    expect(await host.publish(1)).toEqual([106, 106]);
  });

  test('is a log with the name of the hook, within bounds', async () => {
    await start(`(await null, carillon.log.warn('look', { at: data }), carillon.log.info('y'.repeat(9999)),
      Array.from({ length: 200 }, () => carillon.log.debug('again')), carillon.generation)`);
    expect(await host.publish(1)).toBe(1);
    const [, look, long, ...again] = host.log.lines;
    expect([look, long]).toEqual(['warn: look', `info: ${'y'.repeat(limits.hookLogCharacters)}`]);
    expect(again).toHaveLength(limits.hookLogLines - 2);
  });
});

describe('RUN11 what is told', () => {
  test('reaches the hook in order, and nobody waits', async () => {
    host = await HookHost.start(`
      const seen = [];
      export async function userOnline({ user }) { seen.push(user); await null; if (user === '3') throw new Error('no'); return 5; }
      export const call = () => seen;`);
    const users = Array.from({ length: 1_000 }, (_, index) => String(index));
    for (const user of users) host.runtime.tell('userOnline', { user });
    await host.until(() => host.info['waiting'] === 0 && host.info['inFlight'] === 0, 'end');
    const seen = await host.runtime.ask('call', { session: 's', method: 'm', data: '1' });
    expect(JSON.parse(seen ?? '')).toEqual(users);
    expect(host.log.lines).toContain("error: the hook 'userOnline' failed: no (hooks.ts:3)");
  });

  test('is dropped beyond the queue, counted and logged', async () => {
    host = await HookHost.start(`export const userOnline = () => new Promise(() => {});`, {
      timeoutMs: 60_000,
    });
    const { hookEvents, hookEventsAtOnce } = limits;
    for (let count = 0; count < hookEvents + hookEventsAtOnce + 7; count++) {
      host.runtime.tell('userOnline', { user: 'u' });
    }
    expect(host.info).toMatchObject({ waiting: hookEvents, inFlight: hookEventsAtOnce });
    expect(host.runtime.figures()?.dropped).toEqual(new Map([['userOnline', 7]]));
    expect(host.log.lines.filter((line) => line.includes('dropped'))).toHaveLength(1);
  });

  test('is lost with the thread that was at it, and counted', async () => {
    host = await HookHost.start(
      `export const userOnline = ({ user }) => { if (user === 'x') process.exit(); };`,
    );
    host.runtime.tell('userOnline', { user: 'x' });
    host.runtime.tell('userOnline', { user: 'y' });
    await host.generation(2);
    expect(host.runtime.figures()?.dropped.get('userOnline')).toBe(2);
  });
});
