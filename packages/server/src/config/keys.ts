/** The keys of the schema as a list, and the schema at a path: what flags, environment names, faults and reference are made of. */
import { z } from 'zod';
import { type KeyInfo, keyInfo } from './fields.ts';
import { configSchema } from './schema.ts';

type Schema = z.core.$ZodType;

export interface ConfigKey {
  /** Names from the root; an entry of a map is called `<pattern>`, `<token>` and so on, one of a list `<n>`. */
  readonly path: readonly string[];
  /** `section` has keys of its own, `map` has entries by name, `list` has sections, `value` has none of these. */
  readonly kind: 'section' | 'map' | 'list' | 'value';
  /** Without its default. */
  readonly schema: Schema;
  readonly required: boolean;
  readonly default: unknown;
  readonly sentence: string;
  readonly info: KeyInfo;
  /** The environment name; absent inside maps and for what a text cannot say. */
  readonly env?: string;
}

/** All keys in the order in which the schema has them, each section before its keys. */
export function configKeys(): readonly ConfigKey[] {
  return [...keysOf(configSchema, [])];
}

function* keysOf(schema: Schema, parent: readonly string[]): Generator<ConfigKey> {
  if (!(schema instanceof z.ZodObject)) return;
  for (const [name, member] of Object.entries(schema.shape)) {
    const found = describeKey(member, [...parent, name]);
    yield found;
    if (found.kind === 'section') yield* keysOf(found.schema, found.path);
    if (found.schema instanceof z.ZodRecord) {
      yield* keysOf(found.schema.def.valueType, [...found.path, `<${found.info.entry ?? 'name'}>`]);
    }
    if (found.schema instanceof z.ZodArray) {
      yield* keysOf(elementSection(found.schema) ?? z.never(), [...found.path, '<n>']);
    }
  }
}

function describeKey(schema: Schema, path: readonly string[]): ConfigKey {
  const inner = unwrap(schema);
  const info = keyInfo.get(schema) ?? {};
  const kind = kindOf(inner);
  const inMap = path.some((name) => name.startsWith('<'));
  return {
    path,
    kind,
    schema: inner,
    required: inner === schema,
    default: schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined,
    sentence: schema instanceof z.ZodType ? (schema.description ?? '') : '',
    info,
    ...(kind === 'value' && !inMap ? { env: info.env ?? envName(path) } : {}),
  };
}

function kindOf(schema: Schema): ConfigKey['kind'] {
  if (schema instanceof z.ZodObject) return 'section';
  if (schema instanceof z.ZodRecord) return 'map';
  return schema instanceof z.ZodArray && schema.def.element instanceof z.ZodObject ? 'list' : 'value';
}

/** What the elements of a list are, where they may be sections. */
function elementSection({ def: { element } }: z.ZodArray): z.ZodObject | undefined {
  if (element instanceof z.ZodObject) return element;
  return element instanceof z.ZodUnion ? sectionOf(element) : undefined;
}

function envName(path: readonly string[]): string {
  const words = path.map((name) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase());
  return ['CARILLON', ...words].join('_');
}

/** The schema without its default. */
function unwrap(schema: Schema): Schema {
  const wrapped =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wrapped ? unwrap(schema.def.innerType) : schema;
}

/** The schemas that a path of a config leads through, outermost first, as far as the schema knows the path. */
function schemasAlong(path: readonly PropertyKey[]): Schema[] {
  const along: Schema[] = [configSchema];
  let here: Schema | undefined = configSchema;
  for (const name of path) {
    here = memberOf(unwrap(here), name);
    if (here === undefined) break;
    along.push(here);
  }
  return along;
}

function memberOf(schema: Schema, name: PropertyKey): Schema | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[String(name)];
  if (schema instanceof z.ZodRecord) return schema.def.valueType;
  if (schema instanceof z.ZodArray) return schema.def.element;
  if (schema instanceof z.ZodUnion) return memberOf(sectionOf(schema) ?? z.never(), name);
  return undefined;
}

/** Of several kinds of value, the one that is a section. */
function sectionOf({ def }: z.ZodUnion): z.ZodObject | undefined {
  return def.options.find((option) => option instanceof z.ZodObject);
}

/** The names of the keys that are known at a path; none where the value is no section. */
export function knownNames(path: readonly PropertyKey[]): readonly string[] {
  const along = schemasAlong(path);
  const last = along.at(-1);
  if (last === undefined || along.length !== path.length + 1) return [];
  const inner = unwrap(last);
  const known = inner instanceof z.ZodUnion ? sectionOf(inner) : inner;
  return known instanceof z.ZodObject ? Object.keys(known.shape) : [];
}

/** What of the value at a path must not be printed; what is said nearest to it holds. */
export function secrecyOf(path: readonly PropertyKey[]): 'value' | 'names' | undefined {
  const said = schemasAlong(path)
    .map((schema) => keyInfo.get(schema)?.secret)
    .findLast((secret) => secret !== undefined);
  return said === 'none' ? undefined : said;
}

/** What a flag or an environment variable says, as the value of a key; a text that does not fit stays one, for the schema to refuse. */
export function valueOfText(schema: Schema, text: string): unknown {
  if (schema instanceof z.ZodNumber) return /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text;
  if (schema instanceof z.ZodBoolean) return booleans.get(text.toLowerCase()) ?? text;
  if (schema instanceof z.ZodArray) {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
  if (schema instanceof z.ZodUnion && /^\d+$/.test(text)) return Number(text);
  return text;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
]);
