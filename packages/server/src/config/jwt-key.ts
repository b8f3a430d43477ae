/** Finds the key by which JWTs are checked, whichever way the config says it, and what keeps it from being one. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { JwtConfig } from './auth.ts';
import type { Absolute } from './ingest-settings.ts';

export type JwtKeySettings =
  | { readonly kind: 'secret'; readonly secret: string }
  /** `pem` in SPKI; `algorithm` where the JWK names the only one that the key is for. */
  | { readonly kind: 'publicKey'; readonly pem: string; readonly algorithm?: string }
  | { readonly kind: 'jwks'; readonly url: string };

const pathOfKey = ['auth', 'jwt', 'publicKey'] as const;
/** By type or curve: what a JWK of that kind may name as its algorithm. */
const algorithms: ReadonlyMap<string, RegExp> = new Map([
  ['rsa', /^[RP]S(?:256|384|512)$/],
  ['prime256v1', /^ES256$/],
  ['secp384r1', /^ES384$/],
  ['secp521r1', /^ES512$/],
  ['ed25519', /^(?:EdDSA|Ed25519)$/],
]);
const leastRsaBits = 2_048;

/** The key, or a sentence that says why there is none; the sentence never shows any of it. */
export function jwtKey(
  { secret, publicKey, jwksUrl }: JwtConfig,
  absolute: Absolute,
): JwtKeySettings | string {
  const ways = Object.entries({ secret, publicKey, jwksUrl }).filter(([, value]) => value !== undefined);
  if (ways.length === 0) return "auth.jwt: needs a key: set 'secret', 'publicKey' or 'jwksUrl'.";
  if (ways.length > 1) {
    return `auth.jwt: ${ways.map(([way]) => way).join(' and ')} contradict each other; keep one of them.`;
  }
  if (secret !== undefined) return { kind: 'secret', secret };
  if (jwksUrl !== undefined) return { kind: 'jwks', url: jwksUrl };
  try {
    return ownKey(publicKey ?? '', absolute);
  } catch (error) {
    if (!(error instanceof KeyFault)) throw error;
    return `auth.jwt.publicKey: ${error.message}`;
  }
}

/** One sentence for each thing that keeps JWTs from being checked. */
export function jwtFaults({ jwt }: { readonly jwt?: JwtConfig | undefined }, absolute: Absolute): string[] {
  const key = jwt === undefined ? undefined : jwtKey(jwt, absolute);
  return typeof key === 'string' ? [key] : [];
}

class KeyFault extends Error {}

function ownKey(given: string | object, absolute: Absolute): JwtKeySettings {
  const source = typeof given === 'string' && !isKeyText(given) ? readKeyFile(given, absolute) : given;
  if (typeof source === 'string' && !source.trimStart().startsWith('{')) {
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(source)) throw isPrivate();
    return { kind: 'publicKey', pem: checkedPem(() => createPublicKey(source)) };
  }
  const jwk = typeof source === 'string' ? parsedJwk(source) : (source as JsonWebKey);
  if ('d' in jwk) throw isPrivate();
  if (jwk.kty === 'oct') throw new KeyFault("is a secret, and no public key; set 'secret' instead.");
  const algorithm = typeof jwk['alg'] === 'string' ? jwk['alg'] : undefined;
  const pem = checkedPem(() => createPublicKey({ key: jwk, format: 'jwk' }), algorithm);
  return { kind: 'publicKey', pem, ...(algorithm !== undefined && { algorithm }) };
}

function isKeyText(text: string): boolean {
  return text.includes('-----BEGIN ') || text.trimStart().startsWith('{');
}

function readKeyFile(path: string, absolute: Absolute): string {
  const file = absolute(pathOfKey, path);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFault(`${file} cannot be read (${code}).`);
  }
}

function parsedJwk(text: string): JsonWebKey {
  try {
    return JSON.parse(text) as JsonWebKey;
  } catch {
    throw new KeyFault('is no key: a JWK must be JSON.');
  }
}

/** @throws {KeyFault} where it is no key, or none that JWTs are signed with. */
function checkedPem(create: () => KeyObject, algorithm?: string): string {
  let key: KeyObject;
  try {
    key = create();
  } catch {
    throw new KeyFault('is no key that can be read; it must be PEM or a JWK.');
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const kind = String(type === 'ec' ? details?.namedCurve : type);
  const fitting = algorithms.get(kind);
  if (fitting === undefined) {
    throw new KeyFault(
      `is of a kind (${kind}) that JWTs are not signed with; it must be RSA, P-256, P-384, P-521 or Ed25519.`,
    );
  }
  const bits = details?.modulusLength ?? leastRsaBits;
  if (bits < leastRsaBits) {
    throw new KeyFault(`has ${bits} bits; an RSA key needs at least ${leastRsaBits}.`);
  }
  if (algorithm !== undefined && !fitting.test(algorithm)) {
    throw new KeyFault(`names an algorithm ('alg') that does not fit a key of its kind (${kind}).`);
  }
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function isPrivate(): KeyFault {
  return new KeyFault('is a private key; the server needs its public half alone.');
}
