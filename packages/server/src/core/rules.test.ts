import { describe, expect, test } from 'vitest';
import type { Identity } from './access.ts';
import { ReplyError } from './errors.ts';
import { type Action, type Asker, type Rule, Rules, type Who } from './rules.ts';

function rule(pattern: string, who: Who, more: Partial<Rule> = {}): Rule {
  return { pattern, subscribe: who, publish: who, readHistory: who, ...more };
}

function asker(identity: Identity = {}, subscribed: readonly string[] = []): Asker {
  return { identity, subscribed: (channel) => subscribed.includes(channel) };
}

/** The code of the refusal; undefined when it is allowed. */
function refusal(
  rules: Rules,
  who: Asker,
  channel: string,
  action: Action = 'subscribe',
): number | undefined {
  try {
    rules.check(action, channel, who);
    return undefined;
  } catch (error) {
    if (error instanceof ReplyError) return error.code;
    throw error;
  }
}

const ann = { user: 'ann' };

describe('whom a rule admits', () => {
  test.each<[Who, string, Asker, number | undefined]>([
    ['anyone', 'a:1', asker(), undefined],
    ['user', 'a:1', asker(), 1],
    ['user', 'a:1', asker(ann), undefined],
    ['owner', 'a:ann', asker(ann), undefined],
    ['owner', 'a:bob', asker(ann), 103],
    ['owner', 'a:ann', asker(), 1],
    ['subscriber', 'a:1', asker({}, ['a:1']), undefined],
    ['subscriber', 'a:1', asker(ann, ['a:2']), 103],
    ['subscriber', 'a:1', asker({}, ['a:2']), 1],
    ['token', 'a:1', asker({ ...ann, channels: ['a:1'] }), undefined],
    ['token', 'a:1', asker({ ...ann, channels: ['x', 'a:*'] }), undefined],
    ['token', 'a:1', asker({ ...ann, channels: ['a:2'] }), 103],
    ['token', 'a:1', asker(ann), 103],
    ['nobody', 'a:1', asker(ann, ['a:1']), 103],
    ['nobody', 'a:1', asker(), 1],
  ])('%s in %s', (who, channel, someone, expected) => {
    expect(refusal(new Rules([rule('a:{uid}', who)]), someone, channel)).toBe(expected);
  });
});

describe('ACC15: owner where the pattern has more parts than {uid}', () => {
  test.each<[string, string, string, number | undefined]>([
    ['chat:{uid}:{room}', 'chat:ann:lobby', 'ann', undefined],
    ['chat:{uid}:{room}', 'chat:ann:lobby', 'lobby', 103],
    ['chat:{room}:{uid}', 'chat:lobby:ann', 'ann', undefined],
    ['chat:{uid}:*', 'chat:ann:a:b:c', 'ann', undefined],
    ['chat:{uid}:{room}:{part}', 'chat:ann:a:b:c', 'ann', undefined],
    // Whoever calls himself after somebody else's channel does not get in.
    ['chat:{uid}:*', 'chat:ann:a:b', 'ann:a', 103],
    ['{tenant}/{kind}/{uid}', 'acme/inbox/ann', 'ann', undefined],
    ['{tenant}/{kind}/{uid}', 'acme/inbox/ann', 'inbox', 103],
    ['{uid}.{uidx}', 'ann.bob', 'bob', 103],
  ])('%s and %s for %s', (pattern, channel, user, expected) => {
    expect(refusal(new Rules([rule(pattern, 'owner')]), asker({ user }), channel)).toBe(expected);
  });
});

test('each action has its own permission', () => {
  const rules = new Rules([
    { pattern: 'a', subscribe: 'anyone', publish: 'nobody', readHistory: 'subscriber' },
  ]);
  expect(refusal(rules, asker(ann), 'a', 'subscribe')).toBeUndefined();
  expect(refusal(rules, asker(ann), 'a', 'publish')).toBe(103);
  expect(refusal(rules, asker(ann), 'a', 'readHistory')).toBe(103);
  expect(refusal(rules, asker(ann, ['a']), 'a', 'readHistory')).toBeUndefined();
});

test('a channel that no rule matches is unknown', () => {
  const rules = new Rules([rule('a:*', 'anyone')]);
  expect(refusal(rules, asker(ann), 'b')).toBe(102);
  expect(rules.find('b')).toBeUndefined();
  expect(rules.retention('b')).toBeUndefined();
});

test('the most specific rule decides alone, wherever it stands', () => {
  const retention = { size: 1, ttlMs: 1 };
  const rules = new Rules([
    rule('*', 'anyone', { retention }),
    rule('vip:*', 'nobody'),
    rule('vip:open', 'anyone'),
  ]);
  expect(refusal(rules, asker(ann), 'vip:1')).toBe(103);
  expect(refusal(rules, asker(ann), 'vip:open')).toBeUndefined();
  expect(rules.retention('vip:1')).toBeUndefined();
  expect(rules.retention('other')).toEqual(retention);
});
