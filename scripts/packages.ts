/** The packages as they are published: staged beside the clone, with a manifest that a clone must not have. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Folders of the packages that are published. */
export const published = ['protocol', 'client', 'react', 'server'] as const;

/** What the server needs, and what the client and the protocol are tested on. */
const engines = { node: '>=22.18' };

interface Manifest {
  readonly name: string;
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Copies what is published into a folder of its own and returns that folder. The manifest gains `engines` (in a clone
 * they would warn on a machine whose own Node.js is older, though the clone brings a newer one) and loses the `carillon-source`
 * condition, which leads to files that are not published. Run the build before.
 */
export function stage(name: (typeof published)[number]): string {
  const from = join(root, 'packages', name);
  const to = join(root, 'node_modules/.cache/packages', name);
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as Manifest;
  const files = [...manifest.files, ...(name === 'server' ? ['config.schema.json'] : [])];
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const file of [...files, 'LICENSE', 'README.md']) {
    const source = [from, root].map((folder) => join(folder, file)).find(existsSync);
    if (source !== undefined) cpSync(source, join(to, file), { recursive: true });
  }
  const packed = { ...manifest, files, exports: withoutSource(manifest), engines };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(packed, undefined, 2)}\n`);
  return to;
}

function withoutSource({ exports }: Manifest): Manifest['exports'] {
  return Object.fromEntries(
    Object.entries(exports).map(([path, { 'carillon-source': _, ...conditions }]) => [path, conditions]),
  );
}
