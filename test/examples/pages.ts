/** Which pages the tests read, and whose translation each is. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Pages whose blocks other tests run, each with the test that does. */
export const runElsewhere: ReadonlyMap<string, string> = new Map([
  ['packages/client/README.md', 'test/system/client.test.ts'],
  ['docs/guides/redis-ingest.md', 'test/system/ingest-redis-guide.test.ts'],
  ['docs/guides/from-nginx-lua-redis.md', 'test/system/from-nginx-lua-redis.test.ts'],
]);

/** Every markdown page of the repository. */
export function allPages(): string[] {
  return globSync('**/*.md', {
    cwd: root,
    exclude: (path) => /(?:^|\/)(?:node_modules|dist|test-results|coverage|public)(?:\/|$)/.test(path),
  }).sort();
}

/** The pages of the server API's methods and their index; they share one config. */
export function apiPagesOf(): string[] {
  return allPages().filter((page) => /^docs\/api\/[\w-]+\.md$/.test(page));
}

/** Pages with examples that a reader is to copy. */
export function examplePages(): string[] {
  return allPages().filter((page) =>
    /^(?:README[^/]*|docs\/(?:README[^/]*|guides\/.*)|packages\/[^/]+\/README[^/]*)\.md$/.test(page),
  );
}

/** The Chinese page of an English one, and undefined where it is the Chinese one itself. */
export function translationOf(page: string): string | undefined {
  return page.endsWith('.zh-CN.md') ? undefined : page.replace(/\.md$/, '.zh-CN.md');
}
