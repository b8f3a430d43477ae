import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import type { Addressee } from './addressee.ts';
import { Contexts } from './contexts.ts';

const session = {} as Addressee;

test('ADR9 what is set is kept as it was written', () => {
  const contexts = new Contexts();
  expect(contexts.get(session)).toBe('{}');
  contexts.set(session, '{"b":9007199254740993,"a":1.0,"1":"é"}');
  expect(contexts.get(session)).toBe('{"b":9007199254740993,"a":1.0,"1":"é"}');
  contexts.set(session, '{"c":1}');
  expect(contexts.get(session)).toBe('{"c":1}');
  contexts.gone(session);
  expect(contexts.get(session)).toBe('{}');
});

test('ADR9 an update changes the members it names, and null takes one away', () => {
  const contexts = new Contexts();
  contexts.set(session, '{"a":9007199254740993,"b":{"x":1},"c":null}');
  contexts.update(session, '{"b":{"y":2},"d":[1],"c":null,"__proto__":7}');
  expect(contexts.get(session)).toBe('{"a":9007199254740993,"b":{"y":2},"d":[1],"__proto__":7}');
});

test('ADR9 what is too large is refused and changes nothing', () => {
  const contexts = new Contexts();
  contexts.set(session, `{"a":"${'x'.repeat(limits.contextBytes - 8)}"}`);
  const before = contexts.get(session);
  expect(() => contexts.update(session, '{"b":1}')).toThrow(
    `must not be longer than ${limits.contextBytes} bytes`,
  );
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`m${at}`, 1])));
  expect(() => contexts.set(session, many)).toThrow('must not have more than 256 members');
  expect(contexts.get(session)).toBe(before);
});
