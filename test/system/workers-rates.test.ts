/** Rates and limits per address, with the real binary and two workers: what is counted holds over both. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RunningCarillon, startCarillon } from '../support/carillon.ts';
import { Listener } from '../support/listener.ts';
import { atEveryWorker, postAnywhere } from '../support/workers.ts';

const key = 'a-key-for-the-tests-of-rates';
const config = {
  workers: 2,
  drain: '0s',
  api: { keys: [key, 'another-key-for-these-tests'] },
  auth: { anonymous: true, tokens: { 'token-ann': { user: 'ann' }, 'token-bob': { user: 'bob' } } },
  channels: { 'chat:*': { subscribe: 'anyone', publish: 'user' } },
  trustProxy: ['127.0.0.0/8'],
  limits: { connectionsPerAddress: 5 },
  rates: { publishesPerUser: '6/24h', requestsPerKey: '6/24h', connectionsPerAddress: '12/24h' },
};

let carillon: RunningCarillon;
beforeAll(async () => {
  carillon = await startCarillon({ config });
});
afterAll(() => carillon?.stop());

const opened: Listener[] = [];
afterEach(() => {
  for (const listener of opened.splice(0)) listener[Symbol.dispose]();
});

/**
 * What a worker had said before has reached the other when this is over: each of them answered, over the link on which it says
 * and hears everything in order.
 */
async function told(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const { status } = await fetch(`${carillon.url}/readyz`);
    expect(status).toBe(200);
  }
}

/** Opens a connection of a client at this address. Returns undefined where it is refused. */
async function open(address: string): Promise<Listener | undefined> {
  const listener = await Listener.open(`${carillon.wsUrl}/ws`, { 'X-Forwarded-For': address }).catch(
    (error: Error) => {
      expect(error.message).toContain('429');
      return undefined;
    },
  );
  await told();
  if (listener !== undefined) opened.push(listener);
  return listener;
}

describe('ACC19: rates over two workers', () => {
  test('publications of a user count together, wherever its sessions are', async () => {
    using ann = await atEveryWorker(carillon, 2, 'token-ann');
    using bob = await atEveryWorker(carillon, 2, 'token-bob');
    const codes: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      for (const listener of ann.all) {
        const before = listener.got.length;
        listener.send(JSON.stringify({ id: 1, op: 'publish', channel: 'chat:1', data: round }));
        const got = await listener.until(before + 1);
        codes.push((JSON.parse(String(got.at(-1))) as { readonly code?: number }).code ?? 0);
        await told();
      }
    }
    expect(codes).toEqual([0, 0, 0, 0, 0, 0, 111, 111]);
    const others = await bob.send({ id: 2, op: 'publish', channel: 'chat:1', data: 0 });
    for (const [answer] of others) expect(answer).not.toHaveProperty('code');
  });

  test('requests with a key count together, whichever worker they reach', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 16; count++) {
      const body = { channel: 'chat:2', data: count };
      const { status } = await postAnywhere(`${carillon.url}/v1/publish`, body, { 'X-API-Key': key });
      statuses.push(status);
      await told();
    }
    expect(statuses).toEqual([...Array(6).fill(200), ...Array(10).fill(429)]);
  });

  test('connections that an address opens count together, though they were closed again', async () => {
    const statuses: boolean[] = [];
    for (let count = 0; count < 20; count++) {
      const listener = await open('203.0.113.9');
      statuses.push(listener !== undefined);
      listener?.[Symbol.dispose]();
      await listener?.closed;
      await told();
    }
    expect(statuses).toEqual([...Array(12).fill(true), ...Array(8).fill(false)]);
  });
});

describe('ACC7: open connections of an address', () => {
  test('are limited over both workers, and the place of one that closed is free again', async () => {
    const listeners: (Listener | undefined)[] = [];
    for (let count = 0; count < 8; count++) listeners.push(await open('203.0.113.5'));
    expect(listeners.map((listener) => listener !== undefined)).toEqual([
      ...Array(5).fill(true),
      ...Array(3).fill(false),
    ]);
    expect(await open('203.0.113.6')).toBeDefined();
    listeners[0]?.[Symbol.dispose]();
    // Its worker may notice a moment later than its owner.
    let next: Listener | undefined;
    for (let attempt = 0; attempt < 50 && next === undefined; attempt++) next = await open('203.0.113.5');
    expect(next).toBeDefined();
    expect(await open('203.0.113.5')).toBeUndefined();
  });
});
