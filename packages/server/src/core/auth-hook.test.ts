import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { createAuthenticator } from '../auth/authenticator.ts';
import { type CoreHost, startCore } from '../testing/core-host.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { type Script, ScriptedHooks } from '../testing/scripted-hooks.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { refuse, refusedByHook } from './errors.ts';

async function start(script: Script, anonymous = true): Promise<{ host: CoreHost; hooks: ScriptedHooks }> {
  const hooks = new ScriptedHooks(script);
  const clock = new VirtualClock();
  const tokens = new Map([['fixed', { user: 'fixed' }]]);
  const authenticator = await createAuthenticator(
    { anonymous, tokens },
    { clock, log: new RememberingLog(), hooks },
  );
  const authenticate = authenticator.authenticate.bind(authenticator);
  return { host: await startCore({ hooks, clock, anonymous, authenticate }), hooks };
}

const headers = { 'user-agent': 'a phone' };
const asAnn: Script = {
  auth: ({ token }) => (token === 'ann' ? { user: 'ann', info: { n: 1 } } : undefined),
};

describe('HOK9 the auth hook', () => {
  test('is asked about a token that the config does not know, and who shows it', async () => {
    const { host, hooks } = await start(asAnn);
    const client = host.connect({ headers, device: 'tablet' });
    expect(
      await client.ask(
        { op: 'auth', token: 'fixed-not' },
        { id: 1, op: 'auth', token: 'ann', device: 'phone' },
        { op: 'refresh', token: 'ann' },
      ),
    ).toMatchObject([{ code: 101 }, { id: 1, result: { user: 'ann' } }, { result: true }]);
    const { session } = client;
    const address = '192.0.2.1';
    expect(hooks.events('auth')).toEqual([
      { session, address, headers, token: 'fixed-not', device: 'tablet' },
      { session, address, headers, token: 'ann', device: 'phone' },
      { session, address, headers: {}, token: 'ann', device: 'phone', user: 'ann', info: { n: 1 } },
    ]);
    expect(await host.connect({ token: 'fixed' }).ask({ op: 'subscribe', channel: '@user' })).toEqual([
      { result: true },
    ]);
    expect(hooks.events('auth')).toHaveLength(3);
  });

  test('is asked about the token of a handshake and of a feed', async () => {
    const { host, hooks } = await start(asAnn);
    const client = host.connect({ headers, token: 'ann', device: 'phone' });
    expect(await client.ask({ op: 'subscribe', channel: '@user' })).toEqual([{ result: true }]);
    const feed = { address: '192.0.2.9', headers, channels: ['user:ann'], token: 'ann' };
    (await host.node.prepareFeed(feed)).cancel();
    await host.node.admit({ address: '192.0.2.8', headers, token: 'ann' });
    expect(hooks.events('auth')).toMatchObject([
      { session: client.session, address: '192.0.2.1', headers, token: 'ann', device: 'phone' },
      { address: '192.0.2.9', headers, token: 'ann' },
      { address: '192.0.2.8', headers, token: 'ann' },
    ]);
  });

  test('WS15 a device that came with a refused token changes nothing', async () => {
    const { host, hooks } = await start(asAnn);
    const client = host.connect({ device: 'tablet' });
    await client.ask({ op: 'auth', token: 'bad', device: 'phone' }, { op: 'auth', token: 'ann' });
    expect(hooks.events('auth').map(({ device }) => device)).toEqual(['phone', 'tablet']);
  });

  test.each([
    ['its own', () => refusedByHook(470, 'your account is closed'), 470, 3500, 'your account is closed'],
    ['being late', () => refuse('notAvailable', 'late'), 108, 3000, 'connection closed'],
    ['a bug', () => new TypeError('a bug'), 100, 3000, 'connection closed'],
  ])(
    'that refuses with %s is the reply; at the handshake it is the end',
    async (_title, error, code, end, reason) => {
      const { host } = await start({ auth: () => Promise.reject(error()) });
      expect(await host.connect().ask({ op: 'auth', token: 'x' }, { op: 'ping' })).toMatchObject([
        { code },
        { result: 'pong' },
      ]);
      const client = host.connect({ token: 'x' });
      await host.settle();
      expect(client.connection.ended).toEqual({ code: end, reason });
    },
  );

  test('ACC10 guesses that it refuses in its own words have an end, too', async () => {
    const { host } = await start({ auth: () => Promise.reject(refusedByHook(400, 'wrong')) });
    const client = host.connect();
    for (let count = 0; count < limits.refusedTokens; count++) client.send({ op: 'auth', token: 'x' });
    expect(await client.messages()).toHaveLength(limits.refusedTokens);
    expect(client.connection.ended?.code).toBe(3508);
  });

  test('whose identity is over already is 109; where there is no such hook, the token is unknown', async () => {
    const { host, hooks } = await start({ auth: () => ({ user: 'ann', expiresAt: 1 }) });
    expect(await host.connect().ask({ op: 'auth', token: 'x' })).toMatchObject([{ code: 109 }]);
    hooks.script = {};
    expect(await host.connect().ask({ op: 'auth', token: 'x' })).toMatchObject([{ code: 101 }]);
  });

  test('gets no headers of a client that has long been idle: they are not kept', async () => {
    const { host, hooks } = await start(asAnn);
    const client = host.connect({ headers });
    host.clock.advance(limits.authTimeoutMs);
    await client.ask({ op: 'auth', token: 'ann' });
    expect(hooks.events('auth')).toMatchObject([{ address: '192.0.2.1', headers: {} }]);
    expect(client.connection.ended).toBeUndefined();
  });

  test('ACC4 does not give more time to log in than there is', async () => {
    const { host } = await start(asAnn, false);
    const client = host.connect({ headers });
    host.clock.advance(limits.authTimeoutMs);
    expect(client.connection.ended?.code).toBe(3501);
  });
});
