/** Writes /openapi.json from the schemas that validate and from what each method's page says. */
import { errorCodes } from '@carillon/protocol';
import { z } from 'zod';
import { meshMethods } from './mesh.ts';
import type { ApiMethod } from './method.ts';
import { commonRefusals, type Refusal, themes } from './method-docs.ts';
import { clientPaths, clientTag } from './openapi-clients.ts';
import { probePaths } from './openapi-probes.ts';
import { permissions } from './permissions.ts';
import { failure } from './results.ts';

/** The document, as JSON text. */
export function openApi(methods: readonly ApiMethod[], version: string): string {
  const used = new Set([...methods, ...meshMethods].map(({ docs }) => docs.theme));
  return JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'Carillon',
      version,
      description:
        'The server API, `POST /v1/<method>`, for backends; and what clients use over HTTP. The native WebSocket protocol is described in PROTOCOL.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server; `api.listen` moves the API to an address of its own.' }],
    tags: [
      ...Object.entries(themes)
        .filter(([theme]) => used.has(theme as keyof typeof themes))
        .map(([, name]) => ({ name })),
      clientTag,
    ],
    security: [{ bearer: [] }, { header: [] }],
    paths: {
      ...Object.fromEntries(methods.map((method) => pathOf(method, ownEnvelope))),
      ...Object.fromEntries(meshMethods.map((method) => pathOf(method, connmixEnvelope))),
      '/v1/ws': { get: socket },
      ...clientPaths,
      ...probePaths,
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: "One of 'api.keys'." },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: "One of 'api.keys'." },
      },
      schemas: { Failure: jsonSchema(failure), ConnmixFailure: connmixFailure },
    },
  });
}

/** How a method's result and its refusals are wrapped. */
interface Envelope {
  readonly failure: object;
  schema(result: object): object;
  example(result: object): object;
}

const ownEnvelope: Envelope = {
  failure: { $ref: '#/components/schemas/Failure' },
  schema: (result) => ({
    type: 'object',
    properties: { result },
    required: ['result'],
    additionalProperties: false,
  }),
  example: (result) => ({ result }),
};

const connmixEnvelope: Envelope = {
  failure: { $ref: '#/components/schemas/ConnmixFailure' },
  schema: (result) => result,
  example: (result) => result,
};

function pathOf(method: ApiMethod, envelope: Envelope): [string, object] {
  const { name, summary, docs, params, result } = method;
  const { description, example, theme, errors } = docs;
  const answer = { schema: envelope.schema(jsonSchema(result)), example: envelope.example(example.result) };
  const operation = {
    operationId: name.replace('/', '_'),
    summary,
    description: [description, scopeText(method)].filter((text) => text !== '').join('\n\n'),
    tags: [themes[theme]],
    requestBody: { required: true, ...content({ schema: jsonSchema(params), example: example.params }) },
    responses: {
      200: { description: 'Done.', ...content(answer) },
      ...refusalResponses([...commonRefusals, ...errors], envelope),
    },
  };
  return [`/v1/${name}`, { post: operation }];
}

/** What a key must have that may not do everything. */
export function scopeText({ name }: ApiMethod): string {
  const scope = permissions[name]?.scope;
  return scope === undefined ? '' : `A key with \`scopes\` needs \`${scope}\` among them.`;
}

/** One response for each status, which says when it comes and with which codes. */
function refusalResponses(refusals: readonly Refusal[], envelope: Envelope): object {
  const byStatus = new Map<number, string[]>();
  for (const { error, status = errorCodes[error].status, when } of refusals) {
    const { code, message } = errorCodes[error];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${code} (${message}): ${when}`]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [
      status,
      { description: lines.join('\n\n'), ...content({ schema: envelope.failure }) },
    ]),
  );
}

function content(media: object): object {
  return { content: { 'application/json': media } };
}

/** Without `$schema`, which OpenAPI says once for all; shared parts are written out where they are used. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', reused: 'inline' });
  return rest;
}

const connmixFailure = {
  type: 'object',
  properties: {
    E: {
      type: 'object',
      properties: {
        c: { type: 'integer', description: 'The code.' },
        m: { type: 'string', description: 'The message.' },
      },
      required: ['c', 'm'],
    },
    r: { type: 'null' },
  },
  required: ['E', 'r'],
};

const socket = {
  operationId: 'socket',
  summary: 'Opens a WebSocket for the same methods.',
  description:
    'A frame `{"id","method","params"}` is answered by `{"id","result"}` or `{"id","error"}`; with `id` in any order, without it one after another. connmix\' `{"i","m":"mesh.publish","p"}` is answered by `{"i","E","r"}`.',
  tags: [themes.publishing],
  responses: {
    101: { description: 'Switching protocols.' },
    401: {
      description: '101 (unauthorized): The API key is missing or wrong.',
      ...content({ schema: ownEnvelope.failure }),
    },
    426: {
      description: '107 (bad request): It is no WebSocket handshake.',
      ...content({ schema: ownEnvelope.failure }),
    },
  },
};
