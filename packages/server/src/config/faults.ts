/** What is wrong with a config, as sentences: path, fault, and the name that was probably meant. Never a secret. */

import { nearest } from '@carillon/protocol';
import type { z } from 'zod';
import { configKeys, knownNames, secrecyOf } from './keys.ts';

type Path = readonly PropertyKey[];

/** A config that cannot be used. The command line prints its faults and ends with 78. */
export class ConfigError extends Error {
  /** One sentence each, all of them at once. */
  readonly faults: readonly string[];
  /** The config file that was read, if any. */
  readonly file: string | undefined;

  constructor(faults: readonly string[], file?: string) {
    super(
      [file === undefined ? 'the configuration cannot be used' : `${file} cannot be used`, ...faults].join(
        '\n',
      ),
    );
    this.name = 'ConfigError';
    this.faults = faults;
    this.file = file;
  }
}

/** Turns what the schema found into faults, in the order of the config, each once. `root` is the checked value. */
export function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  sourceOf: (path: string) => string | undefined,
): string[] {
  const faults = issues.flatMap((issue) => {
    const from = sourceOf(formatPath(issue.path, root));
    return sentencesOf(issue, root).map((sentence) =>
      from === undefined ? sentence : `${sentence} (from ${from})`,
    );
  });
  return [...new Set(faults)];
}

function sentencesOf(issue: z.core.$ZodIssue, root: unknown): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((name) => unknownKey([...issue.path, name], root));
  const within = issue.code === 'invalid_union' ? objectIssues(issue) : [];
  if (within.length > 0) return within.flatMap((inner) => sentencesOf(inner, root));
  const at = issue.path.length === 0 ? 'the config' : formatPath(issue.path, root);
  if (issue.code === 'invalid_key') {
    return [`${at}: its name ${issue.issues[0]?.message ?? 'is not allowed'}`];
  }
  const { input } = issue;
  if (input === undefined) return [`${at}: is missing; it ${issue.message}`];
  const shown = secrecyOf(issue.path) === 'value' ? '' : `, but is ${describe(input)}`;
  return [`${at}: ${issue.message}${shown}${meantWord(issue, input)}`];
}

/** For a word that is not among the few that are allowed. */
function meantWord(issue: z.core.$ZodIssue, input: unknown): string {
  if (issue.code !== 'invalid_value' || typeof input !== 'string') return '';
  const words = issue.values.filter((value) => typeof value === 'string');
  const meant = nearest(input, words);
  return meant === undefined ? '' : `; did you mean '${meant}'?`;
}

/** What is wrong inside, where an object was given and one of the kinds that are allowed is an object. */
function objectIssues(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  const { input, path } = issue;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return [];
  const isInside = ({ path: inner, code }: z.core.$ZodIssue): boolean =>
    inner.length > 0 || code === 'unrecognized_keys';
  const within = issue.errors.find((kind) => kind.every(isInside)) ?? [];
  return within.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
}

function unknownKey(path: Path, root: unknown): string {
  const meant = meantKey(path);
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
  return `${formatPath(path, root)}: unknown key${hint}`;
}

/** The nearest name in the same section, or else a key of that very name in another section. */
function meantKey(path: Path): string | undefined {
  const name = String(path.at(-1));
  const near = nearest(name, knownNames(path.slice(0, -1)));
  if (near !== undefined) return near;
  const elsewhere = configKeys().filter((known) => known.path.at(-1) === name && known.kind !== 'map');
  return elsewhere.length === 1 ? elsewhere[0]?.path.join('.') : undefined;
}

/** A path as one would write it: `channels["room:*"].history.size`. Names that are secret become `[entry 1]`. */
export function formatPath(path: Path, root: unknown): string {
  let text = '';
  let here = root;
  for (const [depth, name] of path.entries()) {
    const parent = path.slice(0, depth);
    if (secrecyOf(parent) === 'names' && secrecyOf(parent.slice(0, -1)) === undefined) {
      text += `[entry ${Object.keys(here ?? {}).indexOf(String(name)) + 1}]`;
    } else if (typeof name === 'number') text += `[${name}]`;
    else if (/^[A-Za-z_]\w*$/.test(String(name))) text += text === '' ? String(name) : `.${String(name)}`;
    else text += `[${JSON.stringify(String(name))}]`;
    here = isObject(here) ? here[String(name)] : undefined;
  }
  return text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A wrong value, short, and without the credentials of a URL. */
function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'string') return String(value);
  const shown = value.replace(/\/\/[^/@\s]*@/, '//***@');
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}...` : shown);
}
