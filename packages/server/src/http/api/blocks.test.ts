import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpHost, startHttp } from '../../testing/http-host.ts';
import { blockMethods } from './blocks.ts';

let host: HttpHost;
beforeAll(async () => {
  host = await startHttp({ anonymous: true });
});
afterAll(() => host.stop());

const results = new Map(blockMethods.map(({ name, result }) => [name, result]));

async function api(name: string, params: unknown): Promise<unknown> {
  const { status, text } = await host.api(name, params);
  const { result } = JSON.parse(text) as { result: unknown };
  expect([name, status, results.get(name)?.safeParse(result).error]).toEqual([name, 200, undefined]);
  return result;
}

describe('ACC16: block, unblock, blocked', () => {
  test('last a day unless told, and stand in the list', async () => {
    expect(await api('block', { user: 7 })).toEqual({ sessions: 0 });
    expect(await api('block', { jti: 'a', expires: 60, reason: 'logged out' })).toEqual({ sessions: 0 });
    const first = { user: '7', expires: 86_400 };
    const second = { jti: 'a', expires: 60, reason: 'logged out' };
    expect(await api('blocked', {})).toEqual({ blocked: [first, second], total: 2 });
    const page = (await api('blocked', { limit: 1 })) as { cursor: string };
    expect(page).toEqual({ blocked: [first], total: 2, cursor: expect.any(String) });
    expect(await api('blocked', { cursor: page.cursor })).toEqual({ blocked: [second], total: 2 });
    expect(await api('blocked', { limit: 0 })).toEqual({ blocked: [], total: 2 });
    expect(await api('unblock', { jti: 'a' })).toEqual({});
    expect(await api('unblock', { user: '7' })).toEqual({});
    expect(await api('blocked', {})).toEqual({ blocked: [], total: 0 });
  });

  test('a token of who is blocked is 401 on /sub, a poll and /pub, and good again afterwards', async () => {
    const asked = async () => {
      const { status } = await host.call('/pub?channel=user:7&token=token-of-7', {
        method: 'POST',
        body: 'x',
      });
      return status;
    };
    expect(await asked()).toBe(200);
    await api('block', { user: '7', reason: 'spam' });
    expect(await asked()).toBe(401);
    await api('unblock', { user: '7' });
    expect(await asked()).toBe(200);
  });

  test.each<[string, object, string]>([
    ['block', {}, "must have either 'user' or 'jti'"],
    ['block', { user: '7', jti: 'a' }, "must have either 'user' or 'jti'"],
    ['block', { jti: 5 }, "'jti' must be a string"],
    ['block', { jti: ['a'] }, "'jti' must be a string"],
    ['block', { jti: '' }, "'jti' must not be empty"],
    ['block', { jti: 'x'.repeat(256) }, "'jti' must not be longer than 255 bytes"],
    ['block', { user: '7', expires: 0 }, "'expires' must be a whole number from 1 to 31536000"],
    ['block', { user: '7', expires: 31_536_001 }, "'expires' must be a whole number from 1 to 31536000"],
    ['block', { user: '7', expires: '60' }, "'expires' must be a whole number"],
    ['block', { user: '7', reason: '界'.repeat(42) }, "'reason' must not be longer than 123 bytes"],
    ['block', { user: '7', until: 5 }, "'until' is not a known field"],
    ['unblock', { user: '7', expires: 5 }, "'expires' is not a known field"],
    ['blocked', { cursor: 'x' }, "'cursor' is not one that an earlier page gave"],
  ])('%s %j is refused by name and changes nothing', async (method, params, message) => {
    const { status, text } = await host.api(method, params);
    expect([status, text]).toEqual([400, expect.stringContaining(message)]);
    expect(await api('blocked', {})).toEqual({ blocked: [], total: 0 });
  });
});
