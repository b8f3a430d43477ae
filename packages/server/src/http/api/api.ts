/** `POST /v1/<method>`: the server API over HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { nearest } from '@carillon/protocol';
import type { Accept } from '../../core/entry.ts';
import type { ReplyError } from '../../core/errors.ts';
import { refuse } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ClientAddresses } from '../address.ts';
import { asRefusal, errorText, HttpError, sendJson, sendRefusal } from '../answer.ts';
import { ApiSocket } from '../api-socket.ts';
import { AbortedError, readText } from '../body.ts';
import type { Endpoint } from '../exchange.ts';
import { parseBody } from '../json-text.ts';
import type { ApiKeys, ShownKey } from '../keys.ts';
import type { Origins } from '../origin.ts';
import { batchMethod } from './batch.ts';
import type { ApiCounters } from './counters.ts';
import { granted, permissionOf } from './granted.ts';
import { meshMethods } from './mesh.ts';
import type { ApiMethod, Verbs } from './method.ts';
import { apiMethods } from './methods.ts';
import { refuseFaults } from './validate.ts';

export interface ApiOptions {
  readonly verbs: Verbs;
  readonly keys: ApiKeys;
  readonly origins: Origins;
  readonly addresses: ClientAddresses;
  readonly counters: ApiCounters;
  readonly log: Log;
  /** The body of one request; beyond it 413. */
  readonly bodyBytes: number;
}

/** Makes WebSockets whose listeners are not clients. */
export interface ApiUpgrades {
  upgradeFor(accept: Accept, req: IncomingMessage, socket: Duplex, head: Buffer, address: string): void;
}

/** How results and refusals are wrapped. */
interface Envelope {
  result(text: string): string;
  error(error: ReplyError): string;
}

const carillonEnvelope: Envelope = {
  result: (text) => `{"result":${text}}`,
  error: errorText,
};

const connmixEnvelope: Envelope = {
  result: (text) => text,
  error: ({ code, message }) => `{"E":{"c":${code},"m":${JSON.stringify(message)}},"r":null}`,
};

export class Api {
  readonly #options: ApiOptions;
  readonly #methods: ReadonlyMap<string, ApiMethod>;

  constructor(options: ApiOptions) {
    this.#options = options;
    const methods = new Map(apiMethods(options.log).map((method) => [method.name, granted(method)]));
    methods.set('batch', granted(batchMethod(new Map(methods), options.log)));
    this.#methods = methods;
  }

  /** The methods that `POST /v1/<name>` answers in Carillon's own shapes. */
  get methods(): readonly ApiMethod[] {
    return [...this.#methods.values()];
  }

  /** What to serve, by path. */
  endpoints(): Map<string, Endpoint> {
    const endpoints = new Map<string, Endpoint>();
    for (const [name, method] of this.#methods)
      endpoints.set(`/v1/${name}`, this.#endpoint(method, carillonEnvelope));
    for (const method of meshMethods)
      endpoints.set(`/v1/${method.name}`, this.#endpoint(granted(method), connmixEnvelope));
    return endpoints;
  }

  /** What to do with a request that wants to become a WebSocket at `/v1/ws`. */
  upgrade(
    upgrades: ApiUpgrades,
  ): (req: IncomingMessage, socket: Duplex, head: Buffer, address: string) => void {
    const { verbs, counters, log } = this.#options;
    const mesh = new Map(meshMethods.map((method) => [method.name.replace('/', '.'), granted(method)]));
    const context = { methods: this.#methods, meshMethods: mesh, verbs, counters, log };
    return (req, socket, head, address) => {
      const key = this.#admit(req);
      const accept: Accept = (connection) => new ApiSocket(connection, context, key);
      upgrades.upgradeFor(accept, req, socket, head, address);
    };
  }

  /** Answers a plain request for `/v1/ws`. */
  socketOnly(): Endpoint {
    return {
      verb: 'GET',
      cors: false,
      handle: ({ req, res }) => {
        try {
          this.#admit(req);
          throw new HttpError(426, 'badRequest', 'open it as a WebSocket', ['Upgrade', 'websocket']);
        } catch (error) {
          this.#refuse(req, res, error, 'unknown', carillonEnvelope);
        }
      },
    };
  }

  /** Answers every other path under `/v1/`: who has no key does not learn which methods there are. */
  unknown(): Endpoint {
    return {
      verb: 'POST',
      cors: false,
      handle: ({ req, res, path }) => {
        try {
          this.#admit(req);
          throw refuse('unknownMethod', unknownMethod(path.slice('/v1/'.length), this.#methods.keys()));
        } catch (error) {
          this.#refuse(req, res, error, 'unknown', carillonEnvelope);
        }
      },
    };
  }

  #endpoint(method: ApiMethod, envelope: Envelope): Endpoint {
    return {
      verb: 'POST',
      cors: false,
      handle: async ({ req, res }) => {
        try {
          const result = await this.#run(req, method);
          this.#options.counters.count(method.name, 200);
          sendJson(res, 200, envelope.result(result));
        } catch (error) {
          this.#refuse(req, res, error, method.name, envelope);
        }
      },
    };
  }

  async #run(req: IncomingMessage, method: ApiMethod): Promise<string> {
    const { verbs, bodyBytes } = this.#options;
    const grant = this.#admit(req)?.grant;
    grant?.requireScope(permissionOf(method.name).scope);
    checkType(req);
    const json = await readText(req, bodyBytes);
    const prepared = method.prepare(parseBody(json), { json, start: 0 }, verbs, grant);
    if (typeof prepared !== 'function') throw refuseFaults(prepared);
    return prepared();
  }

  /** Undefined where no key is needed. @throws {HttpError} 401 without a good key, 403 for a page of another site where no key is needed. */
  #admit(req: IncomingMessage): ShownKey | undefined {
    const { keys, addresses, origins } = this.#options;
    const access = keys.access(req, () => addresses.of(req));
    if (access === 'key') return keys.keyOf(req);
    if (access !== 'open') throw keys.refusal(access);
    origins.checkCrossSite(req);
    return undefined;
  }

  #refuse(req: IncomingMessage, res: ServerResponse, error: unknown, name: string, envelope: Envelope): void {
    if (error instanceof AbortedError) {
      res.destroy();
      return;
    }
    const refusal = asRefusal(error, this.#options.log, `/v1/${name}`);
    this.#options.counters.count(name, refusal.status);
    sendRefusal(req, res, refusal, envelope.error(refusal));
  }
}

/** JSON, or nothing said. A form is what a page of another site can send without asking, so it is refused. */
function checkType(req: IncomingMessage): void {
  const type = req.headers['content-type'];
  if (type === undefined || type === 'application/json') return;
  const bare = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (bare === 'application/json' || bare === 'text/json' || /^application\/[\w.-]+\+json$/.test(bare))
    return;
  throw new HttpError(415, 'badRequest', "the Content-Type must be 'application/json'");
}

function unknownMethod(name: string, known: Iterable<string>): string {
  const names = [...known, ...meshMethods.map((method) => method.name)];
  const meant = nearest(name, names);
  return meant === undefined ? `known are ${names.join(', ')}` : `did you mean '${meant}'?`;
}
