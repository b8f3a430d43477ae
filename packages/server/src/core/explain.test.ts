import { describe, expect, test } from 'vitest';
import { explain, type Question } from './explain.ts';
import type { Rule, Who } from './rules.ts';

const retention = { size: 50, ttlMs: 600_000 };

function rule(pattern: string, who: Who, more: Partial<Rule> = {}): Rule {
  return { pattern, subscribe: who, publish: 'nobody', readHistory: who, ...more };
}

/** What is said of each action, as `yes: why`. */
function verdicts(
  rules: readonly Rule[],
  question: Partial<Question> & { channel: string },
): Record<string, string> {
  const { verdicts: found } = explain(rules, { admitsAnonymous: true, ...question });
  const words = { true: 'yes', false: 'no', hook: 'hook' };
  return Object.fromEntries(
    found.map(({ action, allowed, why }) => [action, `${words[`${allowed}`]}: ${why}`]),
  );
}

function subscribe(who: Who, question: Partial<Question> = {}): string | undefined {
  return verdicts([rule('a:{uid}:*', who)], { channel: 'a:ann:x', ...question })['subscribe'];
}

describe('why a client may subscribe, or may not', () => {
  test.each<[Who, Partial<Question>, string]>([
    ['anyone', {}, 'yes: anyone may'],
    [
      'anyone',
      { admitsAnonymous: false },
      'no: a client without a token may do nothing, because auth.anonymous is off',
    ],
    ['anyone', { admitsAnonymous: false, tokenChannels: [] }, 'yes: anyone may'],
    ['user', {}, 'no: every user may, and this client has none'],
    ['user', { tokenChannels: ['x'] }, 'no: every user may, and this client has none'],
    ['user', { user: 'bob' }, "yes: every user may, and this one is 'bob'"],
    ['owner', { user: 'ann' }, "yes: only the user 'ann' may, whom {uid} names, and this one is 'ann'"],
    ['owner', { user: 'bob' }, "no: only the user 'ann' may, whom {uid} names, and this one is 'bob'"],
    [
      'token',
      { user: 'ann' },
      'no: only who shows a token that lists the channel may, and this one lists none',
    ],
    [
      'token',
      { tokenChannels: ['a:*', 'b'] },
      "yes: only who shows a token that lists the channel may, and this one lists 'a:*', 'b'",
    ],
    [
      'token',
      { tokenChannels: ['b'] },
      "no: only who shows a token that lists the channel may, and this one lists 'b' alone",
    ],
    ['hook', { user: 'ann' }, "hook: the hook 'subscribe' decides; without one nobody may"],
    ['nobody', { user: 'ann' }, 'no: no client may; the server API may'],
  ])('%s for %j', (who, question, sentence) => {
    expect(subscribe(who, question)).toBe(sentence);
  });
});

describe('what only subscribers may', () => {
  const publishing = (who: Who, question: Partial<Question> = {}): string | undefined =>
    verdicts([rule('a', who, { publish: 'subscriber' })], { channel: 'a', ...question })['publish'];

  test.each<[Who, string]>([
    ['anyone', 'yes: only who is subscribed may, and this client may subscribe'],
    [
      'user',
      'no: only who is subscribed may, and this client may not subscribe; the server side could subscribe it',
    ],
    ['hook', "hook: only who is subscribed may, and the hook 'subscribe' decides about that"],
  ])('depends on whether it may subscribe: %s', (who, sentence) => {
    expect(publishing(who)).toBe(sentence);
  });

  test('where the hook of subscribe decides, so it does about history and presence', () => {
    const rules = [rule('a', 'hook', { retention, presence: { announces: false } })];
    const sentence = "hook: only who is subscribed may, and the hook 'subscribe' decides about that";
    expect(verdicts(rules, { channel: 'a' })).toMatchObject({ history: sentence, presence: sentence });
  });
});

describe('which rule decides', () => {
  const rules = [rule('*', 'anyone'), rule('room:*', 'user', { retention }), rule('room:vip', 'nobody')];

  test('the most specific, and the others are named', () => {
    const { rule: decides, others } = explain(rules, { channel: 'room:vip', admitsAnonymous: true });
    expect([decides, others]).toEqual(['room:vip', ['room:*', '*']]);
  });

  test('its named parts are told', () => {
    const parts = (channel: string) =>
      explain([rule('dm:{uid}:{peer}', 'owner')], { channel, admitsAnonymous: true }).parts;
    expect(parts('dm:ann:bob:2')).toEqual({ uid: 'ann', peer: 'bob:2' });
  });

  test('none: closed, and nothing is kept', () => {
    const none = explain([rule('room:*', 'anyone')], { channel: 'other', admitsAnonymous: true });
    expect(none).toMatchObject({ channel: 'other', others: [], keeps: ['nothing'] });
    expect(none.rule).toBeUndefined();
    expect(none.verdicts.map(({ action, allowed }) => [action, allowed])).toEqual([
      ['subscribe', false],
      ['publish', false],
      ['history', false],
      ['presence', false],
    ]);
  });

  test('one whose names are secrets asks for no login', () => {
    const question = { channel: 'qr:1', admitsAnonymous: false };
    expect(verdicts([rule('qr:*', 'anyone', { isSecret: true })], question)['subscribe']).toBe(
      'yes: anyone may',
    );
  });
});

describe('what is kept', () => {
  const keeps = (more: Partial<Rule>) =>
    explain([rule('a', 'anyone', more)], { channel: 'a', admitsAnonymous: true }).keeps;

  test('is said, and what is not kept cannot be read', () => {
    expect(keeps({})).toEqual(['nothing']);
    expect(keeps({ retention, presence: { announces: true } })).toEqual([
      '50 publications, each for 600 s',
      'who is there, and tells subscribers who comes and goes',
    ]);
    expect(verdicts([rule('a', 'anyone')], { channel: 'a' })).toMatchObject({
      history: 'no: the channel keeps no history',
      presence: 'no: the rule has no presence',
    });
  });

  test('presence has a permission of its own', () => {
    const rules = [rule('a', 'anyone', { presence: { announces: false }, readPresence: 'nobody' })];
    expect(verdicts(rules, { channel: 'a' })['presence']).toBe('no: no client may; the server API may');
  });
});
