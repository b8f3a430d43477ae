import { describe, expect, test } from 'vitest';
import { bySpecificity, compilePattern } from './pattern.ts';

describe('what a pattern matches', () => {
  test.each([
    ['chat', 'chat', true],
    ['chat', 'chat:1', false],
    ['chat:*', 'chat:1', true],
    ['chat:*', 'chat:1:2', true],
    ['chat:*', 'chat:', false],
    ['*', 'anything at:all', true],
    ['*', '', false],
    ['*:news', 'eu:news', true],
    ['a*c', 'abc', true],
    ['a*c', 'ac', false],
    ['user:{uid}', 'user:7', true],
    ['{a}:{b}', 'x:y', true],
    ['a.b', 'axb', false],
    ['a.b', 'a.b', true],
    ['(a|b)[c]+?^$', '(a|b)[c]+?^$', true],
    ['a\\d', 'a5', false],
    ['{not a name}', '{not a name}', true],
    ['a/b', 'a/b', true],
    ['房间:*', '房间:一', true],
    ['🎈*', '🎈🎈', true],
    ['line:*', 'line:\u2028x', true],
  ])('%s and %s: %s', (pattern, channel, expected) => {
    expect(compilePattern(pattern).matches(channel)).toBe(expected);
    expect(compilePattern(pattern).match(channel) !== undefined).toBe(expected);
  });
});

describe('many open parts', () => {
  test.each([
    ['*a*a*b', 'xaxaxb', true],
    ['*a*a*b', 'aaaab', false],
    ['*a*a*b', 'aaaaab', true],
    ['**', 'x', false],
    ['**', 'xy', true],
    ['a*a', 'aa', false],
    ['ab*ba', 'aba', false],
    ['{x}-{y}-', 'a-b-', true],
    ['{x}-{y}-', 'a--', false],
  ])('%s and %s: %s', (pattern, channel, expected) => {
    expect(compilePattern(pattern).matches(channel)).toBe(expected);
    expect(compilePattern(pattern).match(channel) !== undefined).toBe(expected);
  });

  test('cost no more than a walk through the name', () => {
    const { matches, match } = compilePattern(`${'*a'.repeat(60)}b`);
    expect([matches('a'.repeat(255)), match('a'.repeat(255))]).toEqual([false, undefined]);
  });
});

test('named parts are given by name', () => {
  expect(compilePattern('room:{room}:user:{uid}').match('room:blue:user:a:b')).toEqual({
    room: 'blue',
    uid: 'a:b',
  });
  expect(compilePattern('room:*').match('room:blue')).toEqual({});
});

test('exact names come first, then more literal text, then fewer open parts, then named before unnamed', () => {
  const patterns = ['*', 'room:*', '{x}', 'room:{id}', 'room:*:*', 'room:vip:*', 'room:vip'];
  const expected = ['room:vip', 'room:vip:*', 'room:*:*', 'room:{id}', 'room:*', '{x}', '*'];
  expect(patterns.toSorted(bySpecificity)).toEqual(expected);
  expect(patterns.toReversed().toSorted(bySpecificity)).toEqual(expected);
});

test('the order of equals does not depend on how they were written down', () => {
  expect(['b:*', 'a:*'].toSorted(bySpecificity)).toEqual(['a:*', 'b:*']);
});
