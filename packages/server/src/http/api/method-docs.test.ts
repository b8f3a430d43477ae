import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Log } from '../../core/log.ts';
import { batchMethod } from './batch.ts';
import { meshMethods } from './mesh.ts';
import { apiMethods } from './methods.ts';
import { check } from './validate.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const own = apiMethods(log);
const methods = [
  ...own,
  batchMethod(new Map(own.map((method) => [method.name, method])), log),
  ...meshMethods,
];

describe.each(methods)('$name', ({ params, result, summary, docs }) => {
  test('its example fits its own schemas', () => {
    expect(check(params, docs.example.params).faults).toBeUndefined();
    expect(check(result, docs.example.result).faults).toBeUndefined();
  });

  test('its texts are sentences', () => {
    for (const text of [summary, docs.description, ...docs.errors.map(({ when }) => when)])
      expect(text).toMatch(/^[A-Z`].*[.]$/s);
  });

  test('every field of it says what it means', () => {
    expect([...silent('params', params), ...silent('result', result)]).toEqual([]);
  });
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Fields without a description, by their paths. */
function silent(name: string, schema: z.ZodType): string[] {
  return [...within(z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Schema, name)];
}

function* within(schema: Schema, path: string): Generator<string> {
  if (schema.items !== undefined) yield* within(schema.items, `${path}[]`);
  for (const shape of schema.anyOf ?? []) yield* within(shape, path);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (field.description === undefined) yield `${path}.${name}`;
    yield* within(field, `${path}.${name}`);
  }
}
