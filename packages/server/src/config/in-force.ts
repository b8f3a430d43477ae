/** A config as a list of values, each with its path and where it comes from, secrets masked. */
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

/** Lists a config in the order of the schema. `given` says who set the value at a path, or undefined. */
export function inForce(
  config: CompleteConfig,
  given: (path: readonly PropertyKey[]) => string | undefined,
  reasons: ReadonlyMap<string, string>,
): ValueInForce[] {
  const values: ValueInForce[] = [];
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (value === undefined) return;
    const shownValue = shownAs(value);
    const isMap = typeof shownValue === 'object' && shownValue !== null && !Array.isArray(shownValue);
    if (isMap && Object.keys(shownValue).length > 0) {
      for (const [name, member] of Object.entries(shownValue)) visit(member, [...path, name]);
      return;
    }
    const isList = Array.isArray(value) && value.some((item) => typeof item === 'object');
    if (isList && secrecyOf(path) !== 'value') {
      for (const [index, item] of value.entries()) visit(item, [...path, index]);
      return;
    }
    const shown = formatPath(path, config);
    const origin = reasonFor(shown, reasons) ?? given(path) ?? 'default';
    values.push({ path: shown, value: secrecyOf(path) === 'value' ? masked(value) : shownValue, origin });
  };
  for (const name of Object.keys(configSchema.shape)) visit(config[name as keyof CompleteConfig], [name]);
  return values;
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
