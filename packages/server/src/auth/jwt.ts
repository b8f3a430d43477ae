/** Tokens that prove themselves: JSON Web Tokens under a key of the config, or of a key set elsewhere. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { limits } from '@carillon/protocol';
import { errors, type JWTVerifyResult, jwtVerify } from 'jose';
import type { Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type ReplyError, refuse } from '../core/errors.ts';
import { IdentityFault, readIdentity } from '../core/identity.ts';
import type { Log } from '../core/log.ts';
import type { Authority } from './authority.ts';
import { RemoteKeys } from './jwks.ts';

export type JwtKey =
  | { readonly kind: 'secret'; readonly secret: string }
  /** `pem` in SPKI; `algorithm` where the key is for that one alone. */
  | { readonly kind: 'publicKey'; readonly pem: string; readonly algorithm?: string }
  | { readonly kind: 'jwks'; readonly url: string };

export interface JwtOptions {
  readonly key: JwtKey;
  /** Tokens must be from one of these; absent: from anybody who has the key. */
  readonly issuer?: readonly string[];
  /** Tokens must be for one of these; absent: for anybody. */
  readonly audience?: readonly string[];
  /** How far the clocks of issuer and server may be apart. */
  readonly leewayMs: number;
}

/** What a kind of key can be used with. The token's header never widens that: it would let a public key pass for a secret. */
const algorithms = {
  secret: ['HS256', 'HS384', 'HS512'],
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
  ed25519: ['EdDSA', 'Ed25519'],
} as const satisfies Record<string, readonly string[]>;

const asymmetric: readonly string[] = Object.entries(algorithms).flatMap(([kind, names]) =>
  kind === 'secret' ? [] : names,
);

/** The algorithms of a public key; none for a kind that JWTs are not signed with. */
function algorithmsOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): readonly string[] {
  const kind = type === 'ec' ? details?.namedCurve : type;
  const found = Object.entries(algorithms).find(([name]) => name === kind && name !== 'secret');
  return found?.[1] ?? [];
}

const shape = /^[\w-]+\.[\w-]+\.[\w-]*$/;

type Verify = (token: string) => Promise<JWTVerifyResult>;

export class JwtTokens implements Authority {
  readonly #options: JwtOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #remote: RemoteKeys | undefined;
  readonly #verify: Verify;

  constructor(options: JwtOptions, clock: Clock, log: Log) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    const { key } = options;
    this.#remote = key.kind === 'jwks' ? new RemoteKeys(key.url, clock, log) : undefined;
    this.#verify = this.#remote === undefined ? this.#withOwnKey(key) : this.#withKeysOf(this.#remote);
  }

  async authenticate(token: string): Promise<Identity> {
    if (!shape.test(token)) throw refuse('unauthorized');
    try {
      return this.#identityOf(token, await this.#verify(token));
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  close(): void {
    this.#remote?.close();
  }

  #withOwnKey(key: JwtKey): Verify {
    if (key.kind === 'secret') {
      const secret = new TextEncoder().encode(key.secret);
      return (token) => jwtVerify(token, secret, this.#checks(algorithms.secret));
    }
    if (key.kind === 'jwks') throw new TypeError('a key set is no single key');
    const publicKey = createPublicKey(key.pem);
    const fitting = algorithmsOf(publicKey);
    const allowed = fitting.filter((name) => key.algorithm === undefined || name === key.algorithm);
    return (token) => jwtVerify(token, publicKey, this.#checks(allowed));
  }

  #withKeysOf(keys: RemoteKeys): Verify {
    return async (token) => {
      const checks = this.#checks(asymmetric);
      try {
        return await jwtVerify(token, (header, jws) => keys.find(header, jws), checks);
      } catch (error) {
        if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
        // A token that names no key: any of those that fit may have signed it.
        for await (const key of error) {
          const verified = await jwtVerify(token, key, checks).catch(unlessForged);
          if (verified !== undefined) return verified;
        }
        throw new errors.JWSSignatureVerificationFailed();
      }
    };
  }

  #checks(allowed: readonly string[]): Parameters<typeof jwtVerify>[2] {
    const { issuer, audience, leewayMs } = this.#options;
    return {
      algorithms: [...allowed],
      currentDate: new Date(this.#clock.now()),
      clockTolerance: leewayMs / 1_000,
      ...(issuer !== undefined && { issuer: [...issuer] }),
      ...(audience !== undefined && { audience: [...audience] }),
    };
  }

  #identityOf(token: string, { payload }: JWTVerifyResult): Identity {
    const json = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const identity = readIdentity(payload, json, 'sub');
    const { exp } = payload;
    if (exp === undefined) return identity;
    const expiresAt = exp * 1_000 + this.#options.leewayMs;
    if (!(expiresAt <= Number.MAX_SAFE_INTEGER)) throw new IdentityFault("'exp' lies too far ahead");
    return { ...identity, expiresAt };
  }

  #refusal(error: unknown): unknown {
    if (error instanceof errors.JWTExpired) return refuse('tokenExpired');
    if (error instanceof errors.JWTClaimValidationFailed) return unauthorized(claimFault(error));
    if (error instanceof IdentityFault) return unauthorized(error.message);
    if (error instanceof errors.JOSEError) return refuse('unauthorized');
    if (!(error instanceof TypeError)) return error;
    // A key of the set that cannot be used, such as RSA with less than 2048 bits. The message says nothing of the token.
    this.#log.error('a JWT cannot be judged by the key that it names', { reason: error.message });
    return refuse('notAvailable', 'the token cannot be checked');
  }
}

function unlessForged(error: unknown): undefined {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
}

/** The signature was right, so what is wrong may be told. */
function unauthorized(fault: string): ReplyError {
  return refuse('unauthorized', `the token's ${fault}`);
}

function claimFault({ claim, reason }: errors.JWTClaimValidationFailed): string {
  const name = `'${claim.slice(0, limits.nameBytes)}'`;
  if (reason === 'missing') return `${name} is missing`;
  if (claim === 'nbf' && reason === 'check_failed') return `${name} has not come yet`;
  return reason === 'invalid' ? `${name} is not of the right type` : `${name} is not what is expected here`;
}
