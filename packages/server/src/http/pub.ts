/** `POST /pub?channel=A`: publishes a body as it is, for backends with an API key and for clients that a rule lets publish. */
import type { IncomingMessage } from 'node:http';
import { isJson, limits } from '@carillon/protocol';
import { type Authenticator, anonymous, type Identity } from '../core/access.ts';
import { refuse } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ClientAddresses } from './address.ts';
import { asRefusal, errorText, HttpError, send, sendJson, sendRefusal } from './answer.ts';
import { Grant } from './api/grant.ts';
import type { Verbs } from './api/method.ts';
import { permissions } from './api/permissions.ts';
import { AbortedError, readText } from './body.ts';
import type { Endpoint, Exchange } from './exchange.ts';
import { asJson } from './json-text.ts';
import type { ApiKeys } from './keys.ts';
import type { Origins } from './origin.ts';
import { callbackOf, channelsOf, fieldsOf } from './query.ts';
import { shownToken } from './token.ts';

export interface PubOptions {
  readonly verbs: Pick<Verbs, 'publish'>;
  readonly authenticator: Authenticator;
  /** Throws a ReplyError where the rules do not let this client publish. */
  readonly mayPublish: (identity: Identity, channel: string) => void;
  readonly keys: ApiKeys;
  readonly origins: Origins;
  readonly addresses: ClientAddresses;
  readonly log: Log;
  readonly bodyBytes: number;
}

export class PubEndpoint implements Endpoint {
  readonly verb = 'POST';
  readonly cors = true;
  readonly #options: PubOptions;

  constructor(options: PubOptions) {
    this.#options = options;
  }

  async handle({ req, res, search }: Exchange): Promise<void> {
    const query = fieldsOf(search, 'query');
    const callback = callbackOf(query);
    try {
      await this.#publish(req, query);
      if (callback === undefined) sendJson(res, 200, '{"status":1}');
      else send(res, 200, scriptType, `${callback}({"status":1});`);
    } catch (error) {
      if (error instanceof AbortedError || callback === undefined) throw error;
      const refusal = asRefusal(error, this.#options.log, '/pub');
      sendRefusal(req, res, refusal, `${callback}(${errorText(refusal)});`, scriptType);
    }
  }

  async #publish(req: IncomingMessage, query: URLSearchParams): Promise<void> {
    const { verbs, mayPublish, bodyBytes } = this.#options;
    const identity = await this.#identify(req, query);
    const channels = channelsOf(query, limits.broadcastChannels);
    if (identity instanceof Grant) {
      identity.requireScope(permissions['publish']?.scope);
      identity.use();
      for (const channel of channels) identity.requireChannel(channel);
    } else if (identity !== undefined) for (const channel of channels) mayPublish(identity, channel);
    const data = asJson(published(await readText(req, bodyBytes), contentType(req)));
    const source = identity === undefined || identity instanceof Grant ? 'api' : { identity };
    await Promise.all(channels.map((channel) => verbs.publish(channel, data, {}, source)));
  }

  /** A backend's grant, or undefined where it may do everything: rules do not apply to it. */
  async #identify(req: IncomingMessage, query: URLSearchParams): Promise<Identity | Grant | undefined> {
    const { keys, addresses, origins, authenticator } = this.#options;
    const access = keys.access(req, () => addresses.of(req));
    if (access === 'key') return keys.grantOf(req);
    origins.checkCrossSite(req);
    if (access === 'open') return undefined;
    if (req.headers['x-api-key'] !== undefined) throw keys.refusal('wrong');
    const token = shownToken(req, query);
    if (token !== undefined) {
      return authenticator.authenticate(token, { address: addresses.of(req), headers: req.headers });
    }
    if (!authenticator.admitsAnonymous) throw refuse('notAuthenticated');
    return anonymous;
  }
}

const scriptType = 'text/javascript; charset=utf-8';

const form = 'application/x-www-form-urlencoded';

function contentType(req: IncomingMessage): string {
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!type.startsWith('multipart/')) return type;
  throw new HttpError(
    415,
    'badRequest',
    `a multipart body is not accepted; send the text itself, or '${form}'`,
  );
}

/** `curl -d` calls every body a form: one that is JSON, or has no `data` field, is taken as it stands. */
function published(body: string, type: string): string {
  if (type !== form || isJson(body)) return body;
  if (!new URLSearchParams(body).has('data')) return body;
  return fieldsOf(body, 'form').get('data') ?? body;
}
