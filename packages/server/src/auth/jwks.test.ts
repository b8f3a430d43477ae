import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Identity } from '../core/access.ts';
import { ReplyError } from '../core/errors.ts';
import { Backend, json } from '../testing/backend.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { JwtTokens } from './jwt.ts';

const keys = {
  one: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  two: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  small: generateKeyPairSync('rsa', { modulusLength: 1_024 }),
};
const down = 'warn: the key set cannot be used; tokens that need it are refused with 108';

let backend: Backend;
let clock: VirtualClock;
let log: RememberingLog;
let tokens: JwtTokens;

beforeEach(async () => {
  backend = await Backend.start(publishing('one'));
  clock = new VirtualClock();
  log = new RememberingLog();
  tokens = new JwtTokens({ key: { kind: 'jwks', url: backend.url }, leewayMs: 0 }, clock, log);
});
afterEach(async () => {
  tokens.close();
  await backend.stop();
});

function jwk(kid: keyof typeof keys, key: KeyObject = keys[kid].publicKey): object {
  return { ...key.export({ format: 'jwk' }), kid };
}

function publishing(...kids: (keyof typeof keys)[]) {
  return json({ keys: kids.map((kid) => jwk(kid)) });
}

function signed(kid: keyof typeof keys, header: object = { kid }, alg = 'ES256'): Promise<string> {
  return new SignJWT({ sub: kid }).setProtectedHeader({ alg, ...header }).sign(keys[kid].privateKey);
}

async function outcome(asked: Promise<Identity>): Promise<unknown> {
  try {
    return (await asked).user;
  } catch (error) {
    if (error instanceof ReplyError) return error.code;
    throw error;
  }
}

async function ask(kid: keyof typeof keys, header?: object): Promise<unknown> {
  return outcome(tokens.authenticate(await signed(kid, header)));
}

describe('the keys behind a URL', () => {
  test('are asked for once, by however many tokens', async () => {
    expect(await Promise.all([ask('one'), ask('one'), ask('one')])).toEqual(['one', 'one', 'one']);
    expect(await ask('one')).toBe('one');
    expect(backend.requests).toHaveLength(1);
  });

  test('are asked for anew after their time', async () => {
    await ask('one');
    backend.answer = publishing('two');
    clock.advance(599_999);
    expect(await ask('one')).toBe('one');
    clock.advance(1);
    // The issuer has taken it back.
    expect(await ask('one')).toBe(101);
    expect(backend.requests).toHaveLength(2);
  });

  test('are asked for anew when a token names one that is not known, not more often than the cooldown allows', async () => {
    expect(await ask('one')).toBe('one');
    expect(await ask('two')).toBe(101);
    expect(backend.requests).toHaveLength(1);
    backend.answer = publishing('one', 'two');
    clock.advance(30_000);
    expect(await Promise.all([ask('two'), ask('two')])).toEqual(['two', 'two']);
    expect(backend.requests).toHaveLength(2);
    for (let count = 0; count < 100; count++) expect(await ask('one', { kid: `made-up-${count}` })).toBe(101);
    expect(backend.requests).toHaveLength(2);
    clock.advance(30_000);
    for (let count = 0; count < 100; count++) expect(await ask('one', { kid: `made-up-${count}` })).toBe(101);
    expect(backend.requests).toHaveLength(3);
  });

  test('stay in use while there are no newer', async () => {
    await ask('one');
    backend.answer = (res) => void res.writeHead(500).end();
    clock.advance(700_000);
    expect([await ask('one'), await ask('one')]).toEqual(['one', 'one']);
    expect(backend.requests).toHaveLength(2);
    // It may be one that the issuer has made since.
    expect(await ask('two')).toBe(108);
    backend.answer = publishing('one', 'two');
    clock.advance(30_000);
    expect(await ask('two')).toBe('two');
    expect(log.lines).toEqual([down, 'info: the key set answers again']);
  });

  test('that never came are 108, and asked for every second', async () => {
    backend.answer = (res) => void res.destroy();
    expect([await ask('one'), await ask('one')]).toEqual([108, 108]);
    expect(backend.requests).toHaveLength(1);
    backend.answer = publishing('one');
    clock.advance(1_000);
    expect(await ask('one')).toBe('one');
  });

  test('that are late are 108', async () => {
    backend.answer = () => {};
    const asked = ask('one');
    await backend.arrived(1);
    await clock.elapse(5_000);
    expect(await asked).toBe(108);
  });

  test.each<[string, unknown]>([
    ['no JSON object', []],
    ['no list of keys', { keys: 'x' }],
    ['far too many', { keys: new Array(3_000).fill(jwk('one')) }],
  ])('that are %s are 108', async (_, answer) => {
    backend.answer = json(answer);
    expect(await ask('one')).toBe(108);
    expect(log.lines).toEqual([down]);
  });

  test('may be several without names: any that fits may have signed', async () => {
    backend.answer = json({
      keys: [jwk('one'), jwk('two'), jwk('rsa')].map((key) => ({ ...key, kid: undefined })),
    });
    expect(await ask('two', {})).toBe('two');
    const forged = (await signed('two', {})).replace(/.{8}$/, 'AAAAAAAA');
    expect(await outcome(tokens.authenticate(forged))).toBe(101);
  });

  test('never serve as a secret', async () => {
    const secret = Buffer.from('published by mistake, and known to all');
    backend.answer = json({ keys: [{ kty: 'oct', k: secret.toString('base64url'), kid: 'one' }] });
    const forged = await new SignJWT({ sub: 'admin' })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(secret);
    expect(await outcome(tokens.authenticate(forged))).toBe(101);
    expect(backend.requests).toHaveLength(0);
  });

  test('are not asked for what is no JWT at all', async () => {
    expect(await outcome(tokens.authenticate('opaque'))).toBe(101);
    expect(backend.requests).toHaveLength(0);
  });

  test('that are too weak are never used, and the log says so', async () => {
    backend.answer = publishing('small');
    const [header, claims] = [{ alg: 'RS256', kid: 'small' }, { sub: 'x' }].map((value) =>
      Buffer.from(JSON.stringify(value)).toString('base64url'),
    );
    expect(await outcome(tokens.authenticate(`${header}.${claims}.AAAA`))).toBe(108);
    expect(log.lines).toEqual(['error: a JWT cannot be judged by the key that it names']);
  });
});
