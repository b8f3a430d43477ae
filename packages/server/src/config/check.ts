/** Checks a config against the schema and goes on past what is wrong, so that one run finds everything. */
import type { z } from 'zod';
import { type CompleteConfig, configSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

export interface Checked {
  /** The config with every default, without the values that were wrong. */
  readonly config: CompleteConfig;
  readonly issues: readonly Issue[];
}

/** Checks `raw`, which stays as it is. */
export function checkLeniently(raw: Readonly<Record<string, unknown>>): Checked {
  const checked = configSchema.safeParse(raw, { reportInput: true });
  if (checked.success) return { config: checked.data, issues: [] };
  const { issues } = checked.error;
  return { config: repair(raw, issues), issues };
}

/** Takes away what is wrong; an object that lacks something goes as a whole. */
function repair(raw: unknown, issues: readonly Issue[]): CompleteConfig {
  let repaired = raw;
  for (const { path, names } of issues.map(wrongNames).toReversed())
    repaired = without(repaired, path, names);
  const again = configSchema.safeParse(repaired);
  return again.success ? again.data : configSchema.parse({});
}

/** Where something is wrong: an object, and which of its members. */
function wrongNames(issue: Issue): { path: readonly PropertyKey[]; names: readonly PropertyKey[] } {
  if (issue.code === 'unrecognized_keys') return { path: issue.path, names: issue.keys };
  const at = issue.input === undefined && issue.code !== 'invalid_key' ? issue.path.slice(0, -1) : issue.path;
  return { path: at.slice(0, -1), names: at.slice(-1) };
}

function without(
  value: unknown,
  [name, ...rest]: readonly PropertyKey[],
  names: readonly PropertyKey[],
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    if (name !== undefined)
      return value.map((item, index) => (index === name ? without(item, rest, names) : item));
    return value
      .map((item, index) => (names.includes(index) ? undefined : item))
      .filter((item) => item !== undefined);
  }
  const kept = Object.entries(value).filter(([own]) => name !== undefined || !names.includes(own));
  return Object.fromEntries(
    kept.map(([own, item]) => [own, own === name ? without(item, rest, names) : item]),
  );
}
