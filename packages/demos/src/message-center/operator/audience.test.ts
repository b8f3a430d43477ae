import { expect, test } from 'vitest';
import { type Audience, type CallApi, type Delivery, push } from './audience.ts';

const notice = { kind: 'sale', title: 'Sale' } as const;

/** Pushes against a server that answers with `answers` by method. */
async function pushed(audience: Audience, delivery: Delivery, answers: Record<string, object>) {
  const call: CallApi = async (method) => answers[method];
  const { calls, reached } = await push(audience, delivery, notice, call);
  return { methods: calls.map(({ method }) => method), last: calls.at(-1)?.params, reached };
}

const ok = { results: [{ result: {} }] };

test('one customer is one request', async () => {
  const { methods, last, reached } = await pushed({ to: 'customer', user: 'ada' }, 'inbox', {
    inbox_push: {},
  });
  expect([methods, last, reached]).toEqual([['inbox_push'], { user: 'ada', data: notice }, 1]);
});

test('a group is its users, and everybody all customers of the shop', async () => {
  const members = [{ user: 'ada' }, { session: 's' }, { user: 'max' }];
  const ofGroup = await pushed({ to: 'group', group: 'regulars' }, 'inbox', {
    group: { members },
    batch: ok,
  });
  expect([ofGroup.methods, ofGroup.reached]).toEqual([['group', 'batch'], 2]);
  const all = await pushed({ to: 'everybody' }, 'inbox', { batch: ok });
  expect([all.methods, all.reached]).toEqual([['batch'], 3]);
});

test('a tag expression is each user of the sessions that fit, once', async () => {
  const sessions = [{ user: 'lin' }, { user: 'lin' }, {}, { user: 'ada' }];
  const found = await pushed({ to: 'tags', where: 'vip' }, 'inbox', { sessions: { sessions }, batch: ok });
  expect([found.methods, found.reached]).toEqual([['sessions', 'batch'], 2]);
  const nobody = await pushed({ to: 'tags', where: 'vip' }, 'inbox', { sessions: { sessions: [] } });
  expect([nobody.methods, nobody.reached]).toEqual([['sessions'], 0]);
});

test('to those who are online it is one send, whoever is meant', async () => {
  const targets: [Audience, object][] = [
    [{ to: 'customer', user: 'ada' }, { user: 'ada' }],
    [{ to: 'group', group: 'regulars' }, { group: 'regulars' }],
    [{ to: 'tags', where: 'vip' }, { where: 'vip' }],
    [{ to: 'everybody' }, { all: true }],
  ];
  for (const [audience, to] of targets) {
    const { methods, last, reached } = await pushed(audience, 'now', { send: { sessions: 4 } });
    expect([methods, last, reached]).toEqual([['send'], { to, event: 'notice', data: notice }, 4]);
  }
});

test('what one inbox refuses is told', async () => {
  const batch = { results: [{ result: {} }, { error: { code: 106, message: 'limit exceeded' } }] };
  await expect(pushed({ to: 'everybody' }, 'inbox', { batch })).rejects.toThrow('limit exceeded');
});
