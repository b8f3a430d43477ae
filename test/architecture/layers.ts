/** The layer table of ARCHITECTURE.md as data, and the check of imports against it. Knows no file system. */
import { posix } from 'node:path';
import { importsOf } from './imports.ts';

/** One row of the table. */
export interface Layer {
  readonly name: string;
  /** Where its files lie; a `*` in a folder's place makes each folder a layer of its own. */
  readonly globs: readonly string[];
  /** Names of layers, of packages, or `node:*`. */
  readonly mayImport: readonly string[];
}

/** Source files: path from the root of the repository, and text. */
export type Sources = ReadonlyMap<string, string>;

/** Reads the rows `| name | globs | may import | ... |` of the first table whose head begins with `layer`. */
export function readLayers(markdown: string): Layer[] {
  const lines = markdown.split('\n');
  const head = lines.findIndex((line) => /^\|\s*layer\s*\|/.test(line));
  if (head === -1) throw new Error('no table that begins with "| layer |"');
  const end = lines.findIndex((line, at) => at > head && !line.startsWith('|'));
  return lines.slice(head + 2, end === -1 ? undefined : end).map(readRow);
}

function readRow(line: string): Layer {
  const [, name, globs, mayImport] = line.split('|');
  if (name === undefined || globs === undefined || mayImport === undefined)
    throw new Error(`not a row: ${line}`);
  const layer = { name: name.replaceAll('`', '').trim(), globs: quoted(globs), mayImport: quoted(mayImport) };
  if (layer.globs.length === 0) throw new Error(`the layer ${layer.name} names no files`);
  return layer;
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

/** One sentence for each import that the table does not allow, and for each file that it does not know. */
export function breaches(
  layers: readonly Layer[],
  sources: Sources,
  packages: ReadonlyMap<string, string>,
): string[] {
  const found: string[] = [];
  for (const [path, text] of sources) {
    const from = place(layers, path);
    if (from === undefined) {
      found.push(`${path} belongs to no layer`);
      continue;
    }
    for (const specifier of importsOf(text)) {
      const target = resolve(path, specifier, packages);
      const why = target === undefined ? external(from, specifier) : internal(layers, from, target);
      if (why !== undefined) found.push(`${path} imports ${specifier}: ${why}`);
    }
  }
  return found;
}

/** Where a specifier leads inside the repository; undefined for packages that are not ours. */
export function resolve(
  path: string,
  specifier: string,
  packages: ReadonlyMap<string, string>,
): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  return packages.get(specifier);
}

interface Place {
  readonly layer: Layer;
  /** The layer's name, with the folder in place of the star. */
  readonly name: string;
}

function place(layers: readonly Layer[], path: string): Place | undefined {
  let best: (Place & { readonly precision: number }) | undefined;
  for (const layer of layers) {
    for (const glob of layer.globs) {
      const match = pattern(glob).exec(path);
      if (match === null || glob.length <= (best?.precision ?? 0)) continue;
      best = { layer, name: layer.name.replace('*', match[1] ?? '*'), precision: glob.length };
    }
  }
  return best;
}

/** `**` is any path, `*` one name, remembered so that a row can stand for several layers. */
function pattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.+';
    return part === '*' ? '([^/]+)' : part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}$`);
}

function external({ layer, name }: Place, specifier: string): string | undefined {
  const root = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const allowed = layer.mayImport.some(
    (entry) => entry === specifier || entry === root || (entry === 'node:*' && specifier.startsWith('node:')),
  );
  return allowed ? undefined : `${name} may not import this package`;
}

function internal(layers: readonly Layer[], from: Place, target: string): string | undefined {
  const to = place(layers, target);
  if (to === undefined) return `${target} belongs to no layer`;
  if (to.name === from.name) return undefined;
  return from.layer.mayImport.includes(to.layer.name) ? undefined : `${from.name} may not import ${to.name}`;
}

/** Rings of imports, type-only ones included, each as the paths of one way round; none when the code has no ring. */
export function rings(sources: Sources, packages: ReadonlyMap<string, string>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) found.push([...trail.slice(at), path]);
    if (at !== -1 || done.has(path)) return;
    for (const specifier of importsOf(sources.get(path) ?? '')) {
      const target = resolve(path, specifier, packages);
      if (target !== undefined && sources.has(target)) walk(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  return found;
}
