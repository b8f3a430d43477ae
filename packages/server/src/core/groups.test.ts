import { limits } from '@carillon/protocol';
import { expect, test } from 'vitest';
import { MemoryGroups } from './groups.ts';

async function listed(groups: MemoryGroups, name: string): Promise<string> {
  const [members] = await groups.members([name]);
  return [...(members?.sessions ?? []), '/', ...(members?.users ?? [])].join(' ');
}

test('a group is there as long as it has a member', async () => {
  const groups = new MemoryGroups();
  await groups.join('g', { session: 's1' });
  await groups.join('g', { session: 's1' });
  await groups.join('g', { user: 'ann' });
  expect([await listed(groups, 'g'), await groups.count()]).toEqual(['s1 / ann', 1]);
  await groups.leave('g', { session: 's1' });
  await groups.leave('g', { session: 'never' });
  expect([await listed(groups, 'g'), await groups.count()]).toEqual(['/ ann', 1]);
  await groups.leave('g', { user: 'ann' });
  expect([await listed(groups, 'g'), await groups.count()]).toEqual(['/', 0]);
});

test('a session and a user of the same name are two members', async () => {
  const groups = new MemoryGroups();
  await groups.join('g', { session: '1' });
  await groups.join('h', { user: '1' });
  expect([await groups.groupsOf({ session: '1' }), await groups.groupsOf({ user: '1' })]).toEqual([
    ['g'],
    ['h'],
  ]);
  groups.forget('1');
  expect([await groups.count(), await groups.groupsOf({ user: '1' })]).toEqual([1, ['h']]);
});

test('what is destroyed is gone from its members too', async () => {
  const groups = new MemoryGroups();
  await groups.join('g', { session: 's1' });
  await groups.join('g', { user: 'ann' });
  await groups.join('h', { user: 'ann' });
  await groups.destroy('g');
  await groups.destroy('never');
  expect([await groups.groupsOf({ session: 's1' }), await groups.groupsOf({ user: 'ann' })]).toEqual([
    [],
    ['h'],
  ]);
});

test('pages follow each other in the order of making, also when groups come and go between', async () => {
  const groups = new MemoryGroups();
  for (const name of ['a', 'b', 'c', 'd']) await groups.join(name, { user: 'ann' });
  const first = await groups.list(0, 2);
  expect(first.map(({ name }) => name)).toEqual(['a', 'b']);
  await groups.destroy('b');
  await groups.join('e', { user: 'ann' });
  const second = await groups.list(first.at(-1)?.order ?? 0, 10);
  expect(second.map(({ name }) => name)).toEqual(['c', 'd', 'e']);
});

test('there is an end to groups and to memberships, and leaving makes room', async () => {
  const groups = new MemoryGroups();
  for (let at = 0; at < limits.groups; at++) await groups.join(`g${at}`, { user: 'ann' });
  await expect(groups.join('more', { user: 'ann' })).rejects.toMatchObject({ code: 106, status: 400 });
  for (let at = limits.groups; at < limits.groupMemberships; at++) await groups.join('g0', { user: `${at}` });
  await expect(groups.join('g0', { user: 'bob' })).rejects.toMatchObject({ code: 106 });
  await groups.leave('g1', { user: 'ann' });
  await groups.join('more', { user: 'ann' });
});
