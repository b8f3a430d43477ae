import { expect, test } from 'vitest';
import type { Log } from '../../core/log.ts';
import { startHttp } from '../../testing/http-host.ts';
import { apiMethods } from './methods.ts';
import { openApi } from './openapi.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Readonly<Record<string, Operation>>>;
  readonly components: { readonly schemas: Record<string, object> };
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody: { readonly content: { readonly 'application/json': Media } };
  readonly responses: Readonly<Record<string, { readonly content: { readonly 'application/json': Media } }>>;
}

interface Media {
  readonly schema: object;
  readonly example?: object;
}

test('every method is described by the schema that validates it', () => {
  const methods = apiMethods(log);
  const document = JSON.parse(openApi(methods, '1.2.3')) as Document;
  expect(document.openapi).toBe('3.1.0');
  for (const { name } of methods) expect(document.paths[`/v1/${name}`]?.['post']?.operationId).toBe(name);
  expect(
    document.paths['/v1/publish']?.['post']?.requestBody.content['application/json'].schema,
  ).toMatchObject({
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

test('every method shows a request, its answer, and why it may be refused', () => {
  const { paths } = JSON.parse(openApi(apiMethods(log), '1.2.3')) as Document;
  const posts = Object.entries(paths).filter(([path, { post }]) => path.startsWith('/v1/') && post);
  expect(posts.length).toBeGreaterThan(30);
  for (const [path, { post }] of posts) {
    expect([path, post?.requestBody.content['application/json'].example]).toEqual([path, expect.anything()]);
    expect([path, post?.responses['200']?.content['application/json'].example]).toEqual([
      path,
      expect.anything(),
    ]);
    for (const status of ['400', '401', '413', '500']) expect(post?.responses).toHaveProperty(status);
  }
  expect(paths['/v1/bind']?.['post']?.responses).toHaveProperty('404');
});

test('operations have ids of their own, known tags, and a parameter for each part of the path', () => {
  const { paths, tags } = JSON.parse(openApi(apiMethods(log), '1.2.3')) as Document;
  const known = tags.map(({ name }) => name);
  const operations = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.values(verbs).map((operation) => ({ path, ...operation })),
  );
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, tags: own, summary, parameters = [], responses } of operations) {
    expect([path, own.filter((tag) => !known.includes(tag))]).toEqual([path, []]);
    expect([path, summary]).toEqual([path, expect.stringMatching(/\.$/)]);
    expect(Object.keys(responses).length).toBeGreaterThan(0);
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(named);
  }
});

test('it tells of the paths that clients use, and of the probes', async () => {
  const host = await startHttp();
  const { text } = await host.call('/openapi.json');
  const { paths } = JSON.parse(text) as Document;
  for (const path of ['/ws', '/sub', '/pub', '/stream', '/rendezvous', '/rendezvous/consume', '/v1/ws'])
    expect(paths).toHaveProperty([path]);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    const { status } = await host.call(path);
    expect([path, paths[path]?.['get']?.responses]).toEqual([
      path,
      expect.objectContaining({ [status]: expect.anything() }),
    ]);
  }
  await host.stop();
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
    webhooks: {},
    webhooks_retry: {},
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
