import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReplyError } from '../core/errors.ts';
import { Backend, json } from '../testing/backend.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type AuthOptions, createAuthenticator } from './authenticator.ts';
import type { Authorities } from './authority.ts';
import { mintToken } from './mint.ts';

const secret = 'a secret of thirty-two bytes, no less';
let backend: Backend;
let clock: VirtualClock;
let authenticator: Authorities | undefined;

beforeEach(async () => {
  backend = await Backend.start(json({ uid: 'of the backend' }));
  clock = new VirtualClock();
});
afterEach(async () => {
  authenticator?.close();
  await backend.stop();
});

async function create(parts: Partial<AuthOptions>): Promise<(token: string) => Promise<unknown>> {
  const options = { anonymous: false, tokens: new Map(), ...parts };
  const made = await createAuthenticator(options, { clock, log: new RememberingLog() });
  authenticator = made;
  return async (token) => {
    try {
      return (await made.authenticate(token)).user;
    } catch (error) {
      if (error instanceof ReplyError) return error.code;
      throw error;
    }
  };
}

function all(): Promise<(token: string) => Promise<unknown>> {
  return create({
    tokens: new Map([['fixed', { user: 'of the config' }]]),
    jwt: { key: { kind: 'secret', secret }, leewayMs: 0 },
    callback: { url: backend.url, timeoutMs: 1_000, headers: {}, concurrency: 4 },
  });
}

function mint(by: string, expiresInMs = 60_000): Promise<string> {
  return mintToken(by, { user: 'of the issuer', now: clock.now(), expiresInMs });
}

describe('who is asked about a token', () => {
  test('first the config, then the keys, then the backend', async () => {
    const ask = await all();
    expect(await ask('fixed')).toBe('of the config');
    expect(await ask(await mint(secret))).toBe('of the issuer');
    expect(backend.requests).toHaveLength(0);
    expect(await ask('something else')).toBe('of the backend');
    // A JWT of somebody else may be one that the backend knows.
    expect(await ask(await mint('another secret'))).toBe('of the backend');
  });

  test('nobody after one that knows it and says no', async () => {
    const ask = await all();
    const token = await mint(secret, 1_000);
    clock.advance(1_000);
    expect(await ask(token)).toBe(109);
    expect(backend.requests).toHaveLength(0);
  });

  test('nobody at all where nothing is configured', async () => {
    expect(await (await create({}))('x')).toBe(101);
  });

  test('a closed one refuses what still waits', async () => {
    const ask = await all();
    backend.answer = () => {};
    const asked = Array.from({ length: 6 }, (_, index) => ask(`t${index}`));
    await backend.arrived(4);
    authenticator?.close();
    expect(await Promise.all(asked)).toEqual(new Array(6).fill(108));
    expect(clock.timers).toBe(0);
  });
});

test('whether clients without a token are admitted is what the config says', async () => {
  await create({ anonymous: true });
  expect(authenticator?.admitsAnonymous).toBe(true);
});
