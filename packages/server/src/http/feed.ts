/** `GET /sub` and the paths that the config maps to it: one URL, and the transport follows the request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FeedRequest } from '../core/entry.ts';
import type { Log } from '../core/log.ts';
import type { AddressRates } from './address-rates.ts';
import { asRefusal, errorText, HttpError, send, sendRefusal } from './answer.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import type { Origins } from './origin.ts';
import {
  callbackOf,
  channelsOf,
  deviceOf,
  fieldsOf,
  formatOf,
  mappedChannel,
  startOf,
  timeoutOf,
} from './query.ts';
import { cookieToken, shownToken } from './token.ts';

/** A request for a feed, read and checked. */
export interface FeedAsked {
  readonly request: FeedRequest;
  readonly format?: 'json' | 'raw';
  /** A JavaScript name, or names joined by dots. */
  readonly callback?: string;
  readonly timeoutMs?: number;
}

/** A way to serve a feed over plain HTTP. What it throws, or rejects with, becomes the answer. */
export interface FeedTransport {
  request(req: IncomingMessage, res: ServerResponse, asked: FeedAsked): void | Promise<void>;
}

export const feedTransportNames = ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll'] as const;
export type FeedTransportName = (typeof feedTransportNames)[number];

/** Takes over an upgrade. `format` `json` asks for `{"channel","data","offset","cursor"}`; absent, for bare data. */
export type UpgradeFeed = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  address: string,
  feed: Pick<FeedRequest, 'channels' | 'cursor' | 'from' | 'last'> & { readonly format?: 'json' },
) => void;

export interface FeedOptions {
  /** The transports of plain HTTP that this server has. */
  readonly transports: ReadonlyMap<FeedTransportName, FeedTransport>;
  readonly upgradeFeed: UpgradeFeed;
  readonly channelsPerConnection: number;
  readonly addressOf: (req: IncomingMessage) => string;
  readonly origins: Origins;
  readonly rates: AddressRates;
  /** The cookie that may hold a token. Absent: cookies are not looked at. */
  readonly cookieName: string | undefined;
  readonly log: Log;
}

/** One path: `/sub` itself, or one with a channel template of its own. */
export class FeedPath implements Endpoint {
  readonly verb = 'GET';
  readonly cors = true;
  readonly #options: FeedOptions;
  readonly #template: string | undefined;

  constructor(options: FeedOptions, template?: string) {
    this.#options = options;
    this.#template = template;
  }

  async handle({ req, res, search }: Exchange): Promise<void> {
    const query = fieldsOf(search, 'query');
    const name = chosenTransport(req, query);
    const callback = callbackOf(query);
    const transport = this.#options.transports.get(name);
    if (transport === undefined) throw upgradeRequired();
    if (name === 'iframe' && callback === undefined) {
      throw new HttpError(
        400,
        'badRequest',
        "an iframe needs 'callback', the function of its parent to call",
      );
    }
    // Script and iframe are what a page elsewhere can read without being asked.
    const isEmbedded = name === 'iframe' || (name === 'longpoll' && callback !== undefined);
    if (isEmbedded) this.#options.origins.checkCrossSite(req);
    this.#allowCredentials(res);
    res.appendHeader('Vary', 'Accept');
    // A poll is as often as there is something.
    if (name !== 'longpoll') this.#options.rates.connecting(this.#options.addressOf(req));
    try {
      await transport.request(req, res, this.#asked(req, query, isEmbedded, callback));
    } catch (error) {
      if (name !== 'longpoll' || callback === undefined) throw error;
      this.#refuseScript(req, res, error, callback);
    }
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, address: string, search: string): void {
    const query = fieldsOf(search, 'query');
    const wanted = namedTransport(query);
    if (wanted !== undefined && wanted !== 'websocket') {
      throw new HttpError(
        400,
        'badRequest',
        `'transport' is '${wanted}', but the request asks for a WebSocket; leave one out`,
      );
    }
    const feed = { channels: this.#channels(query), ...startOf(req, query) };
    const isJson = formatOf(query) === 'json';
    this.#options.upgradeFeed(req, socket, head, address, isJson ? { ...feed, format: 'json' } : feed);
  }

  #asked(
    req: IncomingMessage,
    query: URLSearchParams,
    isEmbedded: boolean,
    callback: string | undefined,
  ): FeedAsked {
    const format = formatOf(query);
    if (isEmbedded && format === 'raw') {
      throw new HttpError(400, 'badRequest', "'format=raw' and 'callback' exclude each other; leave one out");
    }
    const timeoutMs = timeoutOf(query);
    const token = this.#token(req, query, isEmbedded);
    const device = deviceOf(query);
    const request = {
      address: this.#options.addressOf(req),
      headers: req.headers,
      ...(token !== undefined && { token }),
      ...(device !== undefined && { device }),
      channels: this.#channels(query),
      ...startOf(req, query),
    };
    return {
      request,
      ...(format !== undefined && { format }),
      ...(callback !== undefined && { callback }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
  }

  #token(req: IncomingMessage, query: URLSearchParams, isEmbedded: boolean): string | undefined {
    const shown = shownToken(req, query);
    const { cookieName, origins } = this.#options;
    if (shown !== undefined || cookieName === undefined || isEmbedded) return shown;
    const token = cookieToken(req, cookieName);
    if (token !== undefined) origins.checkCrossSite(req);
    return token;
  }

  #channels(query: URLSearchParams): readonly string[] {
    if (this.#template !== undefined) return [mappedChannel(this.#template, query)];
    return channelsOf(query, this.#options.channelsPerConnection, true);
  }

  /** Where a cookie may be the token, a page of a listed origin may send it. Never where any origin may ask. */
  #allowCredentials(res: ServerResponse): void {
    const allowed = res.getHeader('access-control-allow-origin');
    if (allowed === undefined) return;
    res.setHeader('Access-Control-Expose-Headers', 'Carillon-Cursor, Carillon-Recovered');
    if (allowed !== '*' && this.#options.cookieName !== undefined) {
      res.setHeader('Access-Control-Allow-Credentials', 'true');
    }
  }

  /** Browsers run a script whose status is 200 only, so they, and only they, get the refusal under that. */
  #refuseScript(req: IncomingMessage, res: ServerResponse, error: unknown, callback: string): void {
    const refusal = asRefusal(error, this.#options.log, '/sub');
    const script = `${callback}(${errorText(refusal)});`;
    if (req.headers['sec-fetch-dest'] === 'script' && !res.headersSent) {
      send(res, 200, scriptType, script, ['Cache-Control', 'no-store']);
    } else sendRefusal(req, res, refusal, script, scriptType);
  }
}

const scriptType = 'text/javascript; charset=utf-8';

/** The query decides, then what the client accepts. A JSONP request is a long-poll with another envelope. */
function chosenTransport(req: IncomingMessage, query: URLSearchParams): FeedTransportName {
  const named = namedTransport(query);
  if (named !== undefined) return named;
  const accept = req.headers.accept?.toLowerCase() ?? '';
  if (accept.includes('text/event-stream')) return 'sse';
  if (accept.includes('application/x-ndjson')) return 'ndjson';
  return 'longpoll';
}

function namedTransport(query: URLSearchParams): FeedTransportName | undefined {
  const named = query.get('transport');
  if (named === null) return undefined;
  const found = feedTransportNames.find((name) => name === named);
  if (found !== undefined) return found;
  throw new HttpError(400, 'badRequest', `'transport' must be one of ${feedTransportNames.join(', ')}`);
}

function upgradeRequired(): HttpError {
  return new HttpError(
    426,
    'badRequest',
    "what was asked for is a WebSocket; connect with 'ws://' or 'wss://' (a request with 'Upgrade: websocket')",
    ['Upgrade', 'websocket', 'Connection', 'Upgrade'],
  );
}
