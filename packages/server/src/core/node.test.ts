import { describe, expect, test } from 'vitest';
import { startCore } from '../testing/core-host.ts';
import { anonymous } from './access.ts';

test('a probe comes back through the broker, and leaves no channel that anybody sees', async () => {
  const host = await startCore();
  await host.node.probe();
  await Promise.all([host.node.probe(), host.node.probe()]);
  expect(await host.node.channels()).toEqual([]);
  expect(host.node.figures()).toMatchObject({ channels: 0, subscriptions: 0 });
});

describe('publishing', () => {
  test.each(['', 'a b', '$x', '@user', 'é'.repeat(128)])('to %j is 107', async (channel) => {
    const { node } = await startCore();
    await expect(node.publish(channel, '1')).rejects.toMatchObject({ code: 107, status: 400 });
    await expect(node.history(channel, {})).rejects.toMatchObject({ code: 107 });
    await expect(node.removeHistory(channel)).rejects.toMatchObject({ code: 107 });
  });

  test('to a channel without a rule works, without history', async () => {
    const { node } = await startCore();
    expect(await node.publish('no rule', '1').catch(({ code }) => code)).toBe(107);
    expect(await node.publish('no-rule', '1')).toEqual({});
    await expect(node.history('no-rule', {})).rejects.toMatchObject({ code: 108 });
  });

  test('with a key that is too long is 107', async () => {
    const { node } = await startCore();
    await expect(node.publish('h:1', '1', { idempotencyKey: 'x'.repeat(256) })).rejects.toMatchObject({
      code: 107,
    });
  });

  test('after close is 108', async () => {
    const { node } = await startCore();
    await node.close();
    await expect(node.publish('h:1', '1')).rejects.toMatchObject({ code: 108, status: 503 });
  });
});

test('channels are listed with their sessions and publications, by pattern and name', async () => {
  const host = await startCore();
  await host.node.publish('h:b', '1');
  await host.connect().ask({ op: 'subscribe', channel: 'h:a' }, { op: 'subscribe', channel: 'n:1' });
  expect(await host.node.channels()).toEqual([
    { channel: 'h:a', sessions: 1, publications: 0 },
    { channel: 'h:b', sessions: 0, publications: 1 },
    { channel: 'n:1', sessions: 1, publications: 0 },
  ]);
  expect((await host.node.channels('h:*')).map(({ channel }) => channel)).toEqual(['h:a', 'h:b']);
});

describe('who may publish without a session', () => {
  test.each([
    [anonymous, 'h:1', undefined],
    [anonymous, 'members', 1],
    [{ user: 'ann' }, 'members', undefined],
    [{ user: 'ann' }, 'closed', 103],
    [{ user: 'ann' }, 's:1', 103],
    [{}, 'what', 102],
    [{}, 'a b', 107],
  ])('%j in %s: %s', async (identity, channel, code) => {
    const { node } = await startCore();
    const attempt = (): void => node.mayPublish(identity, channel);
    if (code === undefined) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ code }));
  });

  test('nobody unknown where anonymous clients are not admitted', async () => {
    const { node } = await startCore({ anonymous: false });
    expect(() => node.mayPublish(anonymous, 'h:1')).toThrow('Not Auth');
  });
});
