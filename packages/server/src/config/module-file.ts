/**
 * Config files that are modules. They may lie anywhere: also where no package.json says what kind of module they are,
 * and where nobody has installed the package whose `defineConfig` they import.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Runs a config file and gives its exports. Whatever it throws comes through. */
export async function importConfigModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      // This very Carillon, also beside another one: the config is read by the one that runs.
      if (specifier === 'carillon') return { url: ownIndex(), shortCircuit: true };
      const found = next(specifier, context);
      const format = moduleFormat(found.url, found.format);
      return format === undefined ? found : { ...found, format };
    },
  });
  const restore = silenceExperimentalWarnings();
  try {
    return await import(pathToFileURL(path).href);
  } finally {
    restore();
    hooks.deregister();
  }
}

function ownIndex(): string {
  return new URL(`../index${extname(fileURLToPath(import.meta.url))}`, import.meta.url).href;
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
