import { describe, expect, it } from 'vitest';
import { matcherOf } from '../../core/loss.ts';
import { Mapping, toGlob } from './mapping.ts';

function mapping(rules: Readonly<Record<string, string>>): Mapping {
  return new Mapping(Object.entries(rules).map(([source, target]) => ({ source, target })));
}

describe('what is asked of Redis', () => {
  it('is SUBSCRIBE for a name and PSUBSCRIBE for a pattern', () => {
    expect(mapping({ news: 'site:news', 'chat:*': 'chat:*', '{a}:{b}': '{b}' }).wanted).toEqual([
      { source: 'news', glob: undefined },
      { source: 'chat:*', glob: 'chat:*' },
      { source: '{a}:{b}', glob: '*:*' },
    ]);
  });

  it.each([
    ['a?b:*', 'a\\?b:*'],
    ['a[bc]:{x}', 'a\\[bc\\]:*'],
    ['a\\b:*', 'a\\\\b:*'],
    ['{not a name}:*', '{not a name}:*'],
  ])('escapes what Redis finds special in %s', (source, glob) => {
    expect(toGlob(source)).toBe(glob);
  });
});

describe('a Redis channel', () => {
  it.each([
    ['chat:zhang', { 'chat:*': 'chat:*' }, 'chat:zhang'],
    ['news', { news: 'site:news' }, 'site:news'],
    ['user:7:events', { 'user:{id}:events': 'user:{id}' }, 'user:7'],
    ['a:b', { '{x}:{y}': '{y}:{x}:{y}' }, 'b:a:b'],
    ['a:b:c', { '*:{x}:*': '*-*-{x}' }, 'a-c-b'],
    ['chat:1', { 'chat:*': 'all' }, 'all'],
    ['chat:a\nb', { 'chat:*': 'chat:*' }, 'chat:a\nb'],
    ['a.b:$&', { 'a.b:*': 'x:*' }, 'x:$&'],
  ])('%s feeds by %j the channel %s', (name, rules, channel) => {
    expect(mapping(rules).decide(name)?.target).toBe(channel);
  });

  it('is decided by the most specific source, whatever the order', () => {
    const rules = { '*': 'rest:*', 'chat:*': 'chat:*', 'chat:{room}:*': 'room:{room}', 'chat:vip': 'vip' };
    for (const order of [Object.entries(rules), Object.entries(rules).reverse()]) {
      const sorted = mapping(Object.fromEntries(order));
      const decided = ['chat:vip', 'chat:1:x', 'chat:1', 'other'].map((name) => sorted.decide(name));
      expect(decided).toEqual([
        { source: 'chat:vip', target: 'vip' },
        { source: 'chat:{room}:*', target: 'room:1' },
        { source: 'chat:*', target: 'chat:1' },
        { source: '*', target: 'rest:other' },
      ]);
    }
  });

  it('is decided by nothing where a part would be empty', () => {
    expect(mapping({ 'chat:*': 'chat:*' }).decide('chat:')).toBeUndefined();
  });
});

it('knows the channels that may be fed', () => {
  const fed = mapping({ 'chat:*': 'chat:*', news: 'site:news', 'u:{id}': 'user:{id}' });
  const channels = ['chat:1', 'site:news', 'user:7', 'news', 'u:7', 'other'];
  expect(channels.filter(matcherOf({ patterns: fed.targets }))).toEqual(['chat:1', 'site:news', 'user:7']);
});
