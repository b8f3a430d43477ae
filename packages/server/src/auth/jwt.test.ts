import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { Identity } from '../core/access.ts';
import { ReplyError } from '../core/errors.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type JwtKey, type JwtOptions, JwtTokens } from './jwt.ts';
import { mintToken } from './mint.ts';

const secret = 'a secret of thirty-two bytes, no less';
/** The clock stands at this second. */
const now = 1_000;

function tokens(key: JwtKey, options: Partial<JwtOptions> = {}): JwtTokens {
  return new JwtTokens({ key, leewayMs: 0, ...options }, new VirtualClock(now * 1_000), new RememberingLog());
}

const own = tokens({ kind: 'secret', secret });

/** The identity, or code and message of the refusal. */
async function outcome(asked: Promise<Identity>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ReplyError) return `${error.code} ${error.message}`;
    throw error;
  }
}

function signed(claims: object, algorithm = 'HS256', key: KeyObject | Uint8Array = bytes(secret)) {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm }).sign(key);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function part(value: object | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** A token whose header and claims are exactly these texts. */
function handmade(header: object, claims: object | string, by: string = secret): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', by).update(text).digest('base64url')}`;
}

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pairs = {
  RS: rsa,
  PS: rsa,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: generateKeyPairSync('ed25519'),
};

describe('ACC16: the name of a token', () => {
  test.each([
    ['abc', 'abc'],
    [42, '42'],
    [12345678901234567890n, '12345678901234567890'],
  ])('is its jti: %s', async (jti, tokenId) => {
    const token = handmade(
      { alg: 'HS256' },
      `{"sub":"7","jti":${typeof jti === 'string' ? JSON.stringify(jti) : jti}}`,
    );
    expect(await own.authenticate(token)).toEqual({ user: '7', tokenId });
  });

  test.each([[''], ['x'.repeat(256)], [['abc']], [{ id: 1 }], [true], [null], [1.5], ['a\u0000b']])(
    'is not %j: a token that could not be withdrawn is refused',
    async (jti) => {
      const refused = await outcome(own.authenticate(await signed({ sub: '7', jti })));
      expect(refused).toMatch(/^101 unauthorized: the token's 'jti' must be a text of 1 to 255 bytes/);
    },
  );
});

describe('a token is accepted', () => {
  test.each(['HS256', 'HS384', 'HS512'])(
    'with %s under the secret, and under no other',
    async (algorithm) => {
      expect(await own.authenticate(await signed({ sub: '7' }, algorithm))).toEqual({ user: '7' });
      const forged = await signed({ sub: '7' }, algorithm, bytes(`${secret}!`));
      expect(await outcome(own.authenticate(forged))).toBe('101 unauthorized');
    },
  );

  test.each<[string, keyof typeof pairs]>([
    ['RS256', 'RS'],
    ['RS384', 'RS'],
    ['RS512', 'RS'],
    ['PS256', 'PS'],
    ['PS384', 'PS'],
    ['PS512', 'PS'],
    ['ES256', 'ES256'],
    ['ES384', 'ES384'],
    ['ES512', 'ES512'],
    ['EdDSA', 'EdDSA'],
    ['Ed25519', 'EdDSA'],
  ])('with %s under the public key, and forged is refused', async (algorithm, kind) => {
    const { publicKey, privateKey } = pairs[kind];
    const checker = tokens({ kind: 'publicKey', pem: pem(publicKey) });
    const token = await signed({ sub: '7' }, algorithm, privateKey);
    expect(await checker.authenticate(token)).toEqual({ user: '7' });
    const [header, , signature] = token.split('.');
    expect(await outcome(checker.authenticate(`${header}.${part({ sub: '8' })}.${signature}`))).toBe(
      '101 unauthorized',
    );
  });

  test('with all that it says of the client', async () => {
    const claims = {
      sub: '7',
      info: { name: 'Ada' },
      tags: { vip: true, n: 1, city: 'sh' },
      channels: ['a', 'b:*'],
    };
    const { sub, ...rest } = claims;
    expect(await own.authenticate(await signed({ ...claims, exp: now + 60, nbf: now }))).toEqual({
      user: sub,
      ...rest,
      expiresAt: (now + 60) * 1_000,
    });
  });

  test('whose user is a number, with all its digits', async () => {
    const token = handmade({ alg: 'HS256' }, '{"sub": 12345678901234567890}');
    expect(await own.authenticate(token)).toEqual({ user: '12345678901234567890' });
  });

  test('that names no user, and stands for nobody in particular', async () => {
    expect(await own.authenticate(await signed({ channels: ['a'] }))).toEqual({ channels: ['a'] });
  });

  test('as carillon token makes it', async () => {
    const mine = tokens({ kind: 'secret', secret }, { issuer: ['me'], audience: ['push'] });
    const request = {
      user: '7',
      now: now * 1_000,
      expiresInMs: 5_000,
      tags: { a: 1 },
      issuer: 'me',
      audience: 'push',
    };
    expect(await mine.authenticate(await mintToken(secret, request))).toEqual({
      user: '7',
      tags: { a: 1 },
      expiresAt: (now + 5) * 1_000,
    });
  });
});

describe('the algorithm follows from the key, and not from the token:', () => {
  const checker = tokens({ kind: 'publicKey', pem: pem(rsa.publicKey) });

  test('a public key is no secret', async () => {
    // The classic: the text of the public key, which everybody has, used as the secret of an HMAC.
    for (const text of [pem(rsa.publicKey), pem(rsa.publicKey).trim()]) {
      const forged = handmade({ alg: 'HS256' }, { sub: 'admin' }, text);
      expect(await outcome(checker.authenticate(forged))).toBe('101 unauthorized');
    }
  });

  test.each(['none', 'None', 'NONE', ''])("'%s' is refused", async (alg) => {
    for (const signature of ['', 'AAAA']) {
      const forged = `${part({ alg })}.${part({ sub: 'admin' })}.${signature}`;
      expect(await outcome(checker.authenticate(forged))).toBe('101 unauthorized');
      expect(await outcome(own.authenticate(forged))).toBe('101 unauthorized');
    }
  });

  test('a secret takes no signature by a key that the token brings along', async () => {
    const { publicKey, privateKey } = pairs.ES256;
    const header = { alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) };
    const text = `${part(header)}.${part({ sub: 'admin' })}`;
    const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    expect(await outcome(own.authenticate(`${text}.${signature.toString('base64url')}`))).toBe(
      '101 unauthorized',
    );
  });

  test('a key of one curve takes no other', async () => {
    const other = await signed({ sub: '7' }, 'ES384', pairs.ES384.privateKey);
    expect(
      await outcome(tokens({ kind: 'publicKey', pem: pem(pairs.ES256.publicKey) }).authenticate(other)),
    ).toBe('101 unauthorized');
  });

  test('a key that is for one algorithm takes no other of its kind', async () => {
    const strict = tokens({ kind: 'publicKey', pem: pem(rsa.publicKey), algorithm: 'PS256' });
    expect(await strict.authenticate(await signed({ sub: '7' }, 'PS256', rsa.privateKey))).toEqual({
      user: '7',
    });
    const other = await signed({ sub: '7' }, 'RS256', rsa.privateKey);
    expect(await outcome(strict.authenticate(other))).toBe('101 unauthorized');
  });

  test('extensions that nobody here knows are refused', async () => {
    const token = handmade({ alg: 'HS256', crit: ['b64x'], b64x: false }, { sub: '7' });
    expect(await outcome(own.authenticate(token))).toBe('101 unauthorized');
  });
});

describe('claims', () => {
  const expired = '109 token expired';
  test.each<[string, object, string]>([
    ['exp in the past', { sub: '7', exp: now - 1 }, expired],
    ['exp at this second', { sub: '7', exp: now }, expired],
    [
      'exp that is a text',
      { sub: '7', exp: '9999' },
      "101 unauthorized: the token's 'exp' is not of the right type",
    ],
    ['nbf to come', { sub: '7', nbf: now + 1 }, "101 unauthorized: the token's 'nbf' has not come yet"],
    [
      'an empty sub',
      { sub: '' },
      "101 unauthorized: the token's 'sub' must be a text of 1 to 255 bytes without control characters, or a whole number",
    ],
    [
      'tags that are a text',
      { sub: '7', tags: 'vip' },
      "101 unauthorized: the token's 'tags' must be an object of texts, numbers, true and false",
    ],
    [
      'channels with a number',
      { sub: '7', channels: ['a', 1] },
      "101 unauthorized: the token's 'channels' must be a list of at most 1000 channel names or patterns",
    ],
  ])('refuse %s', async (_, claims, refusal) => {
    expect(await outcome(own.authenticate(await signed(claims)))).toBe(refusal);
  });

  test('that expire are told as expired only under the right key', async () => {
    const forged = handmade({ alg: 'HS256' }, { sub: '7', exp: now - 1 }, 'another secret');
    expect(await outcome(own.authenticate(forged))).toBe('101 unauthorized');
  });

  test('may be of an issuer and for an audience that the config names, and of no others', async () => {
    const strict = tokens({ kind: 'secret', secret }, { issuer: ['a', 'b'], audience: ['push', 'test'] });
    const right = { sub: '7', iss: 'b', aud: ['other', 'push'] };
    expect(await strict.authenticate(await signed(right))).toEqual({ user: '7' });
    const refusals = [
      [{ ...right, iss: 'c' }, "'iss' is not what is expected here"],
      [{ ...right, aud: 'other' }, "'aud' is not what is expected here"],
      [{ sub: '7', aud: 'push' }, "'iss' is missing"],
      [{ sub: '7', iss: 'a' }, "'aud' is missing"],
    ] as const;
    for (const [claims, fault] of refusals) {
      expect(await outcome(strict.authenticate(await signed(claims)))).toBe(
        `101 unauthorized: the token's ${fault}`,
      );
    }
  });

  test('are judged with the leeway, and so is the end of the session', async () => {
    const lenient = tokens({ kind: 'secret', secret }, { leewayMs: 10_000 });
    expect(await lenient.authenticate(await signed({ sub: '7', exp: now - 9, nbf: now + 9 }))).toEqual({
      user: '7',
      expiresAt: (now + 1) * 1_000,
    });
    expect(await outcome(lenient.authenticate(await signed({ sub: '7', exp: now - 10 })))).toBe(expired);
  });

  test('whose end lies beyond all time are refused', async () => {
    const token = handmade({ alg: 'HS256' }, '{"sub":"7","exp":1e999}');
    expect(await outcome(own.authenticate(token))).toBe(
      "101 unauthorized: the token's 'exp' lies too far ahead",
    );
  });
});

test.each([
  '',
  'x',
  'a.b',
  'a.b.c',
  '..',
  'a.b.c.d.e',
  `${part('x')}.${part('y')}.z`,
  'é.è.ê',
  `${'A'.repeat(8_000)}.A.A`,
])("'%.20s' is no token", async (text) => {
  expect(await outcome(own.authenticate(text))).toBe('101 unauthorized');
});
