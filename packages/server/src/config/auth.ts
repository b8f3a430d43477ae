/** The keys of `auth.jwt` and `auth.callback`: who else than the config knows a client's token. */
import { z } from 'zod';
import { duration, headers, httpUrl, key, list, section, text, whole } from './fields.ts';

const name = text(/^[^\p{Cc}]{1,1024}$/u, 'a text of 1 to 1024 characters');
const names = z.union([name, list(name).min(1, { error: 'must name at least one' })], {
  error: 'must be a text, or a list of texts that is not empty',
});

export const jwt = section({
  secret: key(
    text(/^[\s\S]{1,8192}$/, 'a text of 1 to 8192 characters').optional(),
    'The secret that both sides have (HS256, HS384, HS512); at least 32 random bytes.',
    { secret: 'value' },
  ),
  publicKey: key(
    z
      .union([text(/\S/, 'a key'), z.record(z.string(), z.json())], {
        error: 'must be a public key as PEM or JWK, or the path of a file with one',
      })
      .optional(),
    'Instead: the public key of the issuer (RSA, P-256, P-384, P-521, Ed25519) as PEM or JWK, or the path of a file with one.',
    { type: 'PEM, JWK or path' },
  ),
  jwksUrl: key(
    httpUrl().optional(),
    'Instead: where the issuer publishes its keys (JWKS); they are cached, and asked for anew when a token names an unknown one.',
    { type: 'URL' },
  ),
  issuer: key(names.optional(), 'Tokens must be from this issuer (`iss`), or from one of these.', {
    type: 'text or list of texts',
  }),
  audience: key(names.optional(), 'Tokens must be for this audience (`aud`), or for one of these.', {
    type: 'text or list of texts',
  }),
  leeway: key(
    duration('0s', '10m').default('0s'),
    'How far the clocks of issuer and server may be apart when `exp` and `nbf` are judged.',
  ),
});

export const callback = section({
  url: key(
    httpUrl(),
    'Gets `POST {"token"}` and answers 200 `{"uid","info"?,"tags"?,"channels"?,"expires"?}`, or 401, 403, 404 for a token that it does not know.',
    { type: 'URL' },
  ),
  timeout: key(
    duration('10ms', '1m').default('5s'),
    'How long a token may take, the wait for its turn included; then error 108.',
  ),
  headers: key(
    headers(),
    'Sent with every request, for example a key by which the backend knows this server.',
    { secret: 'value', entry: 'name' },
  ),
  concurrency: key(
    whole(1, 10_000).default(64),
    'Requests of one worker to the backend at the same time; others wait.',
  ),
});

/** The sections as they are when they were checked. */
export type JwtConfig = z.output<typeof jwt>;
export type CallbackConfig = z.output<typeof callback>;
