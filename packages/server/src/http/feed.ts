/** `GET /sub` and the paths that the config maps to it: one URL, and the transport follows the request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError } from './answer.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import { channelsOf, mappedChannel } from './query.ts';

/** What a request for a feed asks for, beside its headers. */
export interface FeedQuery {
  readonly channels: readonly string[];
  readonly query: URLSearchParams;
  readonly address: string;
}

/** A way to serve a feed over plain HTTP. What it throws, or rejects with, becomes the answer. */
export interface FeedTransport {
  request(req: IncomingMessage, res: ServerResponse, feed: FeedQuery): void | Promise<void>;
}

export const feedTransportNames = ['websocket', 'sse', 'ndjson', 'iframe', 'longpoll'] as const;
export type FeedTransportName = (typeof feedTransportNames)[number];

/** Takes over an upgrade. `format` `json` asks for `{"channel","data","offset","cursor"}`; absent, for bare data. */
export type UpgradeFeed = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  address: string,
  feed: { readonly channels: readonly string[]; readonly format?: 'json' },
) => void;

export interface FeedOptions {
  /** The transports of plain HTTP that this server has. */
  readonly transports: ReadonlyMap<FeedTransportName, FeedTransport>;
  readonly upgradeFeed: UpgradeFeed;
  readonly channelsPerConnection: number;
  readonly addressOf: (req: IncomingMessage) => string;
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

  handle({ req, res, search }: Exchange): void | Promise<void> {
    const query = new URLSearchParams(search);
    const transport = this.#options.transports.get(chosenTransport(req, query));
    if (transport === undefined) throw upgradeRequired();
    const address = this.#options.addressOf(req);
    return transport.request(req, res, { channels: this.#channels(query), query, address });
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, address: string, search: string): void {
    const query = new URLSearchParams(search);
    const wanted = namedTransport(query);
    if (wanted !== undefined && wanted !== 'websocket') {
      throw new HttpError(
        400,
        'badRequest',
        `'transport' is '${wanted}', but the request asks for a WebSocket; leave one out`,
      );
    }
    const channels = this.#channels(query);
    const feed = isJsonWanted(query) ? ({ channels, format: 'json' } as const) : { channels };
    this.#options.upgradeFeed(req, socket, head, address, feed);
  }

  #channels(query: URLSearchParams): readonly string[] {
    if (this.#template !== undefined) return [mappedChannel(this.#template, query)];
    return channelsOf(query, this.#options.channelsPerConnection, true);
  }
}

/** The query decides, then what the client accepts. A JSONP request is a long-poll with another envelope. */
function chosenTransport(req: IncomingMessage, query: URLSearchParams): FeedTransportName {
  const named = namedTransport(query);
  if (named !== undefined) return named;
  const accept = req.headers.accept ?? '';
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

function isJsonWanted(query: URLSearchParams): boolean {
  const format = query.get('format') ?? 'raw';
  if (format === 'raw' || format === 'json') return format === 'json';
  throw new HttpError(400, 'badRequest', "'format' must be 'raw' or 'json'");
}

function upgradeRequired(): HttpError {
  return new HttpError(
    426,
    'badRequest',
    "this server serves this path over WebSocket only; connect with 'ws://' or 'wss://' (a request with 'Upgrade: websocket')",
    ['Upgrade', 'websocket', 'Connection', 'Upgrade'],
  );
}
