/** The opening handshake of RFC 6455: what makes an upgrade request acceptable, and the answers to it. */

import { hash } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorCodes, limits } from '@carillon/protocol';

/** An acceptable request. */
export interface Handshake {
  /** The whole 101 answer. */
  readonly answer: string;
  /** From `?token=`, the subprotocol `bearer.<token>` or the cookie: the first that has one. */
  readonly token?: string;
  /** The token is longer than any that is looked at; it is not handed on. */
  readonly tokenTooLong: boolean;
  /** `?device=`. */
  readonly device?: string;
}

/** Why a request cannot be upgraded, as an HTTP answer. */
export interface Refusal {
  readonly status: number;
  /** Carillon's error code. */
  readonly code: number;
  /** One sentence for the person who made the request. */
  readonly message: string;
  /** Further header fields, names as they are sent. */
  readonly headers?: Readonly<Record<string, string>>;
}

const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const keyPattern = /^[A-Za-z0-9+/]{22}==$/;
const httpToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const bearerPrefix = 'bearer.';

/** Judges the request as RFC 6455 (section 4.2.1) has it. Extensions are not negotiated. `cookie`: the cookie that may hold a token. */
export function readHandshake(request: IncomingMessage, cookie?: string): Handshake | Refusal {
  const refusal = requestFault(request);
  if (refusal !== undefined) return refusal;
  const protocols = offeredProtocols(request);
  if (protocols === undefined) {
    return badRequest('Sec-WebSocket-Protocol must be a list of HTTP tokens, separated by commas.');
  }
  const answer = acceptAnswer(request.headers['sec-websocket-key'] ?? '', chooseProtocol(protocols));
  const query = queryOf(request.url ?? '');
  const device = query?.get('device') || undefined;
  if (device !== undefined && Buffer.byteLength(device) > limits.nameBytes) {
    return badRequest(`The query's 'device' must not be longer than ${limits.nameBytes} bytes.`);
  }
  const token = query?.get('token') || protocolToken(protocols) || cookieToken(request, cookie);
  const tokenTooLong = token !== undefined && Buffer.byteLength(token) > limits.tokenBytes;
  return {
    answer,
    tokenTooLong,
    ...(token !== undefined && !tokenTooLong && { token }),
    ...(device !== undefined && { device }),
  };
}

/** Answers an upgrade request with an HTTP status and a JSON error, and ends the socket, which must have no reader yet. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = JSON.stringify({ error: { code: refusal.code, message: refusal.message } });
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Refused'}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    'X-Content-Type-Options: nosniff',
    ...Object.entries(refusal.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ].join('\r\n');
  socket.on('error', ignoreError);
  socket.once('finish', destroy);
  // What the client still sends is thrown away; unread, it would turn our answer into a reset.
  socket.resume();
  socket.end(`${head}\r\n\r\n${body}`);
}

/** Errors of a socket need no listener of their own: 'close' follows each. */
export function ignoreError(): void {}

function destroy(this: Duplex): void {
  this.destroy();
}

function requestFault(request: IncomingMessage): Refusal | undefined {
  const { headers, method, httpVersion } = request;
  if (method !== 'GET' || httpVersion !== '1.1') {
    return badRequest('A WebSocket is opened by a GET request of HTTP/1.1.');
  }
  if (!hasListed(headers.upgrade, 'websocket')) return badRequest("The header Upgrade must say 'websocket'.");
  if (!hasListed(headers.connection, 'upgrade'))
    return badRequest("The header Connection must say 'Upgrade'.");
  if (headers['sec-websocket-version'] !== '13') {
    return {
      ...badRequest('The header Sec-WebSocket-Version must be 13, the version of RFC 6455.'),
      status: 426,
      headers: { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
    };
  }
  if (!keyPattern.test(headers['sec-websocket-key'] ?? '')) {
    return badRequest('The header Sec-WebSocket-Key must be 16 bytes in base64.');
  }
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
    return badRequest('The request that opens a WebSocket must have no body.');
  }
  return undefined;
}

function badRequest(message: string): Refusal {
  return { status: errorCodes.badRequest.status, code: errorCodes.badRequest.code, message };
}

function hasListed(value: string | undefined, wanted: string): boolean {
  return value?.split(',').some((item) => item.trim().toLowerCase() === wanted) ?? false;
}

/** In the order of the client's preference; undefined when the header is malformed. */
function offeredProtocols(request: IncomingMessage): readonly string[] | undefined {
  const header = request.headers['sec-websocket-protocol'];
  if (header === undefined) return [];
  const protocols = header.split(',').map((item) => item.trim());
  return protocols.every((item) => httpToken.test(item)) ? protocols : undefined;
}

/** Browsers end a connection whose answer names none of the protocols they offered; a token is echoed only for want of another. */
function chooseProtocol(offered: readonly string[]): string | undefined {
  return offered.find((protocol) => !protocol.startsWith(bearerPrefix)) ?? offered[0];
}

function acceptAnswer(key: string, protocol: string | undefined): string {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${hash('sha1', key + acceptSuffix, 'base64')}`,
  ];
  if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function queryOf(url: string): URLSearchParams | undefined {
  const query = url.indexOf('?');
  return query === -1 ? undefined : new URLSearchParams(url.slice(query + 1));
}

function protocolToken(offered: readonly string[]): string | undefined {
  const bearer = offered.find((protocol) => protocol.startsWith(bearerPrefix));
  return bearer?.slice(bearerPrefix.length) || undefined;
}

function cookieToken(request: IncomingMessage, name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  for (const pair of request.headers.cookie?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1 || pair.slice(0, equals).trim() !== name) continue;
    return decodeCookie(pair.slice(equals + 1).trim()) || undefined;
  }
  return undefined;
}

function decodeCookie(raw: string): string {
  const value = raw.startsWith('"') && raw.endsWith('"') && raw.length > 1 ? raw.slice(1, -1) : raw;
  try {
    return decodeURIComponent(value);
  } catch {
    // A cookie need not be percent-encoded; a stray '%' then stands for itself.
    return value;
  }
}
