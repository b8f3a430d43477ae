/** What /openapi.json says of the probes and the metrics. */
import { themes } from './method-docs.ts';

const tags = [themes.operation];

const status = {
  content: {
    'application/json': {
      schema: { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] },
      example: { status: 'ok' },
    },
  },
};

const unavailable = {
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { status: { const: 'unavailable' }, error: { type: 'object' } },
        required: ['status', 'error'],
      },
    },
  },
};

export const probePaths: Readonly<Record<string, object>> = {
  '/healthz': {
    get: {
      operationId: 'healthz',
      summary: 'Says that the process lives.',
      tags,
      security: [],
      responses: { 200: { description: 'It does.', ...status } },
    },
  },
  '/readyz': {
    get: {
      operationId: 'readyz',
      summary: 'Says whether a publication through every worker and the broker just came back.',
      tags,
      security: [],
      responses: {
        200: { description: 'It did.', ...status },
        503: {
          description: 'It did not within 2 s; the message names what is slow or missing.',
          ...unavailable,
        },
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Metrics in the text format of Prometheus.',
      tags,
      security: [],
      responses: {
        200: { description: 'The metrics.', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
};
