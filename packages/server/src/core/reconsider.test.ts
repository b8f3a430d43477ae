import { expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import { ScriptedHooks } from '../testing/scripted-hooks.ts';
import type { Rule, Who } from './rules.ts';

function rule(pattern: string, subscribe: Who): Rule {
  return { pattern, subscribe, publish: 'anyone', readHistory: subscribe };
}

const wire = new LineWire();

test('RLD5 what the rules do not admit any more ends, and is told; the rest stays', async () => {
  const host = await startCore({ rules: [rule('a', 'anyone'), rule('b', 'anyone'), rule('c', 'anyone')] });
  const [ann, nobody] = [host.connect({ wire, token: 'token-ann' }), host.connect({ wire })];
  await host.settle();
  for (const client of [ann, nobody]) {
    for (const channel of ['a', 'b', 'c']) await client.ask({ op: 'subscribe', channel });
  }
  host.rules.replace([rule('a', 'anyone'), rule('b', 'user')]);
  await host.node.reach.people.reconsider();
  await host.settle();
  expect(ann.lines()).toEqual(['{"event":"c","type":"unsubscribed","code":102,"msg":"unknown channel"}']);
  expect(nobody.lines()).toEqual([
    '{"event":"b","type":"unsubscribed","code":1,"msg":"Not Auth"}',
    '{"event":"c","type":"unsubscribed","code":102,"msg":"unknown channel"}',
  ]);
  for (const channel of ['a', 'b', 'c']) await host.node.publish(channel, '1');
  await host.settle();
  expect(ann.lines()).toEqual(['{"event":"a","data":1}', '{"event":"b","data":1}']);
  expect(nobody.lines()).toEqual(['{"event":"a","data":1}']);
});

test('RLD5 what the server side gave stays, and so does what a hook let in', async () => {
  const hooks = new ScriptedHooks({ subscribe: () => undefined });
  const host = await startCore({ hooks, rules: [rule('given', 'nobody'), rule('asked', 'anyone')] });
  const client = host.connect({ wire });
  await host.settle();
  await client.ask({ op: 'subscribe', channel: 'asked' });
  await host.node.reach.people.subscribe({ session: client.session }, 'given');
  await host.settle();
  client.lines();
  host.rules.replace([rule('given', 'nobody'), rule('asked', 'hook')]);
  await host.node.reach.people.reconsider();
  await host.settle();
  expect(client.lines()).toEqual([]);
});

test('RLD5 where clients without a token are admitted no more, what they have ends', async () => {
  const host = await startCore({ rules: [rule('a', 'anyone')] });
  const [ann, nobody] = [host.connect({ wire, token: 'token-ann' }), host.connect({ wire })];
  await host.settle();
  for (const client of [ann, nobody]) await client.ask({ op: 'subscribe', channel: 'a' });
  host.authenticator.admitsAnonymous = false;
  await host.node.reach.people.reconsider();
  await host.settle();
  expect(ann.lines()).toEqual([]);
  expect(nobody.lines()).toEqual(['{"event":"a","type":"unsubscribed","code":1,"msg":"Not Auth"}']);
});

test('RLD5 a feed, which has no words for it, is closed', async () => {
  const host = await startCore({ rules: [rule('a', 'anyone')] });
  const prepared = await host.node.prepareFeed({ channels: ['a'], address: '192.0.2.1', headers: {} });
  const connection = new FakeConnection(new LineWire({ isBare: true }));
  connection.listen(prepared.open(connection));
  host.rules.replace([]);
  await host.node.reach.people.reconsider();
  expect(connection.ended?.code).toBe(3503);
});

test('RLD5 a subscribe that a hook decided meanwhile is judged by the rules of then', async () => {
  let answer = (): void => {};
  const hooks = new ScriptedHooks({
    subscribe: () => new Promise<undefined>((resolve) => (answer = () => resolve(undefined))),
  });
  const host = await startCore({ hooks, rules: [rule('a', 'anyone')] });
  const client = host.connect({ wire });
  await host.settle();
  client.send({ id: 1, op: 'subscribe', channel: 'a' });
  await host.settle();
  host.rules.replace([rule('a', 'user')]);
  await host.node.reach.people.reconsider();
  answer();
  await host.settle();
  expect(client.lines()).toEqual(['{"id":1,"code":1,"msg":"Not Auth"}']);
});

test('RLD5 many sessions are gone through in parts', async () => {
  const host = await startCore({ rules: [rule('a', 'anyone')] });
  const clients = Array.from({ length: 2_500 }, () => host.connect({ wire }));
  await host.settle();
  for (const client of clients) client.send({ op: 'subscribe', channel: 'a' });
  await host.settle();
  host.rules.replace([]);
  const done = host.node.reach.people.reconsider();
  expect(host.node.subscribers('a')).toBe(1_500);
  await host.settle();
  await host.settle();
  await done;
  expect(host.node.subscribers('a')).toBe(0);
});
