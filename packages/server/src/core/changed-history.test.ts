import { expect, test } from 'vitest';
import { pick, type Random, random } from '../../../../test/support/random.ts';
import { type CoreHost, startCore, type TestClient } from '../testing/core-host.ts';
import { FakeConnection } from '../testing/fake-connection.ts';
import { LineWire } from '../testing/line-wire.ts';
import type { Retention } from './broker.ts';
import type { Rule } from './rules.ts';

const wire = new LineWire();
const long = { size: 100, ttlMs: 600_000 };

function rules(retention?: Retention): Rule[] {
  const open = { subscribe: 'anyone', publish: 'anyone', readHistory: 'anyone' } as const;
  return [{ pattern: '*', ...open, ...(retention && { retention }) }];
}

async function join(host: CoreHost, fields: object = {}): Promise<[TestClient, Reply]> {
  const client = host.connect({ wire });
  const [answer] = await client.ask({ id: 1, op: 'subscribe', channel: 'a', ...fields });
  return [client, (answer as { result: Reply }).result];
}

interface Reply {
  readonly epoch?: string;
  readonly offset?: number;
  readonly recovered: boolean;
  readonly recoverable: boolean;
}

test('REC13 history that goes and comes back while somebody is subscribed: offsets go on, and who was away is told', async () => {
  const host = await startCore({ rules: rules(long) });
  const [client, { epoch }] = await join(host);
  await host.node.publish('a', '1');
  host.rules.replace(rules());
  expect(await host.node.publish('a', '2')).toEqual({ epoch, offset: 2 });
  expect(await client.messages()).toEqual([
    { event: 'a', data: 1, offset: 1 },
    { event: 'a', data: 2, offset: 2 },
  ]);
  const [, without] = await join(host, { since: { epoch, offset: 1 } });
  expect(without).toEqual({ channel: 'a', recovered: false, recoverable: false });
  await expect(host.node.history('a', {})).rejects.toMatchObject({ code: 108 });
  host.rules.replace(rules(long));
  await host.node.publish('a', '3');
  expect(await client.messages()).toEqual([{ event: 'a', data: 3, offset: 3 }]);
  const [, missed] = await join(host, { since: { epoch, offset: 1 } });
  expect(missed).toMatchObject({ epoch, offset: 3, recovered: false, recoverable: true });
  const [kept, whole] = await join(host, { since: { epoch, offset: 2 } });
  expect(whole).toMatchObject({ epoch, offset: 3, recovered: true });
  expect(await kept.messages()).toEqual([]);
});

test('REC13 history that comes while somebody is subscribed begins to count, and who was there goes on without it', async () => {
  const host = await startCore({ rules: rules() });
  const [client, reply] = await join(host);
  expect(reply).toEqual({ channel: 'a', recovered: false, recoverable: false });
  await host.node.publish('a', '1');
  host.rules.replace(rules(long));
  await host.node.publish('a', '2');
  expect(await client.messages()).toEqual([
    { event: 'a', data: 1 },
    { event: 'a', data: 2, offset: 1 },
  ]);
  const [, later] = await join(host, { last: 10 });
  expect(later).toMatchObject({ offset: 1, recoverable: true });
});

test('REC13 a smaller history takes effect with the next publication; offsets go on', async () => {
  const host = await startCore({ rules: rules(long) });
  const [, { epoch }] = await join(host);
  for (let n = 1; n <= 5; n += 1) await host.node.publish('a', String(n));
  host.rules.replace(rules({ size: 2, ttlMs: 600_000 }));
  expect(await host.node.publish('a', '6')).toEqual({ epoch, offset: 6 });
  expect((await host.node.history('a', {})).publications.map(({ offset }) => offset)).toEqual([5, 6]);
});

test('REC13 a cursor of a channel that kept history goes on where nothing was missed, and tells where something was', async () => {
  const host = await startCore({ rules: rules(long) });
  await host.node.publish('a', '1');
  const asked = { address: '192.0.2.1', headers: {}, channels: ['a'] };
  const prepared = await host.node.prepareFeed(asked);
  const { cursor } = prepared;
  prepared.cancel();
  host.rules.replace(rules());
  const follow = async (): Promise<boolean | undefined> => {
    const feed = await host.node.prepareFeed({ ...asked, cursor });
    feed.cancel();
    return feed.recovered;
  };
  expect(await follow()).toBe(true);
  await host.node.publish('a', '2');
  expect(await follow()).toBe(false);
});

test('REC13 a cursor of a stream that is gone, in a channel that keeps none, tells of the loss', async () => {
  const [before, after] = [await startCore({ rules: rules(long) }), await startCore({ rules: rules() })];
  const asked = { address: '192.0.2.1', headers: {}, channels: ['a'] };
  const { cursor } = await before.node.prepareFeed(asked);
  const feed = await after.node.prepareFeed({ ...asked, cursor });
  expect([feed.recovered, feed.cursor]).toEqual([false, '']);
  const connection = new FakeConnection(new LineWire({ isBare: true }));
  connection.listen(feed.open(connection));
  await after.node.publish('a', '1');
  await after.settle();
  expect([connection.read().toString(), connection.ended]).toEqual(['1\n', undefined]);
});

interface Line {
  readonly result?: Reply;
  readonly type?: string;
  readonly data: number;
  readonly offset?: number;
  readonly epoch?: string;
  readonly to?: number;
}

/** A client that checks what it is given against what was published. */
class Reader {
  position: { epoch: string; offset: number } | undefined;
  pace: 'fast' | 'stalled' = 'fast';
  readonly #host: CoreHost;
  readonly #capacity: number;
  #client: TestClient | undefined;
  /** The number of the last publication that it has, or after which it began. */
  #last = 0;
  /** It was told that something may be missing up to now. */
  #isTold = false;
  #since: { epoch: string; offset: number } | undefined;
  received = 0;
  losses = 0;

  constructor(host: CoreHost, capacity: number) {
    this.#host = host;
    this.#capacity = capacity;
  }

  /** Subscribes anew, after its position where it has one. */
  async connect(published: number): Promise<void> {
    this.#client?.connection.cut();
    this.#client = this.#host.connect({ wire, capacity: this.#capacity });
    this.#since = this.position;
    // Whoever never got anything begins with what comes.
    if (this.#since === undefined && this.received === 0) this.#last = published;
    const since = this.#since && { since: this.#since };
    this.#client.send({ id: 1, op: 'subscribe', channel: 'a', ...since });
    await this.#host.settle();
  }

  #answered({ epoch, offset = 0, recovered, recoverable }: Reply): void {
    const since = this.#since;
    if (!recovered) this.#isTold = true;
    if (!recoverable || epoch === undefined) this.position = undefined;
    else if (since?.epoch !== epoch) this.position = { epoch, offset: since === undefined ? offset : 0 };
  }

  #take(line: string): void {
    const event = JSON.parse(line) as Line;
    if (event.result !== undefined) this.#answered(event.result);
    else if (event.type === 'gap') {
      this.losses += 1;
      this.#isTold = true;
      if (event.epoch !== undefined) this.position = { epoch: event.epoch, offset: event.to ?? 0 };
    } else this.#publication(event);
  }

  #publication({ data, offset }: Line): void {
    if (data <= this.#last) throw new Error(`${data} came after ${this.#last}`);
    if (data !== this.#last + 1 && !this.#isTold) throw new Error(`${data} came after ${this.#last}, untold`);
    if (this.position !== undefined && offset !== undefined) {
      if (offset <= this.position.offset) throw new Error(`${offset} came after ${this.position.offset}`);
      this.position = { epoch: this.position.epoch, offset };
    }
    this.#isTold = false;
    this.#last = data;
    this.received += 1;
  }

  read(): void {
    for (const line of this.#client?.lines() ?? []) this.#take(line);
  }

  /** Everything was read. */
  finish(published: number): void {
    if (this.#last !== published && !this.#isTold)
      throw new Error(`ended at ${this.#last} of ${published}, untold`);
  }
}

const histories = [
  undefined,
  undefined,
  { size: 1, ttlMs: 600_000 },
  { size: 3, ttlMs: 600_000 },
  long,
  { size: 50, ttlMs: 20 },
];

async function playWorld(draw: Random): Promise<{ received: number; losses: number }> {
  const host = await startCore({
    rules: rules(pick(draw, histories)),
    laneLogBytes: pick(draw, [100, 1_000, 100_000]),
  });
  let published = 0;
  const publish = (): Promise<unknown> => {
    published += 1;
    return host.node.publish('a', String(published));
  };
  const readers = Array.from({ length: 4 }, () => new Reader(host, pick(draw, [100, 1_000, 1e9])));
  for (const reader of readers) await reader.connect(published);
  const read = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await host.settle();
      for (const reader of readers) if (reader.pace === 'fast') reader.read();
    }
  };
  for (let step = 0; step < 150; step += 1) {
    const choice = draw(10);
    const reader = pick(draw, readers);
    if (choice < 5) {
      for (let count = draw(6); count >= 0; count -= 1) void publish();
    } else if (choice < 6) host.rules.replace(rules(pick(draw, histories)));
    else if (choice < 7) await host.clock.elapse(draw(30));
    else if (choice < 8) reader.pace = pick(draw, ['fast', 'stalled'] as const);
    else if (choice < 9) await reader.connect(published);
    if (draw(3) > 0) await read(10);
  }
  for (const reader of readers) reader.pace = 'fast';
  await publish();
  await read(500);
  for (const reader of readers) reader.finish(published);
  expect(host.errors).toEqual([]);
  const sum = (of: (reader: Reader) => number): number =>
    readers.reduce((total, reader) => total + of(reader), 0);
  return { received: sum((reader) => reader.received), losses: sum((reader) => reader.losses) };
}

test('REC13 whatever becomes of the history, everybody gets everything in order, or is told', async () => {
  let [received, losses] = [0, 0];
  for (let seed = 1; seed <= 60; seed += 1) {
    const outcome = await playWorld(random(seed)).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    });
    received += outcome.received;
    losses += outcome.losses;
  }
  expect(received).toBeGreaterThan(20_000);
  expect(losses).toBeGreaterThan(50);
});
