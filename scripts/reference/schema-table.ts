/** Tables of fields, made from the JSON Schema that describes a request or an answer. */
import { table } from './table.ts';

/** The part of JSON Schema that the server's own schemas use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

/** One row a field, those within others as `outer.inner`. Undefined where there are none. */
export function fieldTable(schema: Schema, kind: 'params' | 'result'): string | undefined {
  const fields = [...fieldsOf(schema, '')];
  if (fields.length === 0) return undefined;
  const rows = fields.map(({ path, schema: field, isRequired }) => [
    `\`${path}\``,
    typeText(field),
    ...(kind === 'params' ? [isRequired ? 'yes' : ''] : []),
    meaning(field, kind === 'result' && !isRequired),
  ]);
  return table(
    kind === 'params' ? ['field', 'type', 'required', 'meaning'] : ['field', 'type', 'meaning'],
    rows,
  );
}

function* fieldsOf(schema: Schema, path: string): Generator<Field> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const own = path === '' ? name : `${path}.${name}`;
    const isRequired = schema.required?.includes(name) ?? false;
    yield { path: own, schema: field, isRequired };
    yield* innerFields(field, own);
  }
}

/** Of several shapes each field once: alternatives of an array's elements share most of theirs. */
function* innerFields(schema: Schema, path: string): Generator<Field> {
  if (schema.items !== undefined) return yield* innerFields(schema.items, `${path}[]`);
  const shapes = schema.anyOf ?? [schema];
  const seen = new Set<string>();
  for (const shape of shapes) {
    for (const field of fieldsOf(shape, path)) {
      if (seen.has(field.path)) continue;
      seen.add(field.path);
      yield { ...field, isRequired: field.isRequired && shapes.every((other) => has(other, field, path)) };
    }
  }
}

function has(shape: Schema, { path }: Field, outer: string): boolean {
  const name = path.slice(outer.length + 1).split(/[.[]/)[0] ?? '';
  return shape.required?.includes(name) ?? false;
}

function typeText(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeText))].join(' or ');
  if (schema.type === 'array') return `array of ${typeText(schema.items ?? {})}${counts(schema)}`;
  if (schema.type === 'object') return 'object';
  return `${[schema.type ?? 'any JSON'].flat().join(' or ')}${range(schema)}`;
}

function counts({ minItems, maxItems }: Schema): string {
  if (maxItems === undefined) return '';
  return `, ${number(minItems ?? 0)} to ${number(maxItems)} of them`;
}

function range({ minimum, maximum, type }: Schema): string {
  if (type !== 'integer' && type !== 'number') return '';
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (isBounded) return `, ${number(minimum ?? 0)} to ${number(maximum)}`;
  return minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : `, from ${number(minimum)}`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function meaning({ description = '', default: byDefault }: Schema, mayBeAbsent: boolean): string {
  const parts = [description];
  if (byDefault !== undefined) parts.push(`Default: \`${JSON.stringify(byDefault)}\`.`);
  if (mayBeAbsent && !/absent|there (?:when|while|where)/i.test(description)) parts.push('May be absent.');
  return parts.filter((part) => part !== '').join(' ');
}
