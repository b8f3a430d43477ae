import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HttpHost, startHttp } from '../../testing/http-host.ts';
import { inboxMethods } from './inbox.ts';

let host: HttpHost;
beforeEach(async () => {
  host = await startHttp({ anonymous: true });
});
afterEach(() => host.stop());

const methods = new Map(inboxMethods.map((method) => [method.name, method]));

/** The result, which is what the method's schema says. */
async function api(name: string, params: unknown): Promise<Record<string, unknown>> {
  const { status, text } = await host.api(name, params);
  const { result } = JSON.parse(text) as { result: Record<string, unknown> };
  expect([name, status, methods.get(name)?.result.safeParse(result).error]).toEqual([name, 200, undefined]);
  return result;
}

async function refusal(name: string, params: unknown): Promise<readonly [number, number, string]> {
  const { status, text } = await host.api(name, params);
  const { error } = JSON.parse(text) as { error: { code: number; message: string } };
  return [status, error.code, error.message];
}

async function push(count: number): Promise<void> {
  for (let data = 1; data <= count; data++) await api('inbox_push', { user: 7, data });
}

const dataOf = ({ publications }: Record<string, unknown>): unknown[] =>
  (publications as { data: unknown }[]).map(({ data }) => data);

describe('INB7 inbox_push', () => {
  test('publishes into the inbox of a user who never was here, and counts what is unread', async () => {
    const first = await api('inbox_push', { user: 7, data: { n: 12345678901234567890n.toString() } });
    expect(first).toEqual({ offset: 1, epoch: expect.any(String), unread: 1 });
    expect(await api('inbox_push', { channel: 'inbox:7', data: 2 })).toMatchObject({ offset: 2, unread: 2 });
    await api('publish', { channel: 'inbox:7', data: 3 });
    expect(await api('inbox_unread', { user: '7' })).toMatchObject({ unread: 3, offset: 3, devices: [] });
  });

  test('repeats nothing under the same key', async () => {
    const params = { user: 7, data: 1, idempotency_key: 'k' };
    expect(await api('inbox_push', params)).toEqual(await api('inbox_push', params));
    expect(await api('inbox_unread', { user: 7 })).toMatchObject({ unread: 1 });
  });

  test('keeps what was written, and whom it excludes', async () => {
    const { text } = await host.api('inbox_push', { user: 7, data: 1, exclude: { users: ['8'] } });
    expect(JSON.parse(text)).toMatchObject({ result: { offset: 1 } });
    const body = '{"user":7,"data":{"b":12345678901234567890, "a":1.0}}';
    const headers = { 'X-API-Key': 'key-of-the-tests', 'Content-Type': 'application/json' };
    await host.call('/v1/inbox_push', { method: 'POST', headers, body });
    const listed = await host.api('inbox_list', { user: 7, reverse: true, limit: 1 });
    expect(listed.text).toContain('"data":{"b":12345678901234567890,"a":1.0}');
  });
});

describe('INB7 inbox_mark and inbox_unread', () => {
  test('a device, then all', async () => {
    await push(3);
    expect(await api('inbox_mark', { user: 7, device: 'phone', offset: 2 })).toEqual({ unread: 1 });
    expect(await api('inbox_mark', { user: 7, offset: 1 })).toEqual({ unread: 1 });
    const seenAt = new Date(host.clock.now()).toISOString();
    expect(await api('inbox_unread', { user: 7 })).toEqual({
      ...{ unread: 1, offset: 3, epoch: expect.any(String) },
      devices: [
        { device: 'phone', offset: 2, unread: 1, seenAt },
        { device: 'default', offset: 1, unread: 2, seenAt },
      ],
    });
    expect(await api('inbox_mark', { user: 7, all: true, offset: 3 })).toEqual({ unread: 0 });
    expect(await api('inbox_unread', { user: 7 })).toMatchObject({
      unread: 0,
      devices: [{ unread: 0 }, { unread: 0 }],
    });
    // Back it never goes.
    expect(await api('inbox_mark', { user: 7, all: true, offset: 1 })).toEqual({ unread: 0 });
  });

  test('what a device that is forgotten had read stays read for the badge', async () => {
    await push(3);
    await api('inbox_mark', { user: 7, device: 'phone', offset: 3 });
    expect(await api('inbox_forget_device', { user: 7, device: 'phone' })).toEqual({});
    expect(await api('inbox_forget_device', { user: 7, device: 'nobody' })).toEqual({});
    expect(await api('inbox_unread', { user: 7 })).toMatchObject({ unread: 0, devices: [] });
    expect(await api('inbox_list', { user: 7, device: 'phone' })).toMatchObject({
      acknowledged: 0,
      unread: 3,
    });
  });
});

describe('INB7 inbox_list', () => {
  test('tells everything, or what a device has not acknowledged, from either end', async () => {
    await push(5);
    const { epoch } = await api('inbox_mark', { user: 7, device: 'phone', offset: 2 }).then(() =>
      api('inbox_unread', { user: 7 }),
    );
    const phone = { user: 7, device: 'phone' };
    const all = await api('inbox_list', phone);
    expect(all).toMatchObject({ epoch, offset: 5, acknowledged: 2, unread: 3 });
    expect(dataOf(all)).toEqual([1, 2, 3, 4, 5]);
    expect(dataOf(await api('inbox_list', { ...phone, unread: true }))).toEqual([3, 4, 5]);
    expect(dataOf(await api('inbox_list', { ...phone, unread: true, limit: 2 }))).toEqual([3, 4]);
    expect(dataOf(await api('inbox_list', { ...phone, unread: true, reverse: true }))).toEqual([5, 4, 3]);
    const since = (offset: number) => ({ since: { epoch, offset } });
    expect(dataOf(await api('inbox_list', { ...phone, unread: true, ...since(1) }))).toEqual([3, 4, 5]);
    expect(dataOf(await api('inbox_list', { ...phone, unread: true, ...since(4) }))).toEqual([5]);
    const back = { unread: true, reverse: true, ...since(4) };
    expect(dataOf(await api('inbox_list', { ...phone, ...back }))).toEqual([3]);
    expect(dataOf(await api('inbox_list', { user: 7, unread: true }))).toEqual([1, 2, 3, 4, 5]);
    expect(await refusal('inbox_list', { user: 7, ...since(6) })).toEqual([
      400,
      112,
      expect.stringContaining('newest offset 5'),
    ]);
    const other = { since: { epoch: 'other', offset: 1 } };
    expect(await refusal('inbox_list', { ...phone, unread: true, ...other })).toEqual([
      400,
      112,
      expect.stringContaining('newest offset 5'),
    ]);
  });
});

describe('INB7 refusals', () => {
  test.each([
    ['inbox_push', { data: 1 }, 107, "must have either 'user' or 'channel'"],
    ['inbox_push', { user: 7, channel: 'inbox:7', data: 1 }, 107, "must have either 'user' or 'channel'"],
    ['inbox_push', { user: 7 }, 107, 'data'],
    ['inbox_push', { user: 'with space', data: 1 }, 107, "'inbox:with space' must not contain spaces"],
    ['inbox_push', { channel: 'open:x', data: 1 }, 108, "no inbox; its rule needs 'inbox: true'"],
    ['inbox_list', { user: 7, devise: 'x' }, 107, "did you mean 'device'?"],
    ['inbox_mark', { user: 7 }, 107, 'offset'],
    ['inbox_mark', { user: 7, offset: -1 }, 107, 'must be a whole number from 0'],
    ['inbox_mark', { user: 7, offset: 1, all: false }, 107, 'must be true'],
    ['inbox_mark', { user: 7, offset: 1, all: true, device: 'x' }, 107, "both 'device' and 'all'"],
    ['inbox_mark', { user: 7, offset: 1 }, 112, 'its newest offset 0'],
    ['inbox_forget_device', { user: 7 }, 107, 'device'],
  ])('%s %j', async (name, params, code, message) => {
    const [, told, text] = await refusal(name, params);
    expect([told, text]).toEqual([code, expect.stringContaining(message)]);
    expect(await api('inbox_unread', { user: 7 })).toMatchObject({ unread: 0, devices: [] });
  });
});
