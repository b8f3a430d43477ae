/** What clients and monitors reach at any worker of a server of two: every request comes on a connection of its own. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FeedClient, FeedQuery } from '../../packages/server/src/testing/feed-client.ts';
import { type FeedClientName, feedClients } from '../../packages/server/src/testing/feed-clients.ts';
import { type NativeClientName, nativeClients } from '../../packages/server/src/testing/native-clients.ts';
import { type RunningCarillon, runCarillon, startCarillon } from '../support/carillon.ts';

let server: RunningCarillon;
const clients: FeedClient[] = [];

async function start(): Promise<void> {
  const rule = { subscribe: 'anyone', publish: 'anyone', history: { size: 20_000, ttl: '10m' } };
  server = await startCarillon({
    config: {
      workers: 2,
      api: { keys: ['key'] },
      auth: { anonymous: true },
      channels: { '*': rule },
    },
  });
}

beforeAll(start);
afterEach(() => {
  for (const client of clients.splice(0)) client.cut();
});
afterAll(() => server?.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own, so that any worker may get it. */
function call(
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path, method, headers, agent: false };
    const sent = request(options, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function api<Result>(method: string, params: object = {}): Promise<Result> {
  const { body } = await call(`/v1/${method}`, 'POST', { 'X-API-Key': 'key' }, JSON.stringify(params));
  return (JSON.parse(body) as { readonly result: Result }).result;
}

interface Opened {
  readonly session: string;
  readonly secret: string;
}

async function openPolls(): Promise<Opened> {
  return JSON.parse((await call('/stream?transport=longpoll')).body) as Opened;
}

/** A session at each worker; the second may begin to serve a while after the first. */
async function openAtBoth(): Promise<readonly Opened[]> {
  const byWorker = new Map<string, Opened>();
  for (let attempt = 0; attempt < 400 && byWorker.size < 2; attempt++) {
    if (attempt > 20) await sleep(25);
    const opened = await openPolls();
    byWorker.set(opened.session.split('.')[0] ?? '', opened);
  }
  expect(byWorker.size).toBe(2);
  return [...byWorker.values()];
}

function of({ session, secret }: Opened, method: string, rest = '', body = ''): Promise<Answer> {
  return call(`/stream/${session}${rest}`, method, { 'X-Carillon-Secret': secret }, body);
}

describe('a native session over HTTP', () => {
  test('STR3 STR7 takes POSTs in order and answers polls at whichever worker they arrive', async () => {
    for (const opened of await openAtBoth()) {
      const got: unknown[] = [];
      for (let number = 1; number <= 40; number++) {
        expect((await of(opened, 'POST', '', `{"id":${number},"op":"ping"}`)).status).toBe(204);
        const { body } = await of(opened, 'GET', `?ack=${number - 1}&timeout=10`);
        const { seq, messages } = JSON.parse(body) as { seq: number; messages: unknown[] };
        expect(seq).toBe(number);
        got.push(...messages);
      }
      expect(got).toEqual(Array.from({ length: 40 }, (_, index) => ({ id: index + 1, result: 'pong' })));
    }
  });

  test('STR9 a poll takes the place of the one that is held, wherever both arrive', async () => {
    const [opened] = (await openAtBoth()) as [Opened];
    let held = of(opened, 'GET', '?ack=0&timeout=20');
    for (let number = 0; number < 20; number++) {
      // The one that comes later at the session is the one that stays.
      const next = of(opened, 'GET', '?ack=0&timeout=20');
      const first = await Promise.race([held.then(() => 'before'), next.then(() => 'after')]);
      held = first === 'before' ? next : held;
    }
    await of(opened, 'POST', '', '{"id":1,"op":"ping"}');
    expect(JSON.parse((await held).body)).toMatchObject({ messages: [{ id: 1, result: 'pong' }] });
  });

  test('STR6 STR10 ends at any worker; then, and with another secret, it is as if it had never been', async () => {
    const [one, two] = (await openAtBoth()) as [Opened, Opened];
    const stranger = { session: one.session, secret: two.secret };
    const nobody = { session: `77.${'x'.repeat(22)}`, secret: one.secret };
    const answers = new Set<string>();
    for (const wrong of [stranger, nobody, { ...nobody, session: 'x' }]) {
      for (let attempt = 0; attempt < 10; attempt++) {
        for (const method of ['GET', 'POST', 'DELETE'])
          answers.add(
            JSON.stringify(await of(wrong, method, '?ack=0', method === 'POST' ? '{"op":"ping"}' : '')),
          );
      }
    }
    for (const opened of [one, two]) {
      expect((await of(opened, 'DELETE')).status).toBe(204);
      for (let attempt = 0; attempt < 10; attempt++)
        answers.add(JSON.stringify(await of(opened, 'GET', '?ack=0')));
    }
    expect([...answers].map((text) => (JSON.parse(text) as Answer).status)).toEqual([404]);
  });
});

const makers: Readonly<Record<string, () => FeedClient>> = { ...feedClients, ...nativeClients };

async function open(name: string, query: FeedQuery): Promise<FeedClient> {
  const client = makers[name]?.();
  if (client === undefined) throw new Error(`no client ${name}`);
  clients.push(client);
  await client.open(server.port, query);
  return client;
}

const feeds: readonly FeedClientName[] = ['websocket/json', 'sse', 'ndjson', 'iframe', 'longpoll', 'jsonp'];
const natives: readonly NativeClientName[] = [
  'websocket/native',
  'stream/sse',
  'stream/ndjson',
  'stream/longpoll',
];

describe.each([
  ['sub', feeds],
  ['stream', natives],
])('a client of /%s, or a WebSocket, that goes from any transport to any other', (family, names) => {
  test('misses nothing and gets nothing twice, whichever workers serve it', async () => {
    const channels = [`walk:${family}:a`, `walk:${family}:b`];
    let made = 0;
    const publish = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        made += 1;
        await api('publish', { channel: channels[made % 2], data: { n: made } });
      }
    };
    for (const from of names) {
      for (const to of names) {
        const before = made;
        const first = await open(from, { channels });
        await publish(6);
        await first.has(6);
        first.cut();
        await publish(6);
        const second = await open(to, { channels, cursor: first.cursor });
        await publish(4);
        await second.has(10);
        second.cut();
        const numbers = [...first.numbers, ...second.numbers].map(Number).sort((a, b) => a - b);
        expect(numbers, `${from} to ${to}`).toEqual(Array.from({ length: 16 }, (_, at) => before + at + 1));
        expect([second.recovered, second.gaps]).toEqual([true, []]);
      }
    }
  }, 60_000);
});

interface Worker {
  readonly id: number;
  readonly pid: number;
  readonly connections: number;
  readonly sessions: number;
  readonly deliveries: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly late?: true;
}

interface Info {
  readonly pid: number;
  readonly workers: readonly Worker[];
  readonly totals: Readonly<Record<string, number>>;
  readonly primary: { readonly pid: number; readonly restarts: number };
}

/** The figures of Prometheus' text by name and labels. */
async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { body } = await call('/metrics');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

/** Asks until it holds, for 20 s at most. */
async function eventually<Found>(
  look: () => Promise<Found>,
  holds: (found: Found) => boolean,
): Promise<Found> {
  for (let attempt = 0; ; attempt++) {
    const found = await look();
    if (holds(found) || attempt === 200) return found;
    await sleep(100);
  }
}

const readiness = (): Promise<Answer> => call('/readyz');
const isReady = ({ status }: Answer): boolean => status === 200;

describe('figures', () => {
  const channel = 'figures';
  const count = 8;

  /** Sessions that nobody polls any more would be counted for a while. */
  beforeAll(async () => {
    await server.stop();
    await start();
  });

  /** Some at each worker. */
  async function readers(): Promise<FeedClient[]> {
    const made: FeedClient[] = [];
    for (let number = 0; number < count; number++) made.push(await open('sse', { channels: [channel] }));
    return made;
  }

  test('info is exact when it is asked for, at any worker, and a channel counts once', async () => {
    await eventually(readiness, isReady);
    const before = await eventually(
      () => api<Info>('info'),
      ({ totals }) => totals['sessions'] === 0,
    );
    const all = await readers();
    await api('publish', { channel, data: { n: 1 } });
    for (const reader of all) await reader.has(1);
    for (let attempt = 0; attempt < 10; attempt++) {
      const { pid, workers, totals, primary } = await api<Info>('info');
      expect([pid, primary.pid, workers.length]).toEqual([server.pid, server.pid, 2]);
      expect(new Set([server.pid, ...workers.map((worker) => worker.pid)]).size).toBe(3);
      expect(workers.map(({ sessions }) => sessions).reduce((sum, one) => sum + one)).toBe(count);
      expect(totals).toMatchObject({
        sessions: count,
        connections: count,
        subscriptions: count,
        channels: 1,
        publications: (before.totals['publications'] ?? 0) + 1,
        deliveries: (before.totals['deliveries'] ?? 0) + count,
      });
      for (const { cpuSeconds, memoryBytes } of workers) {
        expect(cpuSeconds).toBeGreaterThan(0);
        expect(memoryBytes).toBeGreaterThan(1_000_000);
      }
    }
  });

  test('metrics are those of all workers, and of each of them, whoever is asked', async () => {
    await eventually(
      () => api<Info>('info'),
      ({ totals }) => totals['sessions'] === 0,
    );
    await readers();
    const { workers } = await api<Info>('info');
    for (let attempt = 0; attempt < 10; attempt++) {
      const found = await metrics();
      expect([found.get('carillon_sessions'), found.get('carillon_channels')]).toEqual([count, 1]);
      expect(found.get('carillon_connections{transport="sse"}')).toBe(count);
      expect(found.get('carillon_workers')).toBe(2);
      expect(workers.map(({ id }) => found.get(`carillon_worker_connections{worker="${id}"}`))).toEqual(
        workers.map(({ connections }) => connections),
      );
      for (const worker of ['primary', ...workers.map(({ id }) => String(id))])
        expect(found.get(`carillon_process_resident_memory_bytes{worker="${worker}"}`)).toBeGreaterThan(0);
      for (const { id } of workers)
        expect(found.get(`carillon_worker_cpu_seconds_total{worker="${id}"}`)).toBeGreaterThan(0);
    }
  });

  test('nothing that rises falls when a worker is killed or all are replaced', async () => {
    const all = await readers();
    for (let number = 0; number < 20; number++) await api('publish', { channel, data: { n: number } });
    for (const reader of all) await reader.has(20);
    const rising = /_total(\{|$)/;
    // Those of one process begin anew with it.
    const own = /worker="|carillon_worker/;
    let last = await metrics();
    const look = async (): Promise<void> => {
      const found = await metrics();
      for (const [name, value] of last) {
        if (rising.test(name) && !own.test(name)) expect(found.get(name), name).toBeGreaterThanOrEqual(value);
      }
      last = found;
    };
    const { workers, primary } = await api<Info>('info');
    process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
    for (let attempt = 0; attempt < 20; attempt++) await look().catch(refusedOnly);
    await eventually(readiness, isReady);
    await look();
    const after = await api<Info>('info');
    expect(after.primary.restarts).toBe(primary.restarts + 1);
    expect(last.get('carillon_worker_restarts_total')).toBe(after.primary.restarts);
    process.kill(server.pid, 'SIGUSR2');
    const ids = new Set(after.workers.map(({ id }) => id));
    await eventually(
      async () => {
        await look().catch(refusedOnly);
        return api<Info>('info').catch(() => after);
      },
      (info) => info.workers.length === 2 && info.workers.every(({ id }) => !ids.has(id)),
    );
    await look();
    expect(last.get(`carillon_publications_total`)).toBeGreaterThanOrEqual(20);
  }, 60_000);

  test('top shows every worker and all together', async () => {
    await eventually(readiness, isReady);
    const { workers } = await api<Info>('info');
    const asked = ['top', '--count', '2', '--url', server.url, '--key', 'key'];
    const { stdout } = await runCarillon([...asked, '--json']);
    const [, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Info & { totals: object });
    expect(second).toMatchObject({
      pid: server.pid,
      workers: workers.map(({ id, pid }) => ({ id, pid, perSecond: { deliveries: expect.any(Number) } })),
      totals: { perSecond: { publications: expect.any(Number) } },
      primary: { pid: server.pid, restarts: expect.any(Number) },
    });
    const lines = (await runCarillon(asked)).stdout.trim().split('\n');
    const names = [...workers.map(({ id }) => String(id)), 'primary', 'total'];
    expect(lines.map((line) => line.split('  ')[0])).toEqual(
      [...names, ...names].map((name) => `worker ${name}`),
    );
  });
});

/** A request that went to the worker that was killed tells nothing. */
function refusedOnly(error: unknown): void {
  if (!/ECONNRE|socket hang up/.test(String((error as NodeJS.ErrnoException).message))) throw error;
}

describe('a worker that is paused', () => {
  test('API8 is named by readiness within its time, and info tells what is known of it', async () => {
    await eventually(readiness, isReady);
    const { workers } = await api<Info>('info');
    const paused = workers[0] as Worker;
    process.kill(paused.pid, 'SIGSTOP');
    try {
      // The kernel gives it connections, too, which nobody answers.
      const ready = await answered(readiness);
      expect([ready.status, JSON.parse(ready.body)]).toEqual([
        503,
        {
          status: 'unavailable',
          error: {
            code: 108,
            message: expect.stringContaining(
              `the publication through worker ${paused.id} did not come back within 2000 ms`,
            ),
          },
        },
      ]);
      const info = await answered(() => api<Info>('info'));
      expect(info.workers.map(({ id, late }) => [id, late])).toEqual(
        workers.map(({ id }) => [id, id === paused.id ? true : undefined]),
      );
      expect((await answered(metrics)).get('carillon_workers')).toBe(2);
    } finally {
      process.kill(paused.pid, 'SIGCONT');
    }
    expect((await eventually(readiness, isReady)).status).toBe(200);
    expect((await api<Info>('info')).workers.some(({ late }) => late === true)).toBe(false);
  });

  /** Of several that ask at the same time, the first that is answered. */
  function answered<Found>(ask: () => Promise<Found>): Promise<Found> {
    return Promise.any(Array.from({ length: 12 }, ask));
  }
});
