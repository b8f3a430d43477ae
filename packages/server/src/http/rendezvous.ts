/** `POST /rendezvous` and `POST /rendezvous/consume`: the side of the browser that shows a code, without any key. */
import type { IncomingMessage } from 'node:http';
import { type JsonText, limits } from '@carillon/protocol';
import type { z } from 'zod';
import type { RendezvousDesk } from '../core/rendezvous.ts';
import type { ClientAddresses } from './address.ts';
import { HttpError, sendJson } from './answer.ts';
import { strict, text } from './api/schemas.ts';
import { check, refuseFaults } from './api/validate.ts';
import { readText } from './body.ts';
import type { Endpoint } from './exchange.ts';
import { parseBody } from './json-text.ts';
import type { ApiKeys } from './keys.ts';
import type { Origins } from './origin.ts';

export interface RendezvousSettings {
  /** Where browsers draw one; they collect below it, at `/consume`. */
  readonly path: string;
  /** What the code is made into for a QR code: an address with `{code}` in it. */
  readonly scanUrl?: string;
}

export interface RendezvousEndpointsOptions {
  readonly settings: RendezvousSettings;
  readonly desk: Pick<RendezvousDesk, 'draw' | 'consume'>;
  readonly keys: ApiKeys;
  readonly origins: Origins;
  readonly addresses: ClientAddresses;
}

const drawParams = strict({});
const consumeParams = strict({
  code: text(limits.nameBytes, 'As it was drawn.'),
  secret: text(limits.nameBytes, 'As it was drawn.'),
});

/** What to serve, by path. */
export function rendezvousEndpoints(options: RendezvousEndpointsOptions): ReadonlyMap<string, Endpoint> {
  const { path } = options.settings;
  return new Map([
    [path, endpoint((req) => draw(req, options))],
    [`${path === '/' ? '' : path}/consume`, endpoint((req) => consume(req, options))],
  ]);
}

/** Secrets are in the answers: nobody is to keep one. */
const noStore = ['Cache-Control', 'no-store'];

function endpoint(answer: (req: IncomingMessage) => Promise<{ status: number; body: JsonText }>): Endpoint {
  return {
    verb: 'POST',
    cors: true,
    async handle({ req, res }) {
      const { status, body } = await answer(req);
      sendJson(res, status, body, noStore);
    },
  };
}

async function draw(req: IncomingMessage, options: RendezvousEndpointsOptions) {
  const { desk, addresses, settings } = options;
  checkSite(req, options);
  await readFields(req, drawParams);
  const address = addresses.of(req);
  const agent = (req.headers['user-agent'] ?? '').slice(0, limits.rendezvousAgentCharacters);
  const drawn = await desk.draw({ address, agent }, addresses.isCounted(address) ? address : undefined);
  const url = settings.scanUrl?.replaceAll('{code}', drawn.code);
  return { status: 200, body: JSON.stringify({ ...drawn, ...(url !== undefined && { url }) }) };
}

async function consume(req: IncomingMessage, options: RendezvousEndpointsOptions) {
  checkSite(req, options);
  const { code, secret } = await readFields(req, consumeParams);
  const collected = await options.desk.consume(code, secret);
  if (collected.data !== undefined) return { status: 200, body: `{"data":${collected.data}}` };
  return { status: 202, body: JSON.stringify({ pending: true, ...collected }) };
}

/** A page of another site is not to draw or collect through a visitor's browser. */
function checkSite(req: IncomingMessage, { keys, origins, addresses }: RendezvousEndpointsOptions): void {
  if (keys.access(req, () => addresses.of(req)) !== 'key') origins.checkCrossSite(req);
}

async function readFields<Fields>(req: IncomingMessage, schema: z.ZodType<Fields>): Promise<Fields> {
  const { value, faults } = check(schema, parseBody(await readBody(req)));
  if (faults !== undefined) throw refuseFaults(faults);
  return value;
}

async function readBody(req: IncomingMessage): Promise<string> {
  try {
    return await readText(req, limits.rendezvousBodyBytes);
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 413) throw error;
    const detail = `the body is larger than ${limits.rendezvousBodyBytes} bytes; send the fields of this request alone`;
    throw new HttpError(413, 'limitExceeded', detail);
  }
}
