/** The config file: where it lies and what stands in it, whatever its language. Says nothing of whether the keys make sense. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { ConfigError } from './faults.ts';

/** Looked for in the working directory, in this order, when no file is named. */
export const defaultFiles = ['ts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(
  (ending) => `carillon.config.${ending}`,
);

/** The path of the default config file in a folder, if there is one. */
export function findConfigFile(folder: string): string | undefined {
  return defaultFiles.map((name) => resolve(folder, name)).find((path) => existsSync(path));
}

/** A config that asks elsewhere for a secret is done by then. */
const moduleMs = 30_000;

export interface ReadOptions {
  /** How long a file that is a program may take. */
  readonly limitMs?: number;
  /** Files that are programs are run again when this is another one than before. */
  readonly generation?: number;
}

/**
 * What a config file holds: an object, its keys not yet checked.
 * @throws {ConfigError} the file is missing, cannot be read, is not well-formed, does not end, or holds no object.
 */
export async function readConfigFile(
  path: string,
  options: ReadOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const value = await readValue(path, options);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fault(path, 'the file must hold an object, such as { "port": 6790 }');
  }
  try {
    const { $schema: _, ...config } = value as Record<string, unknown>;
    return config;
  } catch (error) {
    throw fault(path, moduleFault(error, path));
  }
}

async function readValue(path: string, { limitMs = moduleMs, generation }: ReadOptions): Promise<unknown> {
  switch (extname(path)) {
    case '.json':
      return readJson(path, await readText(path));
    case '.yaml':
    case '.yml':
      return readYaml(path, await readText(path));
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
    case '.cjs':
    case '.cts':
      await readText(path);
      return withinLimit(path, readModule(path, generation), limitMs);
    default:
      throw fault(path, 'the file name must end in .ts, .js, .mjs, .json, .yaml or .yml');
  }
}

async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fault(path, 'the file does not exist');
    if (code === 'EISDIR') throw fault(path, 'this is a folder; name the config file in it');
    throw fault(path, `the file cannot be read (${code})`);
  }
}

async function readJson(path: string, text: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The message quotes the text around the fault, which may be a key or a token; only the place is told.
    const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(String(error)) ?? [];
    if (line !== undefined)
      throw fault(path, `the file is not well-formed JSON (line ${line}, column ${column})`);
    const { parseDocument } = await import('yaml');
    throw fault(path, `the file is not well-formed JSON${place(parseDocument(text).errors[0])}`);
  }
}

async function readYaml(path: string, text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw fault(path, `the file is not well-formed YAML${place(error)}`);
  try {
    return document.toJS() ?? {};
  } catch {
    throw fault(path, 'the aliases of the YAML stand for far more than the file holds; write it out');
  }
}

function place(error: { linePos?: readonly { line: number; col: number }[] } | undefined): string {
  const start = error?.linePos?.[0];
  return start === undefined ? '' : ` (line ${start.line}, column ${start.col})`;
}

async function readModule(path: string, generation: number | undefined): Promise<unknown> {
  const { importUserModule } = await import('../modules/user-module.ts');
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = await importUserModule(path, { ...(generation !== undefined && { generation }) });
  } catch (error) {
    throw fault(path, moduleFault(error, path));
  }
  if (exported['default'] === undefined) {
    throw fault(path, "the file has no default export; it must say 'export default defineConfig({ ... })'");
  }
  return exported['default'];
}

/** Without a limit a promise that nobody keeps would be a start that says nothing. */
async function withinLimit<Value>(path: string, value: Promise<Value>, limitMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const sentence = `the file has not finished after ${limitMs / 1_000} s; what it waits for never comes`;
    timer = setTimeout(() => reject(fault(path, sentence)), limitMs);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

function moduleFault(error: unknown, path: string): string {
  if (!(error instanceof Error)) return 'the file threw something that is no error while it ran';
  const [sentence = ''] = error.message.split('\n');
  const at = error.stack?.match(/^(?:file:\/\/)?[^\n]*?:(\d+)(?:\n|$)/);
  const line =
    at === null || at === undefined || !error.stack?.split('\n')[0]?.includes(path) ? '' : ` (line ${at[1]})`;
  return error instanceof SyntaxError
    ? `the file is not well-formed${line}: ${sentence}`
    : `the file failed while it ran: ${sentence}${lineOfRun(error, path)}`;
}

function lineOfRun(error: Error, path: string): string {
  const frame = error.stack?.split('\n').find((text) => text.includes(path) && /:\d+:\d+\)?$/.test(text));
  const line = frame?.match(/:(\d+):\d+\)?$/)?.[1];
  return line === undefined ? '' : ` (line ${line})`;
}

function fault(path: string, sentence: string): ConfigError {
  return new ConfigError([sentence], path);
}
