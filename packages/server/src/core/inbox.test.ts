import { expect, test } from 'vitest';
import { findInbox, namedInbox, unreadAfter } from './inbox.ts';
import { type Rule, Rules } from './rules.ts';

const retention = { size: 9, ttlMs: 1_000 };
const rule = (pattern: string, rest: Partial<Rule> = { inbox: {} }): Rule => ({
  ...{ pattern, subscribe: 'owner', publish: 'nobody', readHistory: 'owner', retention },
  ...rest,
});

test('INB1 the owner is the user whom the pattern names', () => {
  const rules = new Rules([rule('user:{uid}', { inbox: { overdueMs: 5 } }), rule('user:staff', {})]);
  expect(findInbox(rules, 'user:ann')).toEqual({ channel: 'user:ann', user: 'ann', retention, overdueMs: 5 });
  expect(findInbox(rules, 'user:staff')).toBeUndefined();
  expect(findInbox(rules, 'elsewhere')).toBeUndefined();
});

test.each([
  [[rule('u:{uid}')], { user: 'ann' }, 'u:ann'],
  [[rule('{uid}:mail')], { user: 'a:b' }, 'a:b:mail'],
  [[rule('u:{uid}')], { user: '$& $1' }, "'u:$& $1' must not contain spaces"],
  [[rule('u:{uid}')], { channel: 'u:ann' }, 'u:ann'],
  [[rule('u:{uid}'), rule('v:{uid}')], { channel: 'v:ann' }, 'v:ann'],
  [[rule('u:{uid}'), rule('v:{uid}')], { user: 'ann' }, "several rules are inboxes ('u:{uid}', 'v:{uid}')"],
  [[rule('u:{uid}:*')], { user: 'ann' }, "'user' does not say all that 'u:{uid}:*' leaves open"],
  [[rule('{app}:{uid}')], { user: 'ann' }, "name the 'channel'"],
  [[rule('u:{uid}', {})], { user: 'ann' }, 'no channel is an inbox'],
  [[rule('u:{uid}'), rule('u:ann', {})], { user: 'ann' }, 'the channel is no inbox'],
  [[rule('u:{uid}')], { channel: '' }, "'channel' must not be empty"],
  [[rule('u:{uid}')], { user: 'x'.repeat(255) }, '255 bytes'],
] as const)('INB7 %j: %j is %s', (rules, name, outcome) => {
  const found = (): string => {
    try {
      return namedInbox(new Rules(rules), name).channel;
    } catch (error) {
      return String(error);
    }
  };
  expect(found()).toContain(outcome);
});

test('INB3 unread is what is kept behind the cursor', () => {
  const page = { epoch: 'e', top: 9, oldest: 4 };
  expect(unreadAfter(undefined, page)).toBe(6);
  expect(unreadAfter({ epoch: 'd', offset: 8 }, page)).toBe(6);
  expect(unreadAfter({ epoch: 'e', offset: 2 }, page)).toBe(6);
  expect(unreadAfter({ epoch: 'e', offset: 7 }, page)).toBe(2);
  expect(unreadAfter({ epoch: 'e', offset: 9 }, page)).toBe(0);
  expect(unreadAfter(undefined, { epoch: 'e', top: 9, oldest: 10 })).toBe(0);
});
