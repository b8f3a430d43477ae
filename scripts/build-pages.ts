/** Makes the pages that the server shows in development mode, and the client's files for browsers. Runs after `npm ci`. */
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = join(root, 'packages/demos/src');
/** What several pages have in common. */
const parts = 'shared/parts/';
const client = join(root, 'packages/client/src/index.ts');
const target = join(root, 'packages/server/public');

const common: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'browser',
  target: 'es2022',
  conditions: ['carillon-source'],
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
};

const esbuild = await import('esbuild').catch(() => undefined);
if (esbuild === undefined) {
  console.log(
    'The pages of development mode are not made: esbuild is a development dependency and not installed.',
  );
} else {
  const written = new Set([
    ...copyAssets(),
    ...(await bundlePages(esbuild.build)),
    ...(await bundleClient(esbuild.build)),
  ]);
  removeOthers(written);
}

type Build = typeof import('esbuild').build;

/** Every `main.ts` becomes a `main.js` beside its page. */
async function bundlePages(build: Build): Promise<string[]> {
  const scripts = globSync('**/main.ts', { cwd: pages });
  const outputs = scripts.map((script) => place(script.replace(/\.ts$/, '.js')));
  await Promise.all(
    scripts.map((script, at) =>
      build({
        ...common,
        entryPoints: [join(pages, script)],
        outfile: join(target, outputs[at] ?? script),
        format: 'esm',
      }),
    ),
  );
  return outputs;
}

/** `carillon.mjs` is a module; `carillon.js` makes the class the global `Carillon`, with the other exports as its members. */
async function bundleClient(build: Build): Promise<string[]> {
  if (!existsSync(client)) return [];
  const global =
    "import * as client from './index.ts'; globalThis.Carillon = Object.assign(client.Carillon, client);";
  const stdin = { contents: global, resolveDir: dirname(client) };
  await build({ ...common, stdin, outfile: join(target, 'carillon.js'), format: 'iife' });
  await build({ ...common, entryPoints: [client], outfile: join(target, 'carillon.mjs'), format: 'esm' });
  return ['carillon.js', 'carillon.mjs'];
}

/** Everything that is not TypeScript is copied as it is, but for the parts that pages share. */
function copyAssets(): string[] {
  const assets = globSync('**/*', { cwd: pages }).filter(
    (path) => !path.endsWith('.ts') && !path.startsWith(parts) && isFile(join(pages, path)),
  );
  for (const asset of assets) {
    const [from, to] = [join(pages, asset), join(target, place(asset))];
    mkdirSync(dirname(to), { recursive: true });
    if (asset.endsWith('.html')) writeFileSync(to, withParts(readFileSync(from, 'utf8')));
    else cpSync(from, to);
  }
  return assets.map(place);
}

/** A line `<!-- part NAME -->` stands for the file of that name, which may have parts of its own; as far to the right as the line. */
function withParts(html: string): string {
  return html.replaceAll(/^( *)<!-- part ([a-z-]+) -->$/gm, (_, indent: string, name: string) => {
    const part = withParts(readFileSync(join(pages, parts, `${name}.html`), 'utf8').trimEnd());
    return part.replaceAll(/^(?=.)/gm, indent);
  });
}

/** What an earlier run made and this one did not. Removed last, so that a running server never lacks a page. */
function removeOthers(written: ReadonlySet<string>): void {
  if (!existsSync(target)) return;
  for (const path of readdirSync(target, { recursive: true, encoding: 'utf8' })) {
    if (!written.has(path) && isFile(join(target, path))) rmSync(join(target, path));
  }
}

/** Where a file of the demos is served: the folder `home` is the root. */
function place(path: string): string {
  return path.startsWith('home/') ? path.slice('home/'.length) : path;
}

function isFile(path: string): boolean {
  return statSync(path).isFile();
}
