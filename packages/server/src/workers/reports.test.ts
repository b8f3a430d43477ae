/** Reports of workers over links. */
import { limits } from '@carillon/protocol';
import { beforeEach, expect, test } from 'vitest';
import { LinkedWorkers, settled, type TestWorker } from '../testing/linked.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type Reporting, Reports, startReporting } from './reports.ts';

interface Report {
  readonly counted: number;
  readonly open: number;
}

interface Reporter {
  readonly worker: TestWorker;
  readonly reporting: Reporting;
  report: Report;
  /** It answers when it is asked. */
  isAwake: boolean;
  asked: number;
}

let clock: VirtualClock;
let reports: Reports<Report, number>;
let left: number[];
let machine: LinkedWorkers;

beforeEach(() => {
  clock = new VirtualClock();
  left = [];
  reports = new Reports<Report, number>({
    clock,
    lastingOf: ({ counted }) => counted,
    gone: (counted) => left.push(counted),
  });
  machine = new LinkedWorkers({ shared: [reports], clock });
});

async function begin(): Promise<Reporter> {
  const worker = machine.begin();
  const reporter: { -readonly [Key in keyof Reporter]?: Reporter[Key] } = {
    worker,
    report: { counted: 0, open: 0 },
    isAwake: true,
    asked: 0,
  };
  const made = reporter as Reporter;
  const read = (): Promise<Report> => {
    made.asked += 1;
    return made.isAwake ? Promise.resolve(made.report) : new Promise(() => {});
  };
  const lasting = (): number => made.report.counted;
  Object.assign(reporter, {
    reporting: startReporting(worker.calls, clock, { read, lasting }, made.report),
  });
  worker.serve();
  await settled();
  return made;
}

/** What is gathered, when everybody has had the time to answer. */
async function gathered(): Promise<Awaited<ReturnType<typeof reports.gather>>> {
  const all = reports.gather();
  await settled();
  clock.advance(limits.reportAnswerMs);
  return all;
}

test('are exact when they are asked for', async () => {
  const [one, two] = [await begin(), await begin()];
  one.report = { counted: 5, open: 1 };
  two.report = { counted: 7, open: 2 };
  expect(await gathered()).toEqual([
    { worker: 1, report: { counted: 5, open: 1 }, lasting: 5, isLate: false },
    { worker: 2, report: { counted: 7, open: 2 }, lasting: 7, isLate: false },
  ]);
});

test('of one that does not answer are those of before, with what it told since; it delays nobody, and is asked once', async () => {
  const one = await begin();
  one.report = { counted: 5, open: 1 };
  await gathered();
  one.isAwake = false;
  one.report = { counted: 9, open: 3 };
  clock.advance(limits.reportMs);
  await settled();
  const { asked } = one;
  for (let number = 0; number < 5; number++) {
    expect(await gathered()).toEqual([
      { worker: 1, report: { counted: 5, open: 1 }, lasting: 9, isLate: true },
    ]);
  }
  expect(one.asked).toBe(asked + 1);
});

test('what only rises is left by one that is killed: the newer of what it told and what it answered', async () => {
  const [told, answered, ended] = [await begin(), await begin(), await begin()];
  told.report = { counted: 3, open: 0 };
  clock.advance(limits.reportMs);
  await settled();
  answered.report = { counted: 20, open: 0 };
  await gathered();
  for (const { report: _, ...one } of [told, answered]) one.worker.end();
  ended.report = { counted: 100, open: 0 };
  ended.reporting.end();
  await settled();
  ended.worker.end();
  await settled();
  expect(left).toEqual([3, 20, 100]);
  expect(await gathered()).toEqual([]);
  clock.advance(10 * limits.reportMs);
  expect(left).toHaveLength(3);
});

test('one that ends while it is asked is not told of, but has left what it had', async () => {
  const [one, two] = [await begin(), await begin()];
  one.report = { counted: 4, open: 0 };
  clock.advance(limits.reportMs);
  await settled();
  one.isAwake = false;
  const all = reports.gather();
  await settled();
  one.worker.end();
  await settled();
  expect((await all).map(({ worker }) => worker)).toEqual([two.worker.id]);
  expect(left).toEqual([4]);
});

test('one that ended tells nothing any more', async () => {
  const { reporting } = await begin();
  reporting.end();
  expect(clock.timers).toBe(0);
});
