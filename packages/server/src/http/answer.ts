/** How an answer leaves: JSON with its length, refusals in one shape, `nosniff` on everything. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorName, errorCodes } from '@carillon/protocol';
import { ReplyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** A refusal that HTTP alone knows: one of Carillon's codes under a status of its own, and headers that go with it. */
export class HttpError extends ReplyError {
  readonly headers: readonly string[];

  constructor(status: number, name: ErrorName, detail: string, headers: readonly string[] = []) {
    const { code, message } = errorCodes[name];
    super(code, `${message}: ${detail}`, status);
    this.name = 'HttpError';
    this.headers = headers;
  }
}

export const jsonType = 'application/json; charset=utf-8';

/** `headers` are names and values by turns. */
export function send(
  res: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: readonly string[] = [],
): void {
  res.writeHead(status, [...bodyHeaders(type, body), ...headers]);
  res.end(body);
}

export function sendJson(
  res: ServerResponse,
  status: number,
  body: string,
  headers?: readonly string[],
): void {
  send(res, status, jsonType, body, headers);
}

function bodyHeaders(type: string, body: string): readonly string[] {
  const length = String(Buffer.byteLength(body));
  return ['Content-Type', type, 'Content-Length', length, 'X-Content-Type-Options', 'nosniff'];
}

/** The body of a refusal. */
export function errorText(error: ReplyError): string {
  return `{"error":{"code":${error.code},"message":${JSON.stringify(error.message)}}}`;
}

/** What a client may learn of a fault: a refusal as it is, anything else as `internal`, with its cause in the log only. */
export function asRefusal(error: unknown, log: Log, where: string): ReplyError {
  if (error instanceof ReplyError) return error;
  log.error('a request failed', { where, error });
  const { code, message, status } = errorCodes.internal;
  return new ReplyError(code, message, status);
}

/**
 * Answers with a refusal. Where much of the body is still to come, the answer leaves first and the connection is closed
 * a moment later: closed at once, the kernel would drop the answer together with what is still arriving.
 */
export function sendRefusal(
  req: IncomingMessage,
  res: ServerResponse,
  error: ReplyError,
  body = errorText(error),
  type = jsonType,
): void {
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const headers = headersOf(error);
  if (req.complete || (error.status !== 413 && isSmall(req))) {
    send(res, error.status, type, body, headers);
    return;
  }
  res.writeHead(error.status, [...bodyHeaders(type, body), ...headers, 'Connection', 'close']);
  res.write(body);
  const end = (): void => {
    clearTimeout(timer);
    res.end();
  };
  const timer = setTimeout(end, lingerMs);
  req.once('end', end).once('close', end).resume();
}

function headersOf(error: ReplyError): readonly string[] {
  const { retryAfterMs } = error;
  const own = error instanceof HttpError ? error.headers : [];
  return retryAfterMs === undefined ? own : [...own, 'Retry-After', String(Math.ceil(retryAfterMs / 1_000))];
}

/** Long enough for an answer to cross the world, too short for anybody to live on. */
const lingerMs = 500;

/** Whether the rest of the body is little enough to be read and dropped, so that the connection can be kept. */
function isSmall(req: IncomingMessage): boolean {
  const { headers } = req;
  return headers['transfer-encoding'] === undefined && !(Number(headers['content-length']) > 65_536);
}

/** Answers an upgrade, or a request that could not even be parsed, on the bare socket, and ends it. */
export function refuseSocket(socket: Duplex, status: number, error: ReplyError): void {
  const body = errorText(error);
  const extra = pairs(headersOf(error));
  socket.on('error', ignore);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${reasons[status] ?? 'Refused'}\r\nContent-Type: ${jsonType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Content-Type-Options: nosniff\r\n${extra}Connection: close\r\n\r\n${body}`,
  );
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

function pairs(headers: readonly string[]): string {
  let text = '';
  for (let at = 0; at + 1 < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return text;
}

/** The peer is being sent away: how its socket breaks is of no interest. */
function ignore(): void {}
