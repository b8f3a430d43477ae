/** The API keys: who may use the server API. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { isLoopback } from './address.ts';
import { HttpError } from './answer.ts';

export interface KeySettings {
  /** Any one of them opens the API. */
  readonly keys: readonly string[];
  /** In development mode the API needs no key from this machine; one that is shown must still be right. */
  readonly development: boolean;
}

/**
 * What a request may do: `key` showed one; `open` needs none, so cross-site checks apply; `none` showed nothing that
 * could be a key; `wrong` showed one that is not known.
 */
export type Access = 'key' | 'open' | 'none' | 'wrong';

export class ApiKeys {
  readonly #digests: readonly Buffer[];
  readonly #development: boolean;
  /**
   * The header text that passed on each socket. Comparing it with what the same socket already proved to know tells
   * nobody anything, and saves two hashes a request.
   */
  readonly #passed = new WeakMap<Socket, string>();

  constructor({ keys, development }: KeySettings) {
    if (keys.includes('')) throw new Error('api.keys: a key must not be empty');
    this.#digests = keys.map(digest);
    this.#development = development;
  }

  /** `address` is asked for only where it matters: in development mode. */
  access(req: IncomingMessage, address: () => string): Access {
    const { authorization } = req.headers;
    const own = req.headers['x-api-key'];
    const showsNothing = authorization === undefined && own === undefined;
    if (showsNothing || this.#digests.length === 0) {
      return this.#development && isLoopback(address()) ? 'open' : 'none';
    }
    const shown = `${authorization ?? ''}\n${typeof own === 'string' ? own : ''}`;
    if (this.#passed.get(req.socket) === shown) return 'key';
    const bearer = bearerOf(req);
    const known =
      (bearer !== undefined && this.#knows(bearer)) || (typeof own === 'string' && this.#knows(own));
    if (!known) return own === undefined && bearer === undefined ? 'none' : 'wrong';
    this.#passed.set(req.socket, shown);
    return 'key';
  }

  /** The refusal of a request whose access is `none` or `wrong`. */
  refusal(access: Access): HttpError {
    const detail =
      this.#digests.length === 0
        ? "the server API is closed because no key is configured; set 'api.keys' (or CARILLON_API_KEYS)"
        : access === 'wrong'
          ? "this API key is not known; send one of 'api.keys' as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
          : "an API key is needed; send one of 'api.keys' as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'";
    return new HttpError(401, 'unauthorized', detail, ['WWW-Authenticate', 'Bearer']);
  }

  /** Compares with every key, and all bytes of it, so that the time taken tells nothing. */
  #knows(key: string): boolean {
    const shown = digest(key);
    let found = false;
    for (const known of this.#digests) if (timingSafeEqual(known, shown)) found = true;
    return found;
  }
}

/** The text after `Bearer` in the Authorization header. */
export function bearerOf(req: IncomingMessage): string | undefined {
  const { authorization } = req.headers;
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim();
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
