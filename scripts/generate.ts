/**
 * Writes the pages and files that follow from the source, so that they cannot drift. With `--check` it writes nothing
 * and ends with 1 when one of them is not what it would write.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderConfigReference, renderConfigSchema } from '../packages/server/src/config/reference.ts';
import { apiPages } from './reference/api-pages.ts';
import { renderErrors } from './reference/errors.ts';
import { renderLimits } from './reference/limits.ts';
import { renderMetrics } from './reference/metrics.ts';
import { renderOpenApi } from './reference/openapi.ts';

const root = fileURLToPath(new URL('../', import.meta.url));

const outputs: readonly { readonly file: string; readonly render: () => string | Promise<string> }[] = [
  { file: 'docs/configuration.md', render: renderConfigReference },
  { file: 'config.schema.json', render: renderConfigSchema },
  { file: 'docs/errors.md', render: renderErrors },
  { file: 'docs/limits.md', render: renderLimits },
  { file: 'docs/metrics.md', render: renderMetrics },
  { file: 'docs/openapi.json', render: renderOpenApi },
  ...apiPages().map(({ file, text }) => ({ file, render: () => text })),
];

const stale: string[] = [];
for (const { file, render } of outputs) {
  const text = await render();
  if (current(file) === text) continue;
  stale.push(file);
  if (!process.argv.includes('--check')) write(file, text);
}

for (const file of leftOver()) {
  stale.push(file);
  if (!process.argv.includes('--check')) rmSync(join(root, file));
}

if (stale.length > 0 && process.argv.includes('--check')) {
  console.error(`not fresh: ${stale.join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
} else if (stale.length > 0) {
  console.log(`written: ${stale.join(', ')}`);
}

/** Pages of methods that are gone. */
function leftOver(): string[] {
  const files = new Set(outputs.map(({ file }) => file));
  return globSync('docs/api/*.md', { cwd: root }).filter(
    (file) => !files.has(file) && !file.endsWith('.zh-CN.md'),
  );
}

function current(file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
