/** The links of every markdown page lead somewhere, and the commands that pages mention exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { carillonBin } from '../support/carillon.ts';
import { anchorsOf, linksOf, readPage } from './markdown.ts';
import { allPages, root } from './pages.ts';

const pages = allPages();

test.each(pages)('the links of %s lead somewhere', (page) => {
  const broken = linksOf(readPage(root, page))
    .filter(({ target }) => !/^(?:https?|mailto):/.test(target))
    .flatMap(({ line, target }) => {
      const fault = faultOf(page, target);
      return fault === undefined ? [] : [`${page}:${line}: ${target} ${fault}`];
    });
  expect(broken).toEqual([]);
});

test('every `carillon` command that a page mentions exists', () => {
  const help = execFileSync(process.execPath, [carillonBin, '--help'], { encoding: 'utf8' });
  const known = new Set([...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name));
  expect(known).toContain('serve');
  const mentioned = pages.flatMap((page) =>
    [...readPage(root, page).matchAll(/`(?:npx )?carillon ([a-z]+)[^`]*`/g)].map(([text, name]) => ({
      page,
      text,
      name,
    })),
  );
  expect(mentioned.length).toBeGreaterThan(3);
  expect(mentioned.filter(({ name }) => !known.has(name))).toEqual([]);
});

function faultOf(page: string, target: string): string | undefined {
  const [path = '', anchor] = decodeURI(target).split('#');
  const file = path === '' ? page : join(dirname(page), path);
  if (!existsSync(`${root}${file}`)) return 'does not exist';
  if (anchor === undefined) return undefined;
  if (statSync(`${root}${file}`).isDirectory() || !file.endsWith('.md')) return 'has no anchors';
  return anchorsOf(readFileSync(`${root}${file}`, 'utf8')).has(anchor) ? undefined : 'has no such heading';
}
