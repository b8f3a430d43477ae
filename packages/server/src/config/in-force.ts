/** A config as a list of values, each with its path and where it comes from, secrets masked. */
import { createHash } from 'node:crypto';
import { formatPath } from './faults.ts';
import { isDataSchema } from './fields.ts';
import { secrecyOf } from './keys.ts';
import { type CompleteConfig, configSchema } from './schema.ts';

export interface ValueInForce {
  readonly path: string;
  /** A JSON value; a secret is masked. */
  readonly value: unknown;
  /** A flag, an environment name, a file, a reason such as `development mode`, or `default`. */
  readonly origin: string;
}

/** A value that tells whether it has changed, but not what it is. */
export interface Fingerprint {
  readonly path: readonly PropertyKey[];
  /** Each part of the way there as {@link inForce} writes it, the whole path last. */
  readonly texts: readonly string[];
  readonly digest: string;
}

/** Lists a config in the order of the schema. `given` says who set the value at a path, or undefined. */
export function inForce(
  config: CompleteConfig,
  given: (path: readonly PropertyKey[]) => string | undefined,
  reasons: ReadonlyMap<string, string>,
): ValueInForce[] {
  return leavesOf(config).map(({ path, value }) => {
    const shown = formatPath(path, config);
    const origin = reasonFor(shown, reasons) ?? given(path) ?? 'default';
    return { path: shown, value: secrecyOf(path) === 'value' ? masked(value) : value, origin };
  });
}

/** The same values by their paths as {@link inForce} writes them, so that two configs can be compared, secrets too. */
export function fingerprints(config: CompleteConfig): ReadonlyMap<string, Fingerprint> {
  return new Map(
    leavesOf(config).map(({ path, value }) => {
      // Names may be secrets that the text does not show, and may change as well.
      const digest = createHash('sha256').update(JSON.stringify([path, value]));
      const texts = path.map((_, index) => formatPath(path.slice(0, index + 1), config));
      return [formatPath(path, config), { path, texts, digest: digest.digest('base64') }];
    }),
  );
}

interface Leaf {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
}

/** What has no members of its own. */
function leavesOf(config: CompleteConfig): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (value === undefined) return;
    const shown = shownAs(value);
    const isMap = typeof shown === 'object' && shown !== null && !Array.isArray(shown);
    const isList = Array.isArray(value) && value.some((item) => typeof item === 'object');
    if (isMap && Object.keys(shown).length > 0) {
      for (const [name, member] of Object.entries(shown)) visit(member, [...path, name]);
    } else if (isList) {
      for (const [index, item] of value.entries()) visit(item, [...path, index]);
    } else leaves.push({ path, value: shown });
  };
  for (const name of Object.keys(configSchema.shape)) visit(config[name as keyof CompleteConfig], [name]);
  return leaves;
}

function reasonFor(path: string, reasons: ReadonlyMap<string, string>): string | undefined {
  for (const [prefix, reason] of reasons) {
    if (path === prefix || (path.startsWith(prefix) && /^[.[]/.test(path.slice(prefix.length))))
      return reason;
  }
  return undefined;
}

/** What no JSON can say, in words. */
function shownAs(value: unknown): unknown {
  if (isDataSchema(value)) return `a schema of ${value['~standard'].vendor}`;
  return typeof value === 'function' ? 'a function' : value;
}

/** How many there are may be known; what they are may not. */
function masked(value: unknown): unknown {
  return Array.isArray(value) ? value.map(() => '***') : '***';
}
