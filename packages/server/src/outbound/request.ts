/** One HTTP request whose answer is late, long or broken at most within its bounds. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Cancel, Clock } from '../core/clock.ts';

export interface HttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the kind that the URL's protocol needs. */
  readonly agent: Agent;
  /** From the call to the end of the answer. */
  readonly timeoutMs: number;
  /** Of the answer's body. */
  readonly maxBytes: number;
  /** The status says it all: the answer is there with its head, and a body that is long, broken or endless is no fault. */
  readonly statusOnly?: true;
  /** Whether the body of an answer that is not 200 is wanted too. */
  readonly wantsRefusals?: boolean;
  readonly clock: Clock;
}

export interface HttpAnswer {
  readonly status: number;
  /** Empty where the status is not 200 and refusals are not wanted, or where the status is all that was asked for. */
  readonly body: string;
  /** The header, as it was written. */
  readonly retryAfter?: string;
}

/** How long a connection may be silent, in milliseconds. */
const idleMs = 30_000;

/** There is no answer that could be used. The message is half a sentence for the log. */
export class HttpFault extends Error {
  /** A kept connection turned out to be closed: the request was not seen, and another connection will do. */
  readonly isStale: boolean;

  constructor(message: string, isStale = false) {
    super(message);
    this.name = 'HttpFault';
    this.isStale = isStale;
  }
}

/** Connections to the server of a URL that are kept between requests, so many at most. */
export function connectionsTo(url: URL, maxSockets: number): Agent {
  const options = { keepAlive: true, maxSockets, timeout: idleMs };
  return url.protocol === 'https:' ? new HttpsAgent(options) : new Agent(options);
}

/** Of a request whose body is JSON, and whose answer is too; `own` come from the config and may replace some. */
export function jsonHeaders(body: string, own: Readonly<Record<string, string>>): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'User-Agent': 'carillon',
    ...own,
    'Content-Length': String(Buffer.byteLength(body)),
  };
}

/** Redirects are not followed: they are answers like others. @throws {HttpFault} */
export async function ask(asked: HttpRequest): Promise<HttpAnswer> {
  const endsAt = asked.clock.now() + asked.timeoutMs;
  try {
    return await attempt(asked, asked.timeoutMs);
  } catch (error) {
    const leftMs = endsAt - asked.clock.now();
    if (!(error instanceof HttpFault) || !error.isStale || leftMs <= 0) throw error;
    return await attempt(asked, leftMs);
  }
}

function attempt(asked: HttpRequest, timeoutMs: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { url, method, headers, body, agent, clock, maxBytes } = asked;
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { method, headers, agent });
    let isAnswered = false;
    let cancel: Cancel = () => {};
    const fail = (fault: HttpFault): void => {
      cancel();
      reject(fault);
      request.destroy();
    };
    cancel = clock.after(timeoutMs, () =>
      fail(new HttpFault(`no answer within ${Math.round(asked.timeoutMs)} ms`)),
    );
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = !isAnswered && request.reusedSocket && error.code === 'ECONNRESET';
      fail(new HttpFault(error.code ?? error.message, isStale));
    });
    request.on('response', (response) => {
      isAnswered = true;
      const { statusCode: status = 0, headers: told } = response;
      const retryAfter = told['retry-after'];
      const said = { status, ...(retryAfter !== undefined && { retryAfter }) };
      // That is the answer, whatever becomes of its body, which is read only so that the connection can be kept.
      const isAll = status !== 200 && asked.wantsRefusals !== true;
      if (isAll || asked.statusOnly === true) resolve({ ...said, body: '' });
      read(response, maxBytes).then((text) => {
        cancel();
        resolve({ ...said, body: text });
      }, fail);
    });
    request.end(body);
  });
}

/** Rejects with an HttpFault. */
function read(response: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) reject(new HttpFault(`the answer is longer than ${maxBytes} bytes`));
      else chunks.push(chunk);
    });
    response.on('end', () => {
      const text = decoded(Buffer.concat(chunks));
      if (text === undefined) reject(new HttpFault('the answer is not UTF-8'));
      else resolve(text);
    });
    // 'close' follows, and says enough.
    response.on('error', () => {});
    response.on('close', () => reject(new HttpFault('the answer broke off')));
  });
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
