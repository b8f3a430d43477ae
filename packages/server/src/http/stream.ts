/** `/stream`: the native protocol for clients that no WebSocket reaches. Opens sessions, and takes what belongs to them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJson, limits } from '@carillon/protocol';
import type { Admit, ConnectRequest } from '../core/entry.ts';
import { refuse } from '../core/errors.ts';
import type { ClientAddresses } from './address.ts';
import type { AddressLimit } from './address-limit.ts';
import type { AddressRates } from './address-rates.ts';
import { HttpError, jsonType, sendJson } from './answer.ts';
import { readText } from './body.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import type { Origins } from './origin.ts';
import { deviceOf, fieldsOf, timeoutOf } from './query.ts';
import { cookieToken, shownToken } from './token.ts';

/** What a request shows to reach a session. */
export interface SessionKey {
  readonly session: string;
  readonly secret: string;
}

/** The sessions, wherever they live: on this worker, or reached from it. */
export interface NativeSessions {
  openStream(
    res: ServerResponse,
    request: ConnectRequest,
    format: 'sse' | 'ndjson',
    headers: readonly string[],
  ): Promise<void>;
  /** Opens a session that is polled; gives what is answered. `over` hears of its end. */
  openPolls(request: ConnectRequest, over: () => void): string;
  /** Undefined where there is no such session. */
  poll(key: SessionKey, ack: number, waitMs: number, gone: AbortSignal): Promise<Buffer | undefined>;
  deliver(key: SessionKey, frames: readonly string[]): Promise<'taken' | 'unknown' | 'full'>;
  /** False where there is no such session. */
  end(key: SessionKey): Promise<boolean>;
}

export interface StreamOptions {
  readonly sessions: NativeSessions;
  readonly admit: Admit;
  readonly origins: Origins;
  readonly addresses: ClientAddresses;
  readonly limit: AddressLimit;
  readonly rates: AddressRates;
  /** The cookie that may hold a token. Absent: cookies are not looked at. */
  readonly cookieName: string | undefined;
  readonly maxFrameBytes: number;
}

/** What an answer says besides its type. */
const common = ['X-Content-Type-Options', 'nosniff'] as const;
const uncached = ['Cache-Control', 'no-store'] as const;

/** `GET /stream`: opens a session. */
export class StreamEndpoint implements Endpoint {
  readonly verb = 'GET';
  readonly cors = true;
  readonly #options: StreamOptions;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  async handle({ req, res, search }: Exchange): Promise<void> {
    const { sessions, origins, limit } = this.#options;
    origins.checkCrossSite(req);
    const query = fieldsOf(search, 'query');
    const transport = chosenTransport(req, query);
    if (req.method === 'HEAD') {
      res.writeHead(200, [...common, ...uncached]).end();
      return;
    }
    this.#options.rates.connecting(this.#options.addresses.of(req));
    const request = await this.#request(req, query);
    if (transport !== 'longpoll') {
      await sessions.openStream(res, request, transport, common);
      return;
    }
    const over = limit.hold(request.address);
    try {
      sendJson(res, 200, sessions.openPolls(request, over), uncached);
    } catch (error) {
      over();
      throw error;
    }
  }

  /** The client is judged before the answer begins, because a refusal is a status. */
  async #request(req: IncomingMessage, query: URLSearchParams): Promise<ConnectRequest> {
    const { addresses, admit, cookieName } = this.#options;
    const device = deviceOf(query);
    const client = {
      address: addresses.of(req),
      headers: req.headers,
      ...(device !== undefined && { device }),
    };
    const shown = shownToken(req, query);
    const token = shown ?? (cookieName === undefined ? undefined : cookieToken(req, cookieName));
    return admit(token === undefined ? client : { ...client, token });
  }
}

/** `/stream/<session>`: GET polls, POST sends, DELETE ends. */
export class StreamSessionEndpoint implements Endpoint {
  readonly verb = 'GET, POST, DELETE';
  readonly cors = true;
  readonly #options: StreamOptions;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  async handle(exchange: Exchange): Promise<void> {
    const { req, res, path, search } = exchange;
    this.#options.origins.checkCrossSite(req);
    const { 'x-carillon-secret': secret } = req.headers;
    const session = path.slice(path.lastIndexOf('/') + 1);
    if (typeof secret !== 'string') throw unknownSession();
    const key = { session, secret };
    if (req.method === 'POST') await this.#deliver(key, req, res);
    else if (req.method === 'DELETE') await this.#end(key, res);
    else await this.#poll(key, fieldsOf(search, 'query'), res);
  }

  async #poll(key: SessionKey, query: URLSearchParams, res: ServerResponse): Promise<void> {
    const ack = /^\d{1,15}$/.exec(query.get('ack') ?? '')?.[0];
    if (ack === undefined)
      throw refuse('badRequest', "'ack' must be the 'seq' of the last answer, 0 at first");
    const waitMs = Math.min(timeoutOf(query) ?? limits.defaultPollMs, limits.longestPollMs);
    const gone = new AbortController();
    res.once('close', () => gone.abort());
    const answer = await this.#options.sessions.poll(key, Number(ack), waitMs, gone.signal);
    if (answer === undefined) throw unknownSession();
    if (res.destroyed) return;
    const length = String(answer.length);
    res.writeHead(200, [...common, ...uncached, 'Content-Type', jsonType, 'Content-Length', length]);
    res.end(answer);
  }

  async #deliver(key: SessionKey, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { sessions, maxFrameBytes } = this.#options;
    const text = await readText(req, maxFrameBytes * limits.postFrames);
    const frames = framesOf(text, req.headers['content-type'] ?? '');
    if (frames.some((frame) => Buffer.byteLength(frame) > maxFrameBytes)) throw frameTooLarge(maxFrameBytes);
    const delivery = await sessions.deliver(key, frames);
    if (delivery === 'unknown') throw unknownSession();
    if (delivery === 'full') throw tooMany();
    if (!frames.every(isJson))
      throw refuse('badRequest', 'a frame is one JSON object, or an array of objects');
    res.writeHead(204, [...common, ...uncached]).end();
  }

  async #end(key: SessionKey, res: ServerResponse): Promise<void> {
    if (!(await this.#options.sessions.end(key))) throw unknownSession();
    res.writeHead(204, [...common, ...uncached]).end();
  }
}

/** The query decides, then what the client accepts. */
function chosenTransport(req: IncomingMessage, query: URLSearchParams): 'sse' | 'ndjson' | 'longpoll' {
  const named = query.get('transport');
  if (named === 'sse' || named === 'ndjson' || named === 'longpoll') return named;
  if (named !== null) throw refuse('badRequest', "'transport' must be 'sse', 'ndjson' or 'longpoll'");
  return req.headers.accept?.toLowerCase().includes('application/x-ndjson') ? 'ndjson' : 'sse';
}

function framesOf(text: string, contentType: string): readonly string[] {
  if (!/^application\/x-ndjson\b/i.test(contentType)) return [text];
  return text.split('\n').filter((line) => line.trim() !== '');
}

function unknownSession(): HttpError {
  return new HttpError(
    404,
    'unknownMethod',
    'there is no such session, or the secret is not its own; open a new one with GET /stream',
  );
}

function frameTooLarge(max: number): HttpError {
  return new HttpError(
    413,
    'limitExceeded',
    `a frame is larger than ${max} bytes; send less, or raise websocket.maxFrameBytes`,
  );
}

function tooMany(): HttpError {
  return new HttpError(
    429,
    'tooManyRequests',
    'the session takes no commands now; read its messages, then send again',
  );
}
