/**
 * Modules that a user writes: a config, hooks. They may lie anywhere: also where no package.json says what kind of module they
 * are, and where nobody has installed the package `carillon` that they import.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface ImportOptions {
  /**
   * Told of every local file before it is read: the module itself and what it imports, packages excluded. From then on also of
   * what is imported later, while the program runs.
   */
  readonly onFile?: (path: string) => void;
  /**
   * Another one than before runs the module again, and every local file that it imports, as they are now. What was run before
   * stays in memory. Absent: what was run before is what one gets.
   */
  readonly generation?: number;
}

/** Runs a module and gives its exports. Whatever it throws comes through. */
export async function importUserModule(
  path: string,
  { onFile, generation }: ImportOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      // This very Carillon, also beside another one: the module is read by the one that runs.
      if (specifier === 'carillon') return { url: ownIndex(), shortCircuit: true };
      const { parentURL } = context;
      // Before it is looked for, so that a file which is missing now is known when it comes.
      if (onFile !== undefined && /^\.{0,2}\//.test(specifier)) tell(onFile, URL.parse(specifier, parentURL));
      const found = next(specifier, context);
      if (onFile !== undefined) tell(onFile, URL.parse(found.url));
      const format = moduleFormat(found.url, found.format);
      const url = generation === undefined ? found.url : ofGeneration(found.url, generation);
      return { ...found, url, ...(format !== undefined && { format }) };
    },
  });
  const restore = silenceExperimentalWarnings();
  try {
    return await import(pathToFileURL(path).href);
  } finally {
    restore();
    if (onFile === undefined) hooks.deregister();
  }
}

/** Node.js knows modules by their URLs. */
function ofGeneration(text: string, generation: number): string {
  const url = new URL(text);
  if (!isUsers(url)) return text;
  url.searchParams.set('generation', String(generation));
  return url.href;
}

const ownRoot = new URL('../', import.meta.url).href;

function ownIndex(): string {
  return `${ownRoot}index${extname(fileURLToPath(import.meta.url))}`;
}

function tell(onFile: (path: string) => void, url: URL | null): void {
  if (url !== null && isUsers(url)) onFile(fileURLToPath(url));
}

/** Neither a package's nor this program's own. */
function isUsers({ protocol, pathname, href }: URL): boolean {
  return protocol === 'file:' && !pathname.includes('/node_modules/') && !href.startsWith(ownRoot);
}

/** For a file that is written as an ES module although no package.json says so; undefined leaves the choice to Node. */
function moduleFormat(url: string, format: string | null | undefined): string | undefined {
  const undecided = format === undefined || format === null || format.startsWith('commonjs');
  if (!undecided || !url.startsWith('file:') || url.includes('/node_modules/')) return undefined;
  const path = fileURLToPath(url);
  const ending = extname(path);
  if (ending !== '.ts' && ending !== '.js') return undefined;
  if (!/^\s*(?:export|import)\b(?!\s*[(.])/m.test(readFileSync(path, 'utf8'))) return undefined;
  return ending === '.ts' ? 'module-typescript' : 'module';
}

/** That Node calls its own type stripping experimental is no news for the one who starts a server. */
function silenceExperimentalWarnings(): () => void {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const kind = typeof rest[0] === 'string' ? rest[0] : (rest[0] as { type?: string } | undefined)?.type;
    if (kind !== 'ExperimentalWarning') Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  return () => {
    process.emitWarning = emitWarning;
  };
}
