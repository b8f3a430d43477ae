import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { asJson, parseBody } from './json-text.ts';

test('text that is JSON is that JSON as it was written, without the white space outside strings', () => {
  expect(asJson('{"b": 1,\n "a": 12345678901234567890.0, "s": " x "}')).toBe(
    '{"b":1,"a":12345678901234567890.0,"s":" x "}',
  );
  expect(asJson(' 1e3 ')).toBe('1e3');
  expect(asJson('"text"')).toBe('"text"');
});

test('other text is a string', () => {
  expect(asJson('hello')).toBe('"hello"');
  expect(asJson('')).toBe('""');
  expect(asJson('{"a":1} trailing')).toBe('"{\\"a\\":1} trailing"');
});

test('a body is JSON, and an empty one is an object without members', () => {
  expect(parseBody('{"a":[1]}')).toEqual({ a: [1] });
  expect(parseBody('')).toEqual({});
  for (const text of ['{', '{"a":1} {}', "{'a':1}", 'undefined', '\ufeff{}']) {
    expect(() => parseBody(text)).toThrow('the body is not JSON');
  }
});

test('nesting is bounded, and brackets in strings are no nesting', () => {
  const nested = (depth: number) =>
    `${'['.repeat(depth)}${' '.repeat(2 * limits.nesting)}${']'.repeat(depth)}`;
  expect(asJson(nested(limits.nesting))).toBe('['.repeat(limits.nesting) + ']'.repeat(limits.nesting));
  expect(() => asJson(nested(limits.nesting + 1))).toThrow('nested deeper than 512');
  expect(() => parseBody(`{"a":${nested(limits.nesting)}}`)).toThrow('nested deeper than 512');
  expect(parseBody(`{"a":"${'['.repeat(5_000)}\\"${'{'.repeat(5_000)}"}`)).toHaveProperty('a');
  expect(parseBody(`[${'[],'.repeat(5_000)}{}]`)).toHaveLength(5_001);
});
