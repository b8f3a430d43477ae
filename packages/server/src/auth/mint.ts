/** Makes JSON Web Tokens, for trying out and for scripts; a site's own backend makes them with its own library. */
import { SignJWT } from 'jose';

export interface TokenRequest {
  /** Absent: the token names no user. */
  readonly user?: string;
  /** Names this one token. */
  readonly jti?: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** From `now` on, whole seconds. */
  readonly expiresInMs: number;
  /** Any JSON value. */
  readonly info?: unknown;
  readonly tags?: Readonly<Record<string, unknown>>;
  readonly channels?: readonly string[];
  readonly issuer?: string;
  readonly audience?: string;
}

/** A token that a server with the same secret accepts. The algorithm is HS256. */
export async function mintToken(secret: string, request: TokenRequest): Promise<string> {
  const { user, jti, now, expiresInMs, info, tags, channels, issuer, audience } = request;
  const issuedAt = Math.floor(now / 1_000);
  const token = new SignJWT({
    ...(info !== undefined && { info }),
    ...(tags !== undefined && { tags }),
    ...(channels !== undefined && { channels }),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(expiresInMs / 1_000));
  if (user !== undefined) token.setSubject(user);
  if (jti !== undefined) token.setJti(jti);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return await token.sign(new TextEncoder().encode(secret));
}
