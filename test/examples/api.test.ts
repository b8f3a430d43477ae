/** Every method of the server API has a page, and the requests on it get the answers that stand there. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from './kinds.ts';
import { type Block, blocksOf, linksOf, readPage } from './markdown.ts';
import { apiPagesOf, root } from './pages.ts';
import { Stage } from './stage.ts';

const index = 'docs/api/README.md';
const pages = apiPagesOf().filter((page) => page !== index);
const blocks = new Map(pages.map((page) => [page, blocksOf(page, readPage(root, page))]));

/** What `/openapi.json` tells of; a test beside the generator sees to it that it is fresh. */
const { paths } = JSON.parse(readFileSync(`${root}docs/openapi.json`, 'utf8')) as {
  readonly paths: Readonly<Record<string, { readonly post?: object }>>;
};
const methods = Object.entries(paths)
  .filter(([path, { post }]) => path.startsWith('/v1/') && post !== undefined)
  .map(([path]) => path.slice('/v1/'.length));

/** The index shows it. */
const config = 'docs/api/carillon.config.ts';

test('every method has a page, and every page a method', () => {
  expect(methods.length).toBeGreaterThan(30);
  expect(pages).toEqual(methods.map(pageOf).sort());
});

test('the Chinese index has every method too', () => {
  const links = linksOf(readPage(root, 'docs/api/README.zh-CN.md')).map(({ target }) => `docs/api/${target}`);
  expect(pages.filter((page) => !links.includes(page))).toEqual([]);
});

test('the config that the index shows is that of every page', () => {
  const shown = blocksOf(index, readPage(root, index)).filter(({ kind }) => kind === 'config');
  expect(shown.map(({ code }) => code)).toEqual([readPage(root, config).replace(/^.*\n/, '')]);
});

test.each(methods)('%s has a request on its page, and the answer to it', (method) => {
  const own = blocks.get(pageOf(method)) ?? [];
  const request = own.findIndex(({ code }) => code.includes(`/v1/${method} `));
  expect(request).not.toBe(-1);
  expect([describeBlock(own[request]), describeBlock(own[request + 1])]).toEqual(['sh run', 'json answer']);
});

describe.each(pages)('%s', (page) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.openWith(config);
  });

  afterAll(async () => {
    await stage?.close();
  });

  test('its blocks are run, one after another', { timeout: 60_000 }, async () => {
    for (const block of blocks.get(page) ?? []) {
      const kind = kinds.get(describeBlock(block));
      if (kind === undefined) throw new Error(`${page}:${block.line}: no such kind of block`);
      await kind(block, stage);
    }
  });
});

function pageOf(method: string): string {
  return `docs/api/${method.replace('/', '_')}.md`;
}

function describeBlock(block: Block | undefined): string {
  return `${block?.language} ${block?.kind}`;
}
