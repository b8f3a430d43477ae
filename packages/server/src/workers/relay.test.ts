/** What one worker has all, or another one, do. */
import { limits } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';

interface Shop {
  name(): string;
  sell(what: string, count: number): Promise<string>;
  wait(): Promise<string>;
  nothing(): undefined;
}

/** Workers that each have a shop, named after the worker. */
function town(count: number) {
  const workers = new LinkedWorkers();
  const waiting: (() => void)[] = [];
  const prepare = ({ id, calls }: TestWorker): void => {
    const shop: Shop = {
      name: () => `shop ${id}`,
      sell: async (what, many) => {
        if (what === `not at ${id}`) throw refuse('badRequest', `no ${what}`);
        return `${many} ${what} at ${id}`;
      },
      wait: () => new Promise((resolve) => waiting.push(() => resolve(`waited at ${id}`))),
      nothing: () => undefined,
    };
    calls.offer('shop', shop, ['name', 'sell', 'wait', 'nothing']);
  };
  const all = workers.serve(count, prepare) as [TestWorker, TestWorker, TestWorker];
  return { ...{ workers, prepare, waiting, all }, peers: all[0].peers };
}

describe('everywhere', () => {
  test('asks every worker, the one that asks too', async () => {
    const { peers } = town(3);
    expect(await peers.everywhere<Shop>('shop').name()).toEqual(['shop 1', 'shop 2', 'shop 3']);
    expect(await peers.everywhere<Shop>('shop').nothing()).toEqual([undefined, undefined, undefined]);
  });

  test('asks no worker that does not serve yet', async () => {
    const { workers, prepare, peers } = town(3);
    const fourth = workers.begin();
    prepare(fourth);
    expect(await peers.everywhere<Shop>('shop').name()).toHaveLength(3);
    fourth.serve();
    expect(await peers.everywhere<Shop>('shop').name()).toHaveLength(4);
  });

  test('rejects with the refusal of one, when all have answered', async () => {
    const { peers, waiting } = town(3);
    await expect(peers.everywhere<Shop>('shop').sell('not at 2', 1)).rejects.toMatchObject({ code: 107 });
    expect(await peers.everywhere<Shop>('shop').sell('bread', 2)).toHaveLength(3);
    expect(waiting).toEqual([]);
  });

  test('does without a worker that ends meanwhile', async () => {
    const { peers, waiting, all, workers } = town(3);
    const answers = peers.everywhere<Shop>('shop').wait();
    await settled();
    expect(waiting).toHaveLength(3);
    all[1].end();
    for (const goOn of waiting) goOn();
    expect(await answers).toEqual(['waited at 1', 'waited at 3']);
    expect([...workers.relay.workers].map(({ id }) => id)).toEqual([1, 3]);
    expect(await peers.everywhere<Shop>('shop').name()).toEqual(['shop 1', 'shop 3']);
  });

  test('refuses where one does not answer in time', async () => {
    const { peers, waiting, workers } = town(3);
    const answers = peers.everywhere<Shop>('shop').wait();
    const refused = expect(answers).rejects.toMatchObject({ code: 108, status: 503 });
    await settled();
    for (const goOn of waiting.slice(0, 2)) goOn();
    await settled();
    workers.clock.advance(limits.workerAnswerMs);
    await refused;
    expect(workers.clock.timers).toBe(0);
  });
});

describe('at', () => {
  test('asks the worker that has the session', async () => {
    const { peers, all } = town(3);
    for (const { sessionId, id } of all)
      expect(await peers.at<Shop>(sessionId('x'), 'shop').sell('bread', 3)).toBe(`3 bread at ${id}`);
    expect(await peers.at<Shop>(all[2].sessionId('x'), 'shop').nothing()).toBeUndefined();
  });

  test('is refused as there', async () => {
    const { peers, all } = town(2);
    const shop = peers.at<Shop>(all[1].sessionId('x'), 'shop');
    await expect(shop.sell('not at 2', 1)).rejects.toMatchObject({ code: 107 });
  });

  test('says that there is no such session where no worker can have it', async () => {
    const { peers, all } = town(2);
    for (const session of ['9.x', 'x', '', '2', '.x', 'zzzzzzz.x', `${all[0].id}`])
      await expect(peers.at<Shop>(session, 'shop').name()).rejects.toMatchObject({ code: 108, status: 404 });
  });

  test('gives up one that is late, but not one that may take its time', async () => {
    const { workers, peers, all, waiting } = town(2);
    const session = all[1].sessionId('x');
    const late = peers.at<Shop>(session, 'shop').wait();
    const held = peers.at<Shop>(session, 'shop', { isHeld: true }).wait();
    const refused = expect(late).rejects.toMatchObject({ code: 108, status: 503 });
    await settled();
    await workers.clock.elapse(limits.workerAnswerMs);
    await refused;
    for (const done of waiting) done();
    expect(await held).toBe('waited at 2');
  });

  test('says so, too, where that worker ends meanwhile', async () => {
    const { peers, all } = town(2);
    const answer = peers.at<Shop>(all[1].sessionId('x'), 'shop').wait();
    await settled();
    all[1].end();
    await expect(answer).rejects.toMatchObject({ code: 108, status: 404 });
  });
});
