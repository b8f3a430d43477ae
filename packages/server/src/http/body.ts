/** Reads a request's body as text: bounded, UTF-8 checked, never half of it. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './answer.ts';

/** The client went away in the middle of its body: there is nobody left to answer. */
export class AbortedError extends Error {
  constructor() {
    super('the client went away before its request was complete');
    this.name = 'AbortedError';
  }
}

/**
 * The whole body. How long it may take is the server's `requestTimeout`.
 *
 * @param maxBytes The first byte over it, or a Content-Length over it, is a 413.
 * @throws {HttpError} 400 not UTF-8, 413 too large, 415 compressed.
 * @throws {AbortedError} when the client goes away.
 */
export function readText(req: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const fault = headerFault(req, maxBytes);
    if (fault !== undefined) {
      reject(fault);
      return;
    }
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    let settled = false;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (settled) return;
      if (length > maxBytes) {
        settled = true;
        first = rest = undefined;
        reject(tooLarge(maxBytes));
      } else if (first === undefined) first = chunk;
      else if (rest === undefined) rest = [first, chunk];
      else rest.push(chunk);
    });
    req.on('end', () => {
      if (settled) return;
      settled = true;
      if (first === undefined) {
        resolve('');
        return;
      }
      const bytes = rest === undefined ? first : Buffer.concat(rest, length);
      if (isUtf8(bytes)) resolve(bytes.toString());
      else reject(new HttpError(400, 'badRequest', 'the body is not valid UTF-8; send UTF-8 text'));
    });
    // A request that is cut off has an error, in every case; `close` would say nothing more.
    req.on('error', () => reject(new AbortedError()));
  });
}

/** Whether Content-Length alone shows that the body is too large. */
export function announcesTooMuch(req: IncomingMessage, maxBytes: number): boolean {
  return Number(req.headers['content-length']) > maxBytes;
}

function headerFault(req: IncomingMessage, maxBytes: number): HttpError | undefined {
  if (announcesTooMuch(req, maxBytes)) return tooLarge(maxBytes);
  const encoding = req.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return undefined;
  return new HttpError(
    415,
    'badRequest',
    'a compressed body is not accepted; send it without Content-Encoding',
  );
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(
    413,
    'limitExceeded',
    `the body is larger than ${maxBytes} bytes; send less, or raise limits.apiBodyBytes`,
  );
}
