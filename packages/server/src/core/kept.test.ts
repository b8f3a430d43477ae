/** What outlives a node that has a place for it: groups, tags, cursors of inboxes and blocks. */
import { describe, expect, test } from 'vitest';
import { type CoreHost, startCore } from '../testing/core-host.ts';
import { Shelf } from '../testing/shelf.ts';
import type { Rule } from './rules.ts';

const rules: readonly Rule[] = [
  {
    pattern: 'user:{uid}',
    subscribe: 'owner',
    publish: 'nobody',
    readHistory: 'owner',
    retention: { size: 100, ttlMs: 600_000 },
    inbox: {},
  },
];

/** Two nodes, one after the other, over one broker and one shelf. */
async function twice(): Promise<{ shelf: Shelf; first: CoreHost; second: () => Promise<CoreHost> }> {
  const shelf = new Shelf();
  const first = await startCore({ keep: shelf, rules });
  return {
    shelf,
    first,
    second: () => startCore({ keep: shelf, rules, broker: first.broker, clock: first.clock }),
  };
}

describe('a node that comes after another', () => {
  test('ADR7 has the users of its groups, and none of the sessions', async () => {
    const { first, second } = await twice();
    const { people } = first.node.reach;
    const client = first.connect({ token: 'token-ann' });
    await first.settle();
    await people.join('g', { user: 'ann' });
    await people.join('g', { user: 'bob' });
    await people.join('g', { session: client.session });
    await people.join('gone', { user: 'ann' });
    await people.leave('g', { user: 'bob' });
    await people.destroyGroup('gone');
    const { directory } = (await second()).node.reach;
    expect(await directory.group('g')).toMatchObject({ members: [{ user: 'ann' }] });
    expect((await directory.groups({})).total).toBe(1);
  });

  test('ADR6 has the tags of users, those that are hidden too', async () => {
    const { first, second } = await twice();
    const { people } = first.node.reach;
    await people.tag({ user: 'ann' }, { vip: true, level: 3 });
    await people.tag({ user: 'bob' }, { vip: true });
    await people.untag({ user: 'bob' }, ['vip']);
    const host = await second();
    const client = host.connect({ token: 'token-ann' });
    await host.settle();
    expect(await host.node.reach.directory.session(client.session)).toMatchObject({
      tags: { vip: true, level: 3 },
    });
  });

  test('INB6 knows what each device has acknowledged', async () => {
    const { first, second } = await twice();
    for (const number of [1, 2, 3]) await first.node.publish('user:ann', String(number));
    const before = first.connect({ token: 'token-ann' });
    await before.ask({ op: 'subscribe', channel: '@user' }, { op: 'ack', channel: '@user', offset: 2 });
    const host = await second();
    const after = host.connect({ token: 'token-ann' });
    const [reply, ...events] = await after.ask({ id: 1, op: 'subscribe', channel: '@user' });
    expect(reply).toMatchObject({ result: { unread: 1 } });
    expect(events).toEqual([{ event: '@user', data: 3, offset: 3 }]);
  });

  test('ACC16 knows who is blocked', async () => {
    const { first, second } = await twice();
    await first.node.reach.revocation.block({ user: 'ann' });
    const host = await second();
    expect(await host.node.reach.revocation.list({})).toMatchObject({ blocked: [{ user: 'ann' }] });
  });
});

test('what cannot be kept is refused, and a membership that was refused is none', async () => {
  const { shelf, first } = await twice();
  const { people, directory } = first.node.reach;
  await people.join('g', { user: 'ann' });
  shelf.isFull = true;
  await expect(people.join('g', { user: 'bob' })).rejects.toMatchObject({ code: 108 });
  await expect(people.leave('g', { user: 'ann' })).rejects.toMatchObject({ code: 108 });
  await expect(people.tag({ user: 'ann' }, { vip: true })).rejects.toMatchObject({ code: 108 });
  expect(await directory.group('g')).toMatchObject({ members: [{ user: 'ann' }] });
});

test('of two who join the same user at once, the second is answered for what is kept', async () => {
  const { shelf, first } = await twice();
  const { people, directory } = first.node.reach;
  shelf.isFull = true;
  const { promise, resolve } = Promise.withResolvers<void>();
  shelf.delay = promise;
  const refused = people.join('g', { user: 'ann' });
  await first.settle();
  // Asked before it is known what came of the first.
  const joined = people.join('g', { user: 'ann' });
  await first.settle();
  resolve();
  await expect(refused).rejects.toMatchObject({ code: 108 });
  await expect(joined).rejects.toMatchObject({ code: 108 });
  shelf.isFull = false;
  await people.join('g', { user: 'ann' });
  expect(await directory.group('g')).toMatchObject({ members: [{ user: 'ann' }] });
});
