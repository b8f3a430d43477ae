import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from './faults.ts';
import { loadConfig } from './load.ts';
import type { Settings } from './settings.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-auth-config-'));
  mkdirSync(join(folder, 'etc'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads a config that stands in `etc`, and is used from the folder above. */
async function load(auth: object, env: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'etc/carillon.config.json');
  writeFileSync(file, JSON.stringify({ auth }));
  return loadConfig({ env, cwd: folder, flags: { config: file } });
}

async function settings(auth: object): Promise<Settings['auth']> {
  return (await load(auth)).settings.auth;
}

async function faults(auth: object): Promise<readonly string[]> {
  try {
    await load(auth);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const found = { kind: 'publicKey', pem: pem(rsa.publicKey) };

describe('auth.jwt', () => {
  test('takes a secret, and whom tokens must be from and for', async () => {
    const jwt = { secret: 's', issuer: 'me', audience: ['a', 'b'], leeway: '5s' };
    expect((await settings({ jwt })).jwt).toEqual({
      key: { kind: 'secret', secret: 's' },
      issuer: ['me'],
      audience: ['a', 'b'],
      leewayMs: 5_000,
    });
  });

  test('takes a public key as PEM, as JWK, and as the path of a file beside the config', async () => {
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    writeFileSync(join(folder, 'etc/key.pem'), pem(rsa.publicKey));
    writeFileSync(join(folder, 'etc/key.json'), JSON.stringify(jwk));
    for (const publicKey of [pem(rsa.publicKey), jwk, JSON.stringify(jwk), 'key.pem', './key.json']) {
      expect((await settings({ jwt: { publicKey } })).jwt?.key).toEqual(found);
    }
  });

  test('keeps the algorithm that a JWK names', async () => {
    const publicKey = { ...ec.publicKey.export({ format: 'jwk' }), alg: 'ES384' };
    expect((await settings({ jwt: { publicKey } })).jwt?.key).toEqual({
      kind: 'publicKey',
      pem: pem(ec.publicKey),
      algorithm: 'ES384',
    });
  });

  test('can be said by the environment alone', async () => {
    const { settings: given, inForce } = await loadConfig({
      env: { CARILLON_AUTH_JWT_SECRET: 'hidden', CARILLON_AUTH_CALLBACK_URL: 'http://127.0.0.1:8000/a' },
      cwd: folder,
    });
    expect(given.auth.jwt?.key).toEqual({ kind: 'secret', secret: 'hidden' });
    expect(given.auth.callback?.url).toBe('http://127.0.0.1:8000/a');
    expect(JSON.stringify(inForce)).not.toContain('hidden');
  });

  test('whose secret may be guessed is noted', async () => {
    expect((await load({ jwt: { secret: 's' } })).notes).toContain(
      'auth.jwt.secret: is shorter than 32 bytes and may be guessed.',
    );
    expect((await load({ jwt: { secret: 's'.repeat(32) } })).notes).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['no key', {}, "auth.jwt: needs a key: set 'secret', 'publicKey' or 'jwksUrl'."],
    [
      'two keys',
      { secret: 's', jwksUrl: 'https://a/' },
      'auth.jwt: secret and jwksUrl contradict each other; keep one of them.',
    ],
    [
      'a URL of another kind',
      { jwksUrl: 'file:///etc/passwd' },
      'auth.jwt.jwksUrl: must be a URL without user and password, such as \'https://example.com/path\', but is "file:///etc/passwd"',
    ],
    [
      'an empty list',
      { secret: 's', audience: [] },
      'auth.jwt.audience: must name at least one, but is a list',
    ],
    [
      'a name that is nearly one',
      { secret: 's', jwksUri: 'https://a/' },
      "auth.jwt.jwksUri: unknown key; did you mean 'jwksUrl'?",
    ],
    [
      'no key at all',
      { publicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' },
      'auth.jwt.publicKey: is no key that can be read; it must be PEM or a JWK.',
    ],
    ['JSON that is none', { publicKey: '{"kty":' }, 'auth.jwt.publicKey: is no key: a JWK must be JSON.'],
    [
      'a secret as JWK',
      { publicKey: { kty: 'oct', k: 'AAAA' } },
      "auth.jwt.publicKey: is a secret, and no public key; set 'secret' instead.",
    ],
    [
      'a key that is too short',
      { publicKey: pem(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey) },
      'auth.jwt.publicKey: has 1024 bits; an RSA key needs at least 2048.',
    ],
    [
      'a curve that JWTs do not know',
      { publicKey: pem(generateKeyPairSync('ed448').publicKey) },
      'auth.jwt.publicKey: is of a kind (ed448) that JWTs are not signed with; it must be RSA, P-256, P-384, P-521 or Ed25519.',
    ],
    [
      'an algorithm of another kind',
      { publicKey: { ...rsa.publicKey.export({ format: 'jwk' }), alg: 'HS256' } },
      "auth.jwt.publicKey: names an algorithm ('alg') that does not fit a key of its kind (rsa).",
    ],
  ])('refuses %s', async (_, jwt, fault) => {
    expect(await faults({ jwt })).toEqual([fault]);
  });

  test('refuses a file that is not there, by its whole path', async () => {
    expect(await faults({ jwt: { publicKey: 'nowhere.pem' } })).toEqual([
      `auth.jwt.publicKey: ${join(folder, 'etc/nowhere.pem')} cannot be read (ENOENT).`,
    ]);
  });

  test('refuses private keys, and never shows them', async () => {
    const text = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const traditional = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    for (const publicKey of [text, traditional, rsa.privateKey.export({ format: 'jwk' })]) {
      expect(await faults({ jwt: { publicKey } })).toEqual([
        'auth.jwt.publicKey: is a private key; the server needs its public half alone.',
      ]);
    }
  });
});

describe('auth.callback', () => {
  test('has defaults for all but its URL', async () => {
    expect((await settings({ callback: { url: 'http://127.0.0.1:8000/websocket_auth' } })).callback).toEqual({
      url: 'http://127.0.0.1:8000/websocket_auth',
      timeoutMs: 5_000,
      headers: {},
      concurrency: 64,
    });
    expect(await faults({ callback: {} })).toEqual([
      expect.stringMatching(/^auth\.callback\.url: is missing; it must be a URL/),
    ]);
  });

  test('never shows its headers', async () => {
    const { inForce } = await load({ callback: { url: 'https://a/', headers: { 'X-Key': 'hidden' } } });
    expect(inForce).toContainEqual(
      expect.objectContaining({ path: 'auth.callback.headers["X-Key"]', value: '***' }),
    );
    const wrong = {
      url: 'https://me:hidden@a/',
      headers: { 'X-Key': 'hidden\n' },
      timeout: '2m',
      concurrency: 0,
    };
    const text = (await faults({ callback: wrong })).join('\n');
    expect(text).not.toContain('hidden');
    expect(text.split('\n')).toHaveLength(4);
  });
});
