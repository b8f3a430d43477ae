import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ClientAddresses } from '../http/address.ts';
import { AddressLimit } from '../http/address-limit.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { LinkedHolds, SharedHolds } from '../workers/holds.ts';

/** What goes through this proxy is of the client that it names; what comes from it is not counted. */
const proxy = new EventEmitter() as Socket;
Object.assign(proxy, { remoteAddress: '10.0.0.1' });
const client = '203.0.113.5';

interface Door {
  readonly worker: TestWorker;
  readonly limit: AddressLimit;
}

function doorAt(worker: TestWorker, limit: number): Door {
  const addresses = new ClientAddresses(['10.0.0.0/8']);
  return { worker, limit: new AddressLimit(addresses, limit, new LinkedHolds(worker.calls, 2)) };
}

/** Workers of a server of two, each with its limit. */
function start(
  limit: number,
  count = 2,
): { readonly workers: LinkedWorkers; readonly doors: readonly Door[] } {
  const workers = new LinkedWorkers({ shared: [new SharedHolds()] });
  const doors: Door[] = [];
  workers.serve(count, (worker) => void doors.push(doorAt(worker, limit)));
  return { workers, doors };
}

type Two = readonly [Door, Door];

/** Opens so many, and resolves with what closes each that was let in. */
async function open({ limit }: Door, tries: number, address = client): Promise<(() => void)[]> {
  const closing: (() => void)[] = [];
  for (let count = 0; count < tries; count++) {
    try {
      const close = limit.enter(address, proxy);
      if (close !== undefined) closing.push(close);
    } catch {}
    await settled(10);
  }
  return closing;
}

describe('ACC7: the limit of connections of an address over several workers', () => {
  test('is exact where it is small, and a place that is free is free at every worker', async () => {
    const { workers, doors } = start(4);
    const [first, second] = doors as unknown as Two;
    const [close] = await open(first, 3);
    expect(await open(second, 3)).toHaveLength(1);
    expect(await open(first, 1)).toHaveLength(0);
    close?.();
    await settled();
    expect(await open(second, 3)).toHaveLength(1);
    expect(await open(second, 2, '203.0.113.6')).toHaveLength(2);
    expect(workers.faults).toEqual([]);
  });

  test('counts sockets and what lives on without one, too', async () => {
    const { doors } = start(2);
    const [first, second] = doors as unknown as Two;
    const socket = Object.assign(new EventEmitter(), { remoteAddress: client }) as unknown as Socket;
    first.limit.opened(socket);
    const leave = first.limit.hold(client);
    await settled();
    expect(() => second.limit.hold(client)).toThrow('too many connections');
    const late = Object.assign(new EventEmitter(), { remoteAddress: client }) as unknown as Socket;
    second.limit.opened(late);
    expect(() => second.limit.check(late)).toThrow('too many connections');
    late.emit('close');
    leave();
    socket.emit('close');
    await settled();
    expect(await open(second, 3)).toHaveLength(2);
  });

  test('lets less than an eighth more in where it is large', async () => {
    const { doors } = start(160);
    const [first, second] = doors as unknown as Two;
    const [here, there] = [await open(first, 99), await open(second, 99)];
    expect(here).toHaveLength(99);
    expect(here.length + there.length).toBeGreaterThanOrEqual(160);
    expect(here.length + there.length).toBeLessThan(180);
    for (const close of [...here, ...there]) close();
    await settled();
    expect(await open(second, 165)).toHaveLength(160);
  });

  test('holds for this machine and for proxies nowhere', async () => {
    const { doors } = start(1);
    for (const { limit } of doors) {
      for (let count = 0; count < 9; count++) limit.hold('127.0.0.1');
      for (let count = 0; count < 9; count++) limit.hold('10.0.0.1');
    }
    await settled();
    expect(await open(doors[0] as Door, 2)).toHaveLength(1);
  });

  test('knows nothing any more of a worker that is gone', async () => {
    const { doors } = start(3);
    const [first, second] = doors as unknown as Two;
    expect(await open(first, 3)).toHaveLength(3);
    expect(await open(second, 1)).toHaveLength(0);
    first.worker.end();
    await settled();
    expect(await open(second, 9)).toHaveLength(3);
  });

  test('is known to a worker that begins, before it serves', async () => {
    const { workers, doors } = start(3, 1);
    expect(await open(doors[0] as Door, 2)).toHaveLength(2);
    const worker = workers.begin();
    const late = doorAt(worker, 3);
    worker.serve();
    await settled();
    expect(await open(late, 3)).toHaveLength(1);
  });

  test('holds as another config has it, for what is open as well', async () => {
    const { doors } = start(160);
    const [first, second] = doors as unknown as Two;
    expect(await open(first, 4)).toHaveLength(4);
    for (const { limit } of doors) limit.replace(6);
    await settled();
    expect(await open(second, 9)).toHaveLength(2);
    for (const { limit } of doors) limit.replace(9);
    await settled();
    expect(await open(second, 9)).toHaveLength(3);
  });
});
