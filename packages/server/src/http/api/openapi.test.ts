import { expect, test } from 'vitest';
import type { Log } from '../../core/log.ts';
import { startHttp } from '../../testing/http-host.ts';
import { apiMethods } from './methods.ts';
import { openApi } from './openapi.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface Document {
  readonly openapi: string;
  readonly paths: Record<string, { post?: Operation; get?: object }>;
  readonly components: { readonly schemas: Record<string, object> };
}

interface Operation {
  readonly operationId: string;
  readonly requestBody: { readonly content: { readonly 'application/json': { readonly schema: object } } };
}

test('every method is described by the schema that validates it', () => {
  const methods = apiMethods(log);
  const document = JSON.parse(openApi(methods, '1.2.3')) as Document;
  expect(document.openapi).toBe('3.1.0');
  for (const { name } of methods) expect(document.paths[`/v1/${name}`]?.post?.operationId).toBe(name);
  expect(document.paths['/v1/publish']?.post?.requestBody.content['application/json'].schema).toMatchObject({
    type: 'object',
    required: ['channel', 'data'],
    additionalProperties: false,
    properties: {
      channel: { type: 'string', maxLength: 255, description: expect.stringContaining('255 bytes') },
    },
  });
});

test('every reference leads somewhere, and no schema brings a dialect of its own', () => {
  const text = openApi(apiMethods(log), '1.2.3');
  const document = JSON.parse(text) as Document;
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map((found) => found[1] ?? '');
  expect(references.length).toBeGreaterThan(0);
  for (const reference of references) {
    expect(reference).toMatch(/^#\/components\/schemas\//);
    expect(document.components.schemas).toHaveProperty(reference.slice('#/components/schemas/'.length));
  }
  expect(text).not.toContain('$schema');
});

test('answers are what their schemas say', async () => {
  const host = await startHttp();
  const drawn = await host.call('/rendezvous', { method: 'POST' });
  const { code } = JSON.parse(drawn.text) as { readonly code: string };
  const requests: Record<string, object> = {
    publish: { channel: 'open:a', data: { x: 1 } },
    broadcast: { channels: ['open:a', 'plain:a'], data: 1 },
    history: { channel: 'open:a' },
    channels: {},
    info: {},
    history_remove: { channel: 'open:a' },
    rendezvous: { code },
    rendezvous_scan: { code },
    rendezvous_confirm: { code, data: 1 },
    rendezvous_cancel: { code },
    send: { to: { all: true }, data: 1 },
    disconnect: { to: { user: 1 } },
    unsubscribe: { user: 1, channel: 'open:a' },
    sessions: {},
    user: { user: 1 },
    group_join: { group: 'g', user: 1 },
    groups: {},
    group: { group: 'g' },
    group_leave: { group: 'g', user: 1 },
    group_destroy: { group: 'g' },
    tag: { user: 1, tags: { vip: true } },
    untag: { user: 1, tags: ['vip'] },
  };
  for (const { name, result } of apiMethods(log)) {
    if (requests[name] === undefined) continue;
    const { text } = await host.api(name, requests[name]);
    expect([name, result.safeParse(JSON.parse(text).result).error]).toEqual([name, undefined]);
  }
  const { status, headers, text } = await host.call('/openapi.json');
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expect(Object.keys((JSON.parse(text) as Document).paths)).toContain('/v1/batch');
  await host.stop();
});
