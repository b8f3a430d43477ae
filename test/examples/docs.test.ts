/** Every fenced block of the pages that readers copy from is run, in the order of its page, against a real server. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from './kinds.ts';
import { type Block, blocksOf, readPage } from './markdown.ts';
import { examplePages, root, runElsewhere, translationOf } from './pages.ts';
import { Stage } from './stage.ts';

const pages = examplePages();
const blocks = new Map(pages.map((page) => [page, blocksOf(page, readPage(root, page))]));

test('there are pages, and blocks in them', () => {
  expect(pages).toContain('README.md');
  expect([...blocks.values()].flat().length).toBeGreaterThan(20);
});

/** A translation has the blocks of its original, which are run there. */
const originals = pages.filter((page) => translationOf(page) !== undefined && !runElsewhere.has(page));

describe.each(originals.filter((page) => blocks.get(page)?.length !== 0))('%s', (page) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open();
  });

  afterAll(async () => {
    await stage?.close();
  });

  test.each(
    (blocks.get(page) ?? []).map((block): [number, string, Block] => [
      block.line,
      describeBlock(block),
      block,
    ]),
  )('line %i: %s', { timeout: 60_000 }, async (_, __, block) => {
    const kind = kinds.get(`${block.language} ${block.kind}`);
    if (kind === undefined)
      throw new Error(`${page}:${block.line}: say after '${block.language}' what it is: ${known}`);
    await kind(block, stage);
  });
});

describe.each([...runElsewhere])('%s', (page, testFile) => {
  test(`is run by ${testFile}`, () => {
    expect(readPage(root, testFile)).toContain(page);
    expect(blocks.get(page)?.map(({ language }) => language)).toContain('ts');
  });
});

describe('a translation', () => {
  const pairs = pages.flatMap((page) => {
    const translation = translationOf(page);
    return translation !== undefined && existsSync(`${root}${translation}`)
      ? [[page, translation] as const]
      : [];
  });

  test('exists of the README and of every guide', () => {
    const translated = pairs.map(([page]) => page);
    const due = pages.filter((page) => /^(?:README|docs\/guides\/[\w-]+)\.md$/.test(page));
    expect(translated).toEqual(expect.arrayContaining(due));
    expect(due.length).toBeGreaterThan(1);
  });

  test.each(pairs)('of %s has the same code, comments aside', (page, translation) => {
    expect((blocks.get(translation) ?? []).map(codeOf)).toEqual((blocks.get(page) ?? []).map(codeOf));
  });
});

const known = [...kinds.keys()].map((kind) => `'${kind.trim()}'`).join(', ');

function describeBlock({ language, kind, options }: Block): string {
  return [language, kind, ...options.keys()].join(' ').trim();
}

/** A block without its comments, which are translated. */
function codeOf({ language, kind, options, code }: Block): object {
  const bare = code.replace(/(^|\s)(?:#|\/\/)\s.*$/gm, '$1').replace(/[ \t]+$/gm, '');
  return { language, kind, options: [...options], code: bare };
}
