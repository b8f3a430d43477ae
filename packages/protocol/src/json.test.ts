/** JSON text by slices, measured against JSON.parse: by hand for the known traps, and over random documents. */
import { describe, expect, it } from 'vitest';
import { pick, type Random, random } from '../../../test/support/random.ts';
import { compact, compactSlice, elementSlices, isNestedDeeper, memberSlice } from './json.ts';

const space = [' ', '\t', '\n', '\r', '  ', '\r\n\t '] as const;
const keys = [
  'a',
  'b',
  'data',
  'channel',
  'with space',
  'quo"te',
  'back\\slash',
  'ключ',
  '__proto__',
  '',
  '{',
  ',',
  '\u2028',
];
const numbers = ['0', '-0', '1.5e+300', '9007199254740993', '-12345678901234567890', '0.1000', '1E5', '1e-7'];
const strings = [
  '',
  'plain',
  '\\',
  '\\\\',
  '"',
  '\\"',
  '{"a":1}',
  '[,]',
  ' , : ',
  '\u0000\u001f',
  '😀',
  '\ud800',
  ': "x"',
];

describe('memberSlice', () => {
  it('finds a member between others', () => {
    expect(member('{"a":1,"data":{"b":[2]},"c":3}', 'data')).toBe('{"b":[2]}');
  });

  it('takes the last of several members with one name, as JSON.parse does', () => {
    expect(member('{"data":1,"data":2}', 'data')).toBe('2');
    expect(member('{"data":1,"\\u0064ata":2}', 'data')).toBe('2');
    expect(member('{"\\u0064ata":1,"data":2}', 'data')).toBe('2');
  });

  it('finds a name that was written with escapes', () => {
    expect(member('{"d\\u0061ta": true}', 'data')).toBe('true');
    expect(member('{"quo\\"te":1}', 'quo"te')).toBe('1');
    expect(member('{"back\\\\":1,"data":2}', 'data')).toBe('2');
  });

  it('is not misled by names inside nested values or strings', () => {
    expect(member('{"x":{"data":1},"y":"\\"data\\":2"}', 'data')).toBeUndefined();
    expect(member('{"x":[{"data":1}]}', 'data')).toBeUndefined();
  });

  it('reads an object that begins inside a document', () => {
    const json = '[{"a":1}, {"a":2}]';
    const second = elementSlices(json)[1];
    expect(second).toBeDefined();
    const found = memberSlice(json, 'a', second?.start);
    expect(found && json.slice(found.start, found.end)).toBe('2');
  });

  it('has nothing to find in what is no object', () => {
    for (const json of ['[]', '"data"', '1', 'true', 'null', '{}', ' { } '])
      expect(memberSlice(json, 'data')).toBeUndefined();
  });
});

describe('elementSlices', () => {
  it('separates elements whatever stands in them', () => {
    expect(elements(' [ 1 , "a,]" , [2,3] , {"x":"}"} , null ] ')).toEqual([
      '1',
      '"a,]"',
      '[2,3]',
      '{"x":"}"}',
      'null',
    ]);
  });

  it('finds none in an empty array and in what is no array', () => {
    for (const json of ['[]', ' [ ] ', '{}', '"[1]"', '7']) expect(elementSlices(json)).toEqual([]);
  });
});

describe('compact', () => {
  it('removes white space outside strings only', () => {
    expect(compact(' { "a b" : [ 1 , " \\" x " ] }\r\n')).toBe('{"a b":[1," \\" x "]}');
  });

  it('keeps numbers, key order, duplicates and escapes as they were written', () => {
    expect(compact('{"b": 9007199254740993, "a": 1.0, "b": "\\u0041"}')).toBe(
      '{"b":9007199254740993,"a":1.0,"b":"\\u0041"}',
    );
  });

  it('returns text without white space unchanged', () => {
    const json = '{"a":[1,"x y"]}';
    expect(compact(json)).toBe(json);
  });
});

describe('slices of random documents', () => {
  it('say what JSON.parse says, for 3,000 seeded documents', () => {
    for (let seed = 1; seed <= 3_000; seed++) judge(seed, document(random(seed), 4));
  });

  it('hold in documents that are nested thousands of levels deep', () => {
    const depth = 5_000;
    const deep = `${'[ {"a" :'.repeat(depth)} 1 ${'} ]'.repeat(depth)}`;
    const [only, ...others] = elementSlices(deep);
    expect(others).toEqual([]);
    expect(only).toEqual({ start: 2, end: deep.length - 2 });
    expect(compact(deep)).toBe(`${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`);
  });
});

/** Holds every function against JSON.parse on one document; the seed is in the message of a failure. */
function judge(seed: number, json: string): void {
  const at = `seed ${seed}: ${json}`;
  const value: unknown = JSON.parse(json);
  const short = compact(json);
  expect(JSON.parse(short), at).toEqual(value);
  expect(compact(short), at).toBe(short);
  expect(short.length, at).toBe(withoutOuterSpace(json).length);
  for (const name of keys) expect(parsed(json, name), at).toEqual(expected(value, name));
  const items = elements(json).map((text): unknown => JSON.parse(text));
  expect(items, at).toEqual(Array.isArray(value) ? value : []);
}

function parsed(json: string, name: string): unknown {
  const slice = memberSlice(json, name);
  return slice === undefined ? undefined : JSON.parse(compactSlice(json, slice));
}

function expected(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** Another way to find white space outside strings than the one under test: a token at a time. */
function withoutOuterSpace(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|[ \t\r\n]+/gs, (token) => (token.startsWith('"') ? token : ''));
}

function member(json: string, name: string): string | undefined {
  const slice = memberSlice(json, name);
  return slice && json.slice(slice.start, slice.end);
}

function elements(json: string): string[] {
  return elementSlices(json).map(({ start, end }) => json.slice(start, end));
}

function document(draw: Random, depth: number): string {
  return around(draw, value(draw, depth));
}

function value(draw: Random, depth: number): string {
  const kind = draw(depth > 0 ? 6 : 3);
  if (kind === 0) return pick(draw, numbers);
  if (kind === 1) return text(draw, pick(draw, strings));
  if (kind === 2) return pick(draw, ['true', 'false', 'null'] as const);
  if (kind === 3) return `[${list(draw, () => document(draw, depth - 1))}]`;
  return `{${list(draw, () => `${around(draw, text(draw, pick(draw, keys)))}:${document(draw, depth - 1)}`)}}`;
}

function list(draw: Random, item: () => string): string {
  const items = Array.from({ length: draw(5) }, item);
  return items.length === 0 ? around(draw, '') : items.join(',');
}

function around(draw: Random, inside: string): string {
  return (draw(3) === 0 ? pick(draw, space) : '') + inside + (draw(3) === 0 ? pick(draw, space) : '');
}

/** A JSON string; some of its characters are written as escapes that need not be. */
function text(draw: Random, content: string): string {
  let out = '';
  for (const unit of content.split('')) {
    const escaped = `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    out += draw(4) === 0 ? escaped : JSON.stringify(unit).slice(1, -1);
  }
  return `"${out}"`;
}

describe('isNestedDeeper', () => {
  it('counts arrays and objects within each other, not those side by side or in strings', () => {
    for (const json of ['[[{}],[[]]]', '[{"a":[1]}]', '["[[[[", "\\"[[[["]  ']) {
      expect([json, isNestedDeeper(json, 3), isNestedDeeper('[[[[]]]]', 3)]).toEqual([json, false, true]);
    }
  });
});
