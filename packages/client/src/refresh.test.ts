import { expect, test } from 'vitest';
import { Carillon } from './client.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';
import { VirtualTimers } from './testing/virtual-timers.ts';
import type { TokenOption } from './token.ts';

async function connected(token: TokenOption, expires: number | undefined) {
  const timers = new VirtualTimers();
  const transport = new ScriptedTransport();
  const carillon = new Carillon('ws://a', { token }, { timers, transport });
  const errors: unknown[] = [];
  carillon.on('error', (error) => errors.push(error));
  carillon.connect();
  await timers.pass(0);
  transport.last.callbacks.opened();
  transport.last.answer('auth', { session: 's', user: 'u', expires });
  const refreshes = () =>
    transport.connections.flatMap(({ sent }) => sent.filter(({ op }) => op === 'refresh'));
  /** Lets time pass on a connection that answers pings. */
  const live = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      await timers.pass(Math.min(5_000, ms - passed));
      transport.last.receive({ result: 'pong' });
    }
  };
  return { timers, transport, carillon, errors, refreshes, live };
}

test('a fresh token is shown 30 s before the old one expires, and again before the fresh one does', async () => {
  let asked = 0;
  const { transport, refreshes, live, carillon } = await connected(() => `token-${++asked}`, 300);
  await live(269_000);
  expect(refreshes()).toEqual([]);
  await live(1_000);
  expect(refreshes()).toMatchObject([{ op: 'refresh', token: 'token-2' }]);
  transport.last.answer('refresh', { expires: 10 });
  await live(9_000);
  expect(refreshes()).toMatchObject([{ token: 'token-2' }, { token: 'token-3' }]);
  transport.last.answer('refresh', {});
  await live(600_000);
  expect([refreshes().length, carillon.state]).toEqual([2, 'connected']);
});

test('a token that does not expire, and one that is a constant, is not refreshed', async () => {
  for (const [token, expires] of [
    [() => 't', undefined],
    ['t', 60],
  ] as const) {
    const { refreshes, live } = await connected(token, expires);
    await live(120_000);
    expect(refreshes()).toEqual([]);
  }
});

test('a refused refresh brings a new connection with a token of its own', async () => {
  let asked = 0;
  const { transport, timers, live } = await connected(() => `token-${++asked}`, 60);
  await live(54_000);
  transport.last.refuse('refresh', 109);
  await timers.pass(1_000);
  expect(transport.connections).toHaveLength(2);
  transport.last.callbacks.opened();
  expect(transport.last.command('auth')).toMatchObject({ token: 'token-2' });
});

test('a callback that fails is told, and the connection stays until the server ends it', async () => {
  let asked = 0;
  const token = () => (++asked === 2 ? Promise.reject(new Error('backend down')) : `token-${asked}`);
  const { carillon, errors, live, timers, transport } = await connected(token, 60);
  await live(58_000);
  expect(errors).toEqual([new Error('backend down')]);
  expect(carillon.state).toBe('connected');
  transport.last.callbacks.closed(3005, 'expired');
  await timers.pass(1_000);
  transport.last.callbacks.opened();
  expect(transport.last.command('auth')).toMatchObject({ token: 'token-3' });
});

test('a connection that is gone refreshes nothing', async () => {
  const { carillon, refreshes, timers } = await connected(() => 't', 60);
  carillon.close();
  await timers.pass(120_000);
  expect([refreshes(), timers.waiting]).toEqual([[], 0]);
});
