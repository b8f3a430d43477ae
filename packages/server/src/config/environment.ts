/** What flags and environment variables say about the keys of a config. */

import { editDistance, nearest } from '@carillon/protocol';
import type { ConfigKey } from './keys.ts';
import { configKeys, valueOfText } from './keys.ts';

/** A value for one key, and where it was said. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** `--port` or `CARILLON_PORT`. */
  readonly source: string;
}

export interface EnvironmentReading {
  readonly overrides: readonly Override[];
  readonly faults: readonly string[];
  readonly notes: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const prefix = 'CARILLON_';
/** Names that mean something besides the keys: where the config is, development mode, and what the client commands read. */
const furtherNames = [
  'CARILLON_CONFIG',
  'CARILLON_DEV',
  'CARILLON_API_KEY',
  'CARILLON_URL',
  'CARILLON_TOKEN',
];

/** Reads all that begins with `CARILLON_`; an empty value counts as absent. */
export function readEnvironment(env: Environment): EnvironmentReading {
  const keys = configKeys().filter((known) => known.env !== undefined);
  const byName = new Map(keys.map((known) => [known.env, known]));
  const overrides: Override[] = [];
  const faults: string[] = [];
  const notes: string[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(prefix) || text === undefined || text.trim() === '') continue;
    const known = byName.get(name);
    if (known !== undefined)
      overrides.push({ path: known.path, value: valueOfText(known.schema, text.trim()), source: name });
    else if (!furtherNames.includes(name))
      judgeUnknown(name, [...byName.keys(), ...furtherNames], faults, notes);
  }
  return { overrides: [...overrides, ...singleApiKey(env)], faults, notes };
}

/**
 * A slip of the pen must not leave a server open, so a name that is nearly a known one is a fault. Others may belong to
 * somebody else (Kubernetes sets CARILLON_SERVICE_HOST beside a service of that name): those are told, and left alone.
 */
function judgeUnknown(
  name: string,
  known: readonly (string | undefined)[],
  faults: string[],
  notes: string[],
): void {
  const names = known.filter((candidate) => candidate !== undefined);
  const meant = nearest(name, names);
  const slips = Math.floor((name.length - prefix.length) / 4);
  if (meant !== undefined && editDistance(name, meant) <= Math.min(2, Math.max(1, slips))) {
    faults.push(`${name}: unknown environment name; did you mean '${meant}'?`);
  } else notes.push(`${name} is no name that Carillon knows; it has no effect.`);
}

/** `CARILLON_API_KEY`, which the client commands read too, is the one key of a server that has no list of them. */
function singleApiKey(env: Environment): Override[] {
  const only = env['CARILLON_API_KEY']?.trim();
  if (only === undefined || only === '' || (env['CARILLON_API_KEYS'] ?? '').trim() !== '') return [];
  return [{ path: ['api', 'keys'], value: [only], source: 'CARILLON_API_KEY' }];
}

/** The flags of `carillon serve` that set a key, by name. */
export function flagKeys(): ReadonlyMap<string, ConfigKey> {
  return new Map(
    configKeys().flatMap((known) => (known.info.flag === undefined ? [] : [[known.info.flag, known]])),
  );
}

/** What the given flags say. Names that belong to no key are left to the caller. */
export function readFlags(flags: Readonly<Record<string, string | boolean | undefined>>): Override[] {
  const byFlag = flagKeys();
  return Object.entries(flags).flatMap(([name, given]) => {
    const known = byFlag.get(name);
    if (known === undefined || given === undefined) return [];
    const value = typeof given === 'string' ? valueOfText(known.schema, given) : given;
    return [{ path: known.path, value, source: `--${name}` }];
  });
}

/** The environment's word on a yes-or-no question that is no key of the config, such as `CARILLON_DEV`. */
export function readSwitch(env: Environment, name: string): { on: boolean; fault?: string } {
  const text = env[name]?.trim().toLowerCase() ?? '';
  if (['', '0', 'false', 'no'].includes(text)) return { on: false };
  if (['1', 'true', 'yes'].includes(text)) return { on: true };
  return { on: false, fault: `${name}: must be true or false, but is ${JSON.stringify(text)}` };
}
