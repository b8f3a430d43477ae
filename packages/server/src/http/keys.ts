/** The API keys: who may use the server API, and what each may do there. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { type Rate, RateLimiter } from '../core/rate.ts';
import { isLoopback } from './address.ts';
import { HttpError } from './answer.ts';
import { Grant, type GrantSettings } from './api/grant.ts';

export interface ApiKeySettings extends GrantSettings {
  readonly key: string;
}

export interface KeySettings {
  /** Any one of them opens the API; one that is text alone may do everything. */
  readonly keys: readonly (string | ApiKeySettings)[];
  /** In development mode the API needs no key from this machine; one that is shown must still be right. */
  readonly development: boolean;
  /** Of each key; absent: no limit. */
  readonly rate?: { readonly rate: Rate; readonly clock: Clock };
}

/**
 * What a request may do: `key` showed one; `open` needs none, so cross-site checks apply; `none` showed nothing that
 * could be a key; `wrong` showed one that is not known.
 */
export type Access = 'key' | 'open' | 'none' | 'wrong';

/** A key that was shown; what it may do may change, and it may cease to be one. */
export interface ShownKey {
  /** Undefined: everything. */
  readonly grant: Grant | undefined;
  /** It is no longer among `api.keys`. */
  readonly isGone: boolean;
}

interface KnownKey extends ShownKey {
  readonly digest: Buffer;
  grant: Grant | undefined;
  isGone: boolean;
}

/** What passed on a socket. */
interface Passed {
  /** The header text. */
  readonly shown: string;
  readonly key: KnownKey;
}

export class ApiKeys {
  #keys: readonly KnownKey[];
  readonly #limiter: RateLimiter | undefined;
  readonly #development: boolean;
  /**
   * What passed on each socket. Comparing it with what the same socket already proved to know tells nobody anything, and
   * saves two hashes a request.
   */
  readonly #passed = new WeakMap<Socket, Passed>();

  constructor({ keys, development, rate }: KeySettings) {
    this.#limiter = rate && new RateLimiter(rate.clock, rate.rate);
    this.#keys = keys.map((key) => known(key, this.#limiter));
    this.#development = development;
  }

  /** Takes over another list. A key that stays is the same one, with what it may do now. */
  replace(keys: KeySettings['keys']): void {
    const before = new Map(this.#keys.map((key) => [key.digest.toString('base64'), key]));
    this.#keys = keys.map((setting) => {
      const wanted = known(setting, this.#limiter);
      const kept = before.get(wanted.digest.toString('base64'));
      if (kept === undefined) return wanted;
      kept.grant = wanted.grant;
      before.delete(kept.digest.toString('base64'));
      return kept;
    });
    for (const key of before.values()) key.isGone = true;
  }

  /** `address` is asked for only where it matters: in development mode. */
  access(req: IncomingMessage, address: () => string): Access {
    const { authorization } = req.headers;
    const own = req.headers['x-api-key'];
    const showsNothing = authorization === undefined && own === undefined;
    if (showsNothing || this.#keys.length === 0) {
      return this.#development && isLoopback(address()) ? 'open' : 'none';
    }
    const shown = shownBy(req);
    const passed = this.#passed.get(req.socket);
    if (passed?.shown === shown && !passed.key.isGone) return 'key';
    const bearer = bearerOf(req);
    const key =
      (typeof own === 'string' ? this.#find(own) : undefined) ??
      (bearer === undefined ? undefined : this.#find(bearer));
    if (key === undefined) return own === undefined && bearer === undefined ? 'none' : 'wrong';
    this.#passed.set(req.socket, { shown, key });
    return 'key';
  }

  /** What the key of a request may do whose access was `key` just now; undefined: everything. */
  grantOf(req: IncomingMessage): Grant | undefined {
    return this.keyOf(req).grant;
  }

  /** The key of a request whose access was `key` just now, for what outlives the request. */
  keyOf(req: IncomingMessage): ShownKey {
    const passed = this.#passed.get(req.socket);
    if (passed === undefined || passed.shown !== shownBy(req)) throw this.refusal('wrong');
    return passed.key;
  }

  /** The refusal of a request whose access is `none` or `wrong`. */
  refusal(access: Access): HttpError {
    const detail =
      this.#keys.length === 0
        ? "the server API is closed because no key is configured; set 'api.keys' (or CARILLON_API_KEYS)"
        : access === 'wrong'
          ? "this API key is not known; send one of 'api.keys' as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
          : "an API key is needed; send one of 'api.keys' as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'";
    return new HttpError(401, 'unauthorized', detail, ['WWW-Authenticate', 'Bearer']);
  }

  /** Compares with every key, and all bytes of it, so that the time taken tells nothing. */
  #find(key: string): KnownKey | undefined {
    const shown = digest(key);
    let found: KnownKey | undefined;
    for (const candidate of this.#keys) if (timingSafeEqual(candidate.digest, shown)) found ??= candidate;
    return found;
  }
}

/** The text after `Bearer` in the Authorization header. */
export function bearerOf(req: IncomingMessage): string | undefined {
  const { authorization } = req.headers;
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim();
}

function shownBy({ headers }: IncomingMessage): string {
  const own = headers['x-api-key'];
  return `${headers.authorization ?? ''}\n${typeof own === 'string' ? own : ''}`;
}

function known(setting: string | ApiKeySettings, limiter: RateLimiter | undefined): KnownKey {
  const settings = typeof setting === 'string' ? { key: setting } : setting;
  if (settings.key === '') throw new Error('api.keys: a key must not be empty');
  const { scopes, channels } = settings;
  const mayAll = scopes === undefined && channels === undefined && limiter === undefined;
  const name = digest(settings.key);
  const rate = limiter && { limiter, bucket: name.toString('base64') };
  return { digest: name, grant: mayAll ? undefined : new Grant(settings, rate), isGone: false };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
