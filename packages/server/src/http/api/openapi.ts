/** Writes /openapi.json from the schemas that validate. */
import { z } from 'zod';
import { meshMethods } from './mesh.ts';
import type { ApiMethod } from './method.ts';
import { failure } from './results.ts';

/** The document, as JSON text. */
export function openApi(methods: readonly ApiMethod[], version: string): string {
  const paths = Object.fromEntries([
    ...methods.map((method) => [
      `/v1/${method.name}`,
      { post: operation(method, wrapped(jsonSchema(method.result))) },
    ]),
    ...meshMethods.map((method) => [
      `/v1/${method.name}`,
      { post: operation(method, jsonSchema(method.result)) },
    ]),
    ['/v1/ws', { get: socket }],
    ['/pub', { post: pub }],
    ['/healthz', { get: probe('Says that the process lives.') }],
    ['/readyz', { get: probe('Says that a publication through the broker just came back.') }],
    [
      '/metrics',
      { get: { summary: 'Metrics in the text format of Prometheus.', security: [], responses: plain } },
    ],
  ]);
  return JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'Carillon server API',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { header: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: "One of 'api.keys'." },
        header: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: "One of 'api.keys'." },
      },
      schemas: { Failure: jsonSchema(failure) },
    },
  });
}

function operation({ name, summary, params }: ApiMethod, result: object): object {
  const failed = content({ $ref: '#/components/schemas/Failure' });
  return {
    operationId: name.replace('/', '_'),
    summary,
    requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(params) } } },
    responses: {
      200: { description: 'Done.', ...content(result) },
      default: {
        description: 'Refused; nothing of it took effect.',
        ...(name.startsWith('mesh/') ? content(meshFailure) : failed),
      },
    },
  };
}

function content(schema: object): object {
  return { content: { 'application/json': { schema } } };
}

function wrapped(result: object): object {
  return { type: 'object', properties: { result }, required: ['result'], additionalProperties: false };
}

/** Without `$schema`, which OpenAPI says once for all; shared parts are written out where they are used. */
function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', reused: 'inline' });
  return rest;
}

const meshFailure = {
  type: 'object',
  properties: {
    E: {
      type: 'object',
      properties: { c: { type: 'integer' }, m: { type: 'string' } },
      required: ['c', 'm'],
    },
    r: { type: 'null' },
  },
  required: ['E', 'r'],
};

const plain = { 200: { description: 'OK', content: { 'text/plain': { schema: { type: 'string' } } } } };

const status = content({ type: 'object', properties: { status: { type: 'string' } }, required: ['status'] });

function probe(summary: string): object {
  return {
    summary,
    security: [],
    responses: { 200: { description: 'Yes.', ...status }, 503: { description: 'No.', ...status } },
  };
}

const socket = {
  summary: 'Opens a WebSocket for the same methods.',
  description:
    'A frame `{"id","method","params"}` is answered by `{"id","result"}` or `{"id","error"}`; with `id` in any order.',
  responses: { 101: { description: 'Switching protocols.' } },
};

const pub = {
  summary: 'Publishes a body as it is: text that is JSON as that JSON, other text as a string.',
  description: 'Without an API key it needs a rule that lets this client publish.',
  security: [{ bearer: [] }, { header: [] }, {}],
  parameters: [
    {
      name: 'channel',
      in: 'query',
      required: true,
      description: 'May be repeated.',
      schema: { type: 'array', items: { type: 'string' }, minItems: 1 },
    },
    { name: 'token', in: 'query', description: "A client's token.", schema: { type: 'string' } },
    { name: 'callback', in: 'query', description: 'Wraps the answer as JSONP.', schema: { type: 'string' } },
  ],
  requestBody: {
    content: {
      'text/plain': { schema: { type: 'string' } },
      'application/json': { schema: {} },
      'application/x-www-form-urlencoded': {
        schema: { type: 'object', properties: { data: { type: 'string' } }, required: ['data'] },
      },
    },
  },
  responses: {
    200: { description: 'Published.', ...content({ type: 'object', properties: { status: { const: 1 } } }) },
  },
};
