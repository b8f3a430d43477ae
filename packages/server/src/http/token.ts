/** Where a client's token may stand in an HTTP request. */
import type { IncomingMessage } from 'node:http';
import { limits } from '@carillon/protocol';
import { refuse } from '../core/errors.ts';
import { bearerOf } from './keys.ts';

/**
 * The token that a request shows: `?token=`, then the Authorization header. Undefined when it shows none.
 *
 * @throws {ReplyError} 101 when it is too long to be one.
 */
export function shownToken(req: IncomingMessage, query: URLSearchParams): string | undefined {
  return checked(query.get('token') || bearerOf(req) || undefined);
}

/**
 * The token in the cookie `name`. A browser sends it by itself, so it counts only where the page that asks is known.
 *
 * @throws {ReplyError} 101 when it is too long to be one.
 */
export function cookieToken(req: IncomingMessage, name: string): string | undefined {
  for (const pair of req.headers.cookie?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    return checked(decoded(pair.slice(equals + 1).trim()) || undefined);
  }
  return undefined;
}

function checked(token: string | undefined): string | undefined {
  if (token !== undefined && Buffer.byteLength(token) > limits.tokenBytes) {
    throw refuse('unauthorized', `a token has at most ${limits.tokenBytes} bytes`);
  }
  return token;
}

function decoded(raw: string): string {
  const value = raw.startsWith('"') && raw.endsWith('"') && raw.length > 1 ? raw.slice(1, -1) : raw;
  try {
    return decodeURIComponent(value);
  } catch {
    // A cookie need not be percent-encoded; a stray '%' then stands for itself.
    return value;
  }
}
