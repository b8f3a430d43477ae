import { expect, test } from 'vitest';
import { type RegisteredSession, Registry } from './registry.ts';
import type { Subscription } from './subscription.ts';

function session(id: string, user?: string): RegisteredSession & { user: string | undefined } {
  return { id, user, subscription: () => undefined, close() {} };
}

const ids = (sessions: Iterable<{ readonly id: string }>): string[] => [...sessions].map(({ id }) => id);

test('sessions are found by id and by user', () => {
  const registry = new Registry();
  for (const added of [session('1', 'ann'), session('2'), session('3', 'ann')]) registry.add(added);
  expect(registry.session('2')?.id).toBe('2');
  expect(ids(registry.user('ann'))).toEqual(['1', '3']);
  expect(ids(registry.user('bob'))).toEqual([]);
  expect(ids(registry.all())).toEqual(['1', '2', '3']);
  expect([registry.sessionCount, registry.userCount]).toEqual([3, 1]);
});

test('a session that gets its user later is found by it', () => {
  const registry = new Registry();
  const late = session('1');
  registry.add(late);
  registry.removeUser(late);
  late.user = 'ann';
  registry.addUser(late);
  expect(ids(registry.user('ann'))).toEqual(['1']);
});

test('nothing is left of sessions that are gone', () => {
  const registry = new Registry();
  const [one, two] = [session('1', 'ann'), session('2', 'ann')];
  registry.add(one);
  registry.add(two);
  registry.remove(one);
  expect(ids(registry.user('ann'))).toEqual(['2']);
  registry.remove(two);
  expect([registry.sessionCount, registry.userCount, ids(registry.user('ann'))]).toEqual([0, 0, []]);
});

test('the subscriptions that succeed a session are found by its id', () => {
  const registry = new Registry();
  const [one, two] = [{}, {}] as unknown as [Subscription, Subscription];
  registry.addSuccessor('former', one);
  registry.addSuccessor('former', two);
  expect([...registry.successors('former')]).toEqual([one, two]);
  registry.removeSuccessor('former', one);
  registry.removeSuccessor('former', two);
  registry.removeSuccessor('never', two);
  expect([...registry.successors('former')]).toEqual([]);
});
