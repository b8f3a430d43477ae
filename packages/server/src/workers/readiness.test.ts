/** Readiness over links: every way has a song that the test lets come back, or not. */
import { limits } from '@carillon/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { refuse } from '../core/errors.ts';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { askReadiness, brokerReadiness, Readiness, type Sing } from './readiness.ts';

/** `held`: it does not come back. */
type Way = 'back' | 'held' | 'refused';

let clock: VirtualClock;
let machine: LinkedWorkers;
let broker: Way;
let brokerSongs: number;
let serving: { readonly id: number }[];
let ways: Map<number, Way>;
/** Songs that each worker was asked for. */
let songs: Map<number, number>;
let back: (() => void)[];

function sing(way: Way | undefined): Promise<void> {
  if (way === 'refused') return Promise.reject(refuse('notAvailable', 'the log is full'));
  if (way === 'held') return new Promise((resolve) => back.push(resolve));
  return Promise.resolve();
}

beforeEach(() => {
  clock = new VirtualClock();
  [broker, brokerSongs, serving, back] = ['back', 0, [], []];
  [ways, songs] = [new Map(), new Map()];
  const readiness = new Readiness({
    sing: () => {
      brokerSongs += 1;
      return sing(broker);
    },
    count: 3,
    serving: () => serving,
    clock,
  });
  machine = new LinkedWorkers({ shared: [readiness], clock });
});

/** Three workers; what each asks when it is asked. */
function start(): { readonly workers: readonly TestWorker[]; readonly asks: readonly Sing[] } {
  const asks: Sing[] = [];
  const workers = machine.serve(3, ({ id, calls }) => {
    ways.set(id, 'back');
    const song: Sing = () => {
      songs.set(id, (songs.get(id) ?? 0) + 1);
      return sing(ways.get(id));
    };
    asks.push(askReadiness(calls, song, clock));
  });
  serving = workers.map(({ id }) => ({ id }));
  return { workers, asks };
}

/** What is said, when as much time has passed as it may take. */
async function saidBy(ask: Sing | undefined): Promise<string> {
  const said = (ask?.() ?? Promise.reject(new Error('nobody'))).then(
    () => 'ready',
    (error: Error) => error.message,
  );
  await settled();
  clock.advance(limits.readyMs);
  return said;
}

describe('API8 a server of several workers is ready', () => {
  test('when a publication comes back through the broker and every one of them, whoever is asked', async () => {
    const { asks } = start();
    for (const ask of asks) expect(await saidBy(ask)).toBe('ready');
    expect([brokerSongs, [...songs.values()]]).toEqual([3, [3, 3, 3]]);
  });

  test('not while one does not bring it back, which is named; several are', async () => {
    const { asks } = start();
    ways.set(3, 'held');
    expect(await saidBy(asks[0])).toBe(
      'not available: the publication through worker 3 did not come back within 2000 ms',
    );
    ways.set(1, 'held');
    expect(await saidBy(asks[1])).toContain('through workers 1, 3 did not come back within 2000 ms');
    ways.set(2, 'refused');
    expect(await saidBy(asks[1])).toBe(
      'not available: the publication through workers 1, 3 did not come back within 2000 ms; ' +
        'the publication through worker 2 failed (not available: the log is full)',
    );
    ways.clear();
    for (const heard of back.splice(0)) heard();
    await settled();
    expect(await saidBy(asks[2])).toBe('ready');
  });

  test('not while the broker is slow, and the workers are not blamed for it', async () => {
    const { asks } = start();
    broker = 'held';
    for (const id of ways.keys()) ways.set(id, 'held');
    expect(await saidBy(asks[0])).toBe(
      'not available: the publication through the broker did not come back within 2000 ms',
    );
    broker = 'refused';
    for (const heard of back.splice(0)) heard();
    await settled();
    expect(await saidBy(asks[0])).toContain('through the broker failed (not available: the log is full)');
  });

  test('not while one is missing; one that retires is not asked', async () => {
    const { workers, asks } = start();
    workers[1]?.end();
    serving = serving.filter(({ id }) => id !== 2);
    expect(await saidBy(asks[0])).toBe('not available: 1 of 3 workers is missing and being started');
    const fourth = machine.serve(1, ({ calls }) => void askReadiness(calls, () => Promise.resolve(), clock));
    serving = [...serving, ...fourth];
    expect(await saidBy(asks[0])).toBe('ready');
    expect(songs.get(2)).toBeUndefined();
  });

  test('and one that is stuck is not asked again before it answers; requests that come together ask once', async () => {
    const { asks } = start();
    ways.set(3, 'held');
    for (let number = 0; number < 5; number++) await saidBy(asks[0]);
    expect([songs.get(1), songs.get(3)]).toEqual([5, 1]);
    const together = asks.map((ask) => saidBy(ask));
    await Promise.all(together);
    expect([songs.get(1), songs.get(3)]).toEqual([6, 1]);
  });
});

test('API8 a worker says that the primary does not answer', async () => {
  const worker = new LinkedWorkers({ clock }).begin();
  worker.atPrimary.calls.offer('readiness', { check: () => new Promise<void>(() => {}) }, ['check']);
  const asked = expect(askReadiness(worker.calls, () => Promise.resolve(), clock)()).rejects.toThrow(
    'the primary did not answer within 2500 ms',
  );
  await settled();
  clock.advance(2_500);
  await asked;
});

test('API8 one process names the broker', async () => {
  let way: Way = 'back';
  const ask = brokerReadiness(() => sing(way), clock);
  expect(await saidBy(ask)).toBe('ready');
  way = 'held';
  expect(await saidBy(ask)).toBe(
    'not available: the publication through the broker did not come back within 2000 ms',
  );
  for (const heard of back.splice(0)) heard();
  await settled();
  way = 'refused';
  expect(await saidBy(ask)).toContain('through the broker failed');
});
