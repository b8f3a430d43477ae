/** Finds what answers a request or an upgrade, after the checks that hold for all of them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ClientAddresses } from './address.ts';
import type { AddressLimit } from './address-limit.ts';
import { asRefusal, HttpError, refuseSocket, sendRefusal } from './answer.ts';
import { AbortedError } from './body.ts';
import type { Endpoint, Exchange, Pages } from './exchange.ts';
import type { Origins } from './origin.ts';

/** Takes over the socket of an upgrade. What it throws is answered; from the moment it returns, the socket is its own. */
export type Upgrade = (
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  address: string,
  search: string,
) => void;

export interface RouterOptions {
  /** By exact path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** By the beginning of the path, for paths that no exact one matches. */
  readonly prefixes: ReadonlyMap<string, Endpoint>;
  readonly upgrades: ReadonlyMap<string, Upgrade>;
  /** Files for browsers; only in development mode. */
  readonly pages?: Pages;
  readonly origins: Origins;
  readonly addresses: ClientAddresses;
  readonly limit: AddressLimit;
  readonly log: Log;
}

export type Routes = Pick<RouterOptions, 'endpoints' | 'prefixes' | 'upgrades'>;

export class Router {
  #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Serves these from now on; what is under way goes on. */
  replace(routes: Routes): void {
    this.#options = { ...this.#options, ...routes };
  }

  /** For the `request` event of a server. */
  readonly request = (req: IncomingMessage, res: ServerResponse): void => {
    try {
      const { limit, origins } = this.#options;
      limit.check(req.socket);
      requireHost(req);
      origins.checkHost(req);
      const target = splitTarget(req);
      const { path, search } = target;
      const endpoint = this.#options.endpoints.get(path) ?? this.#byPrefix(path);
      if (endpoint === undefined) {
        this.#page(req, res, path);
        return;
      }
      this.#countProxied(req, res);
      if (!this.#takes(endpoint, req, res)) return;
      const done = endpoint.handle({ req, res, path, search });
      if (done !== undefined) done.catch((error: unknown) => this.#refuse(req, res, error));
    } catch (error) {
      this.#refuse(req, res, error);
    }
  };

  /** For the `upgrade` event of a server. */
  readonly upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    let leave: (() => void) | undefined;
    try {
      const { limit, origins, addresses, upgrades } = this.#options;
      limit.check(req.socket);
      requireHost(req);
      origins.checkHost(req);
      const { path, search } = splitTarget(req);
      if (!isWebSocket(req))
        throw new HttpError(400, 'badRequest', 'only WebSocket is known; leave out the header Upgrade');
      const upgrade = upgrades.get(path);
      if (upgrade === undefined) throw notFound(path);
      if (req.method !== 'GET') throw notAllowed('GET');
      origins.checkWebSocket(req);
      const address = addresses.of(req);
      leave = limit.enter(address, req.socket);
      upgrade(req, socket, head, address, search);
      if (leave !== undefined) socket.once('close', leave);
    } catch (error) {
      leave?.();
      const refusal = asRefusal(error, this.#options.log, 'an upgrade');
      refuseSocket(socket, refusal.status, refusal);
    }
  };

  #byPrefix(path: string): Endpoint | undefined {
    for (const [prefix, endpoint] of this.#options.prefixes) if (path.startsWith(prefix)) return endpoint;
    return undefined;
  }

  /** Whether the endpoint is to handle it. Otherwise it was answered here. */
  #takes({ verb, cors }: Endpoint, req: IncomingMessage, res: ServerResponse): boolean {
    if (cors && req.headers.origin !== undefined) this.#allowOrigin(req, res);
    const { method } = req;
    if (method !== undefined && method !== 'OPTIONS' && allowed[verb].split(', ').includes(method))
      return true;
    if (method !== 'OPTIONS') throw notAllowed(allowed[verb]);
    const preflight = cors && res.hasHeader('Access-Control-Allow-Origin') ? preflightHeaders(verb) : [];
    res.writeHead(204, ['Allow', allowed[verb], 'X-Content-Type-Options', 'nosniff', ...preflight]).end();
    return false;
  }

  #allowOrigin(req: IncomingMessage, res: ServerResponse): void {
    const headers = this.#options.origins.cors(req.headers);
    for (let at = 0; at + 1 < headers.length; at += 2)
      res.setHeader(headers[at] ?? '', headers[at + 1] ?? '');
  }

  /** Clients behind one trusted proxy share its sockets, so their requests are counted one by one. */
  #countProxied(req: IncomingMessage, res: ServerResponse): void {
    const { addresses, limit } = this.#options;
    if (!addresses.trustsAny) return;
    const leave = limit.enter(addresses.of(req), req.socket as Socket);
    if (leave !== undefined) res.once('close', leave);
  }

  #page(req: IncomingMessage, res: ServerResponse, path: string): void {
    const { pages } = this.#options;
    if (req.method === 'OPTIONS' && (pages !== undefined || path === '*')) {
      res.writeHead(204, ['Allow', allowed.GET, 'X-Content-Type-Options', 'nosniff']).end();
      return;
    }
    if (pages === undefined) throw notFound(path);
    if (req.method !== 'GET' && req.method !== 'HEAD') throw notAllowed(allowed.GET);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    Promise.resolve(pages(fileOf(path), req, res))
      .then((found) => {
        if (!found) throw notFound(path);
      })
      .catch((error: unknown) => this.#refuse(req, res, error));
  }

  #refuse(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    if (error instanceof AbortedError) {
      res.destroy();
      return;
    }
    sendRefusal(req, res, asRefusal(error, this.#options.log, 'a request'));
  }
}

const allowed = {
  GET: 'GET, HEAD, OPTIONS',
  POST: 'POST, OPTIONS',
  'GET, POST, DELETE': 'GET, POST, DELETE, OPTIONS',
} as const;

/** Whether a request asks to become a WebSocket. From Node 24.9 on, others that ask to upgrade (`h2c`) are answered as they are. */
export function isWebSocket(req: IncomingMessage): boolean {
  return req.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Proxies may send the whole address (`GET http://host/path`); OPTIONS may ask about `*`. */
function splitTarget(req: IncomingMessage): Pick<Exchange, 'path' | 'search'> {
  let target = req.url ?? '';
  if (!target.startsWith('/') && !(target === '*' && req.method === 'OPTIONS')) {
    if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) throw badTarget();
    const { pathname, search } = new URL(target);
    target = pathname + search;
  }
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, search: '' };
  return { path: target.slice(0, mark), search: target.slice(mark + 1) };
}

/** The decoded path of a file: no way up, no trick with separators. */
function fileOf(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw badTarget();
  }
  if (/[\0\\]/.test(decoded) || decoded.split('/').some((part) => part === '..' || part === '.'))
    throw badTarget();
  return decoded;
}

function preflightHeaders(verb: Endpoint['verb']): readonly string[] {
  return [
    'Access-Control-Allow-Methods',
    allowed[verb],
    'Access-Control-Allow-Headers',
    'Authorization, Content-Type, Last-Event-ID, X-Carillon-Secret',
    'Access-Control-Max-Age',
    '600',
  ];
}

function requireHost({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): void {
  if (headers.host !== undefined || httpVersionMajor !== 1 || httpVersionMinor !== 1) return;
  throw new HttpError(400, 'badRequest', "the header 'Host' is missing; HTTP/1.1 demands it");
}

function badTarget(): HttpError {
  return new HttpError(400, 'badRequest', 'the request target is not a path');
}

function notAllowed(allow: string): HttpError {
  return new HttpError(405, 'badRequest', `this path takes ${allow}`, ['Allow', allow]);
}

function notFound(path: string): Error {
  const shown = path.length > 100 ? `${path.slice(0, 100)}...` : path;
  return refuse('unknownMethod', `nothing is served at '${shown}'`);
}
