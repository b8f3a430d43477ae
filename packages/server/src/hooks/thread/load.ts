/** Runs the user's module and finds the hooks in it. */
import { dirname } from 'node:path';
import { nearest } from '@carillon/protocol';
import { importUserModule } from '../../modules/user-module.ts';
import { hookNames } from '../names.ts';
import type { HookModule } from '../source.ts';
import { sentenceOf, syntaxSentence } from './fault.ts';

/** There are no usable hooks. The message is half a sentence. */
export class LoadFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LoadFault';
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what a user wrote; it is called with what its type says.
export type AnyFunction = (this: unknown, ...args: any[]) => unknown;

export interface LoadedHooks {
  readonly functions: ReadonlyMap<string, AnyFunction>;
  /** JSON of each hook by name: `true` for a function, else what stands there. */
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** @param onFile Is told of each local file that is read. @throws {LoadFault} */
export async function loadHooks(module: HookModule, onFile: (path: string) => void): Promise<LoadedHooks> {
  const { path } = module;
  let last: string | undefined;
  const exported = await importUserModule(path, {
    onFile(file) {
      last = file;
      onFile(file);
    },
  }).catch((error: unknown) => {
    throw new LoadFault(loadSentence(error, dirname(path), last));
  });
  return read(module.kind === 'config' ? ofConfig(exported) : ofFile(exported));
}

function loadSentence(error: unknown, folder: string, last: string | undefined): string {
  return error instanceof SyntaxError
    ? `it is not well-formed: ${syntaxSentence(error, folder, last)}`
    : `it failed while it ran: ${sentenceOf(error, folder)}`;
}

function ofConfig({ default: config }: Fields): Fields {
  const hooks = isFields(config) ? config['hooks'] : undefined;
  if (!isFields(hooks)) throw new LoadFault("the key 'hooks' of its default export is no object any more");
  return hooks;
}

/** The default export; where there is none, the named ones. */
function ofFile(exported: Fields): Fields {
  const { default: whole, ...named } = exported;
  if (whole === undefined) return named;
  if (isFields(whole)) return whole;
  throw new LoadFault('its default export must be an object of hooks');
}

function read(hooks: Fields): LoadedHooks {
  const functions = new Map<string, AnyFunction>();
  const told: Record<string, unknown> = {};
  for (const [name, hook] of Object.entries(hooks)) {
    if (hook === undefined) continue;
    if (!hookNames.some((known) => known === name)) throw new LoadFault(unknown(name));
    if (typeof hook === 'function') functions.set(name, hook as AnyFunction);
    else if (!isFields(hook)) throw new LoadFault(`'${name}' must be a function or { url }`);
    told[name] = typeof hook === 'function' ? true : hook;
  }
  // Also what an editor leaves for a moment while it saves: it must not take the hooks away.
  if (Object.keys(told).length === 0) throw new LoadFault(noHooks);
  return { functions, text: JSON.stringify(told) };
}

const noHooks =
  "it exports no hooks; it must say 'export default defineHooks({ ... })', or export the hooks by their names";

function unknown(name: string): string {
  const meant = nearest(name, hookNames);
  const hint = meant === undefined ? `there are ${hookNames.join(', ')}` : `did you mean '${meant}'?`;
  return `'${name.slice(0, 64)}' is no hook; ${hint}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
