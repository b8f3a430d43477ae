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

test('ACC15: an open part ends where what follows it stands first, and the last one takes the rest', () => {
  expect(compilePattern('chat:{uid}:*').match('chat:7:a:b')).toEqual({ uid: '7' });
  expect(compilePattern('chat:{room}:{uid}').match('chat:a:b:7')).toEqual({ room: 'a', uid: 'b:7' });
  expect(compilePattern('{a}-{b}-{c}').match('1-2-3-4')).toEqual({ a: '1', b: '2', c: '3-4' });
  expect(compilePattern('*:{uid}:end').match('x:7:end:end')).toEqual({ uid: '7:end' });
  // One character at least, so a separator may be part of a name.
  expect(compilePattern('u:{uid}:x').match('u:::x')).toEqual({ uid: ':' });
  expect(compilePattern('{__proto__}:{uid}').match('p:7')?.['uid']).toBe('7');
});

test('ACC15: a name that many parts could share costs no more than a walk through it', () => {
  const pattern = compilePattern(`${Array.from({ length: 20 }, (_, at) => `{p${at}}`).join(':')}:end`);
  expect(pattern.match(':'.repeat(255))).toBeUndefined();
  expect(pattern.match(`${':'.repeat(250)}:end`)?.['p0']).toBe(':');
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
