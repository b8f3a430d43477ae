/** Turns what a schema finds wrong into sentences that name the field, the fault and the remedy. */
import { limits } from '@carillon/protocol';
import type { z } from 'zod';
import { type ReplyError, refuse } from '../../core/errors.ts';

/** One thing that is wrong, as a sentence, with the way to the field: `requests[3].params.channel`. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Either the checked value, or everything that is wrong with it. */
export type Checked<Value> =
  | { readonly value: Value; readonly faults?: never }
  | { readonly value?: never; readonly faults: readonly Fault[] };

/** Checks a value that JSON.parse made. */
export function check<Value>(schema: z.ZodType<Value>, input: unknown): Checked<Value> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return { value: parsed.data };
  return { faults: parsed.error.issues.flatMap((issue) => faultsOf(issue, input)) };
}

/** The refusal that tells all faults at once. */
export function refuseFaults(faults: readonly Fault[]): ReplyError {
  const shown = faults.slice(0, limits.namedFaults).map(sentence);
  if (faults.length > limits.namedFaults) shown.push(`and ${faults.length - limits.namedFaults} more`);
  return refuse('badRequest', shown.join('; '));
}

function faultsOf(issue: z.core.$ZodIssue, input: unknown): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    // The schema wrote one line per unknown field.
    return issue.message.split('\n').map((message, index) => ({
      path: [...issue.path, issue.keys[index] ?? ''],
      message,
    }));
  }
  const missing = issue.path.length > 0 && valueAt(input, issue.path) === undefined;
  return [{ path: issue.path, message: missing ? 'is required' : issue.message }];
}

function sentence({ path, message }: Fault): string {
  return path.length === 0 ? `the body ${message}` : `'${written(path)}' ${message}`;
}

function written(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += `${text === '' ? '' : '.'}${shorten(String(part))}`;
  }
  return text;
}

function shorten(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}...` : name;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
