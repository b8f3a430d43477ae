/** `auth.jwt` and `auth.callback` as the server takes them. */
import type { CallbackConfig, JwtConfig } from './auth.ts';
import { parseDuration } from './duration.ts';
import type { Absolute } from './ingest-settings.ts';
import { type JwtKeySettings, jwtKey } from './jwt-key.ts';

export interface JwtSettings {
  readonly key: JwtKeySettings;
  /** Absent: from anybody who has the key. */
  readonly issuer?: readonly string[];
  /** Absent: for anybody. */
  readonly audience?: readonly string[];
  readonly leewayMs: number;
}

export interface CallbackSettings {
  readonly url: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly concurrency: number;
}

export function jwtSettings(jwt: JwtConfig, absolute: Absolute): JwtSettings {
  const key = jwtKey(jwt, absolute);
  if (typeof key === 'string') throw new TypeError(`the check let an unusable key pass: ${key}`);
  const { issuer, audience, leeway } = jwt;
  return {
    key,
    ...(issuer !== undefined && { issuer: [issuer].flat() }),
    ...(audience !== undefined && { audience: [audience].flat() }),
    leewayMs: parseDuration(leeway) ?? 0,
  };
}

export function callbackSettings({ url, timeout, headers, concurrency }: CallbackConfig): CallbackSettings {
  return { url, timeoutMs: parseDuration(timeout) ?? 0, headers, concurrency };
}
