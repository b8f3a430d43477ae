/** What the client costs a web page: minified and compressed, against a committed number. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Undefined when every entry of bundle-size.json is within its number of bytes, else a sentence for each that is not. */
export async function clientSize(): Promise<string | undefined> {
  const allowed = JSON.parse(readFileSync(`${root}scripts/bundle-size.json`, 'utf8')) as Record<
    string,
    number
  >;
  const faults: string[] = [];
  for (const [entry, bytes] of Object.entries(allowed)) {
    const size = await gzipped(entry);
    if (size > bytes)
      faults.push(`${entry} takes ${size} bytes, ${size - bytes} more than scripts/bundle-size.json allows.`);
  }
  return faults.length === 0 ? undefined : faults.join('\n');
}

async function gzipped(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [root + entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['carillon-source'],
    // What a page has anyway, or is counted by itself.
    external: ['react', '@carillon/client'],
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}
