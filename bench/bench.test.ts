/** The benchmark itself: small runs must count every delivery, and the arithmetic of comparisons must hold. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  Checker,
  KnownFrames,
  noCounts,
  parseArrival,
  payload,
} from '../packages/server/src/bench/checker.ts';
import { clientFrame, FrameReader, opcodes } from '../packages/server/src/bench/frames.ts';
import { Histogram } from '../packages/server/src/bench/histogram.ts';
import { parseScenarios } from '../packages/server/src/bench/main.ts';
import { figure, type Outcome } from '../packages/server/src/bench/outcome.ts';
import { silentProgress } from '../packages/server/src/bench/progress.ts';
import { runScenario, type ScenarioName } from '../packages/server/src/bench/scenarios.ts';
import { BenchError, parseTarget } from '../packages/server/src/bench/target.ts';
import { orderOf, ratios, summarise } from './compare.ts';
import { type RunningServer, serverNames, startServer } from './servers.ts';

const perfect = { missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 };

function figureOf(outcome: Outcome, name: string): number {
  return outcome.figures.find((each) => each.name === name)?.value ?? Number.NaN;
}

describe.each(serverNames)('a quick run against the %s server', (name) => {
  let server: RunningServer | undefined;
  afterEach(async () => server?.stop());

  async function quick(scenario: ScenarioName): Promise<Outcome> {
    server = await startServer(name, { pinned: false });
    return runScenario(scenario, server.target, { quick: true }, silentProgress);
  }

  it.each(['fanout', 'steady', 'wide'] as const)(
    '%s delivers every publication once and in order',
    async (scenario) => {
      const outcome = await quick(scenario);
      expect(outcome.counts).toEqual(perfect);
      expect(figureOf(outcome, 'deliveries/s')).toBeGreaterThan(0);
      expect(figureOf(outcome, 'latency p99 ms')).toBeGreaterThan(0);
      expect(figureOf(outcome, 'wire bytes/delivery')).toBeGreaterThan(128);
    },
  );

  it('directed reaches the user of each publication once and in order', async () => {
    const outcome = await quick('directed');
    expect(outcome.counts).toEqual(perfect);
    expect(figureOf(outcome, 'publications/s')).toBeGreaterThan(0);
    expect(figureOf(outcome, 'delivery p50 ms')).toBeGreaterThan(0);
  });

  it.each(['idle', 'idle-own', 'connect'] as const)(
    '%s holds every connection that it opened',
    async (scenario) => {
      const outcome = await quick(scenario);
      expect(outcome.counts).toEqual(perfect);
      expect(figureOf(outcome, 'connects/s')).toBeGreaterThan(0);
    },
  );
});

describe('a quick run against Carillon alone', () => {
  let server: RunningServer | undefined;
  afterEach(async () => server?.stop());

  it('sse delivers every publication once and in order', async () => {
    server = await startServer('carillon', { pinned: false });
    const outcome = await runScenario('sse', server.target, { quick: true }, silentProgress);
    expect(outcome.counts).toEqual(perfect);
    expect(figureOf(outcome, 'deliveries/s')).toBeGreaterThan(0);
    expect(figureOf(outcome, 'latency p99 ms')).toBeGreaterThan(0);
    expect(figureOf(outcome, 'wire bytes/delivery')).toBeGreaterThan(128);
  });

  it('longpoll answers every poll with every publication, once and in order', async () => {
    server = await startServer('carillon', { pinned: false });
    const outcome = await runScenario('longpoll', server.target, { quick: true }, silentProgress);
    expect(outcome.counts).toEqual(perfect);
    expect(figureOf(outcome, 'answers')).toBeGreaterThan(0);
    expect(figureOf(outcome, 'wire bytes/answer')).toBeGreaterThan(128);
  });
});

describe('a run that goes wrong', () => {
  it('says so when no server listens', async () => {
    const run = runScenario('fanout', parseTarget('http://127.0.0.1:1'), { quick: true }, silentProgress);
    await expect(run).rejects.toMatchObject({ exitCode: 69 });
  });

  it('names the scenarios when one is unknown', () => {
    expect(() => parseScenarios('fanout,nothing')).toThrow(/"nothing".*take fanout, steady/);
  });

  it('refuses a URL that it cannot load', () => {
    expect(() => parseTarget('https://example.com')).toThrow(BenchError);
  });
});

describe('the checker', () => {
  const arrivals = (numbers: readonly (readonly [n: number, offset: number])[]) => {
    const counts = noCounts();
    const checker = new Checker(counts);
    for (const [n, offset] of numbers) checker.arrived({ n, offset, sentAt: 0 });
    return counts;
  };

  it('finds nothing wrong with a stream that is whole', () => {
    expect(
      arrivals([
        [0, 5],
        [1, 6],
        [2, 7],
      ]),
    ).toEqual(perfect);
  });

  it('tells a repeated publication from one that comes late', () => {
    expect(
      arrivals([
        [0, 1],
        [2, 3],
        [1, 2],
        [3, 4],
      ]).outOfOrder,
    ).toBeGreaterThan(0);
    expect(
      arrivals([
        [0, 1],
        [1, 2],
        [1, 2],
      ]).duplicate,
    ).toBe(1);
  });

  it('counts a hole in the offsets as out of order', () => {
    expect(
      arrivals([
        [0, 1],
        [1, 3],
      ]).outOfOrder,
    ).toBe(1);
  });

  it('knows a frame again only when every byte is the same', () => {
    const known = new KnownFrames();
    const frame = Buffer.from('frame');
    known.keep(frame, 0, 5, { n: 3, sentAt: 0, offset: 4 });
    expect(known.match(3, Buffer.from('frame'), 0, 5)?.offset).toBe(4);
    expect(known.match(3, Buffer.from('frams'), 0, 5)).toBeUndefined();
    expect(known.match(2, frame, 0, 5)).toBeUndefined();
  });

  it('reads back what a payload says, at the size asked for', () => {
    const data = payload(7, 12.5, 128);
    expect(data).toHaveLength(128);
    expect(parseArrival(`{"event":"c","data":${data},"offset":9}`, 'c')).toEqual({
      n: 7,
      sentAt: 12.5,
      offset: 9,
    });
    expect(parseArrival('{"event":"c","type":"gap"}', 'c')).toBeUndefined();
  });
});

describe('the frame reader', () => {
  it.each([1, 2, 3, 7, 1000])('finds the same frames in pieces of %i bytes', (size) => {
    const seen: number[] = [];
    const reader = new FrameReader({
      frame: (opcode, _bytes, at, from, to) => seen.push(opcode, from - at, to - from),
    });
    const head = (length: number) => (length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255]);
    const stream = Buffer.concat(
      [5, 0, 300].flatMap((length) => [Buffer.from(head(length)), Buffer.alloc(length)]),
    );
    for (let at = 0; at < stream.length; at += size)
      reader.read(stream.subarray(at, at + size), 0, Math.min(size, stream.length - at));
    expect(seen).toEqual([1, 2, 5, 1, 2, 0, 1, 4, 300]);
    expect(reader.aligned).toBe(true);
  });

  it('masks what it sends', () => {
    const frame = clientFrame(opcodes.text, Buffer.from('hello'));
    const key = frame.subarray(2, 6);
    expect(
      frame
        .subarray(6)
        .map((byte, index) => byte ^ (key[index & 3] ?? 0))
        .toString(),
    ).toBe('hello');
  });
});

describe('figures', () => {
  it('gives quantiles within 2 % of the samples', () => {
    const histogram = new Histogram();
    for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
    expect(histogram.quantile(0.5)).toBeGreaterThan(490);
    expect(histogram.quantile(0.5)).toBeLessThan(510);
    expect(histogram.quantile(0.99)).toBeGreaterThan(970);
    expect(histogram.quantile(0.99)).toBeLessThan(1010);
    expect(new Histogram().quantile(0.5)).toBeUndefined();
  });

  const outcome = (value: number, bound?: '>='): Outcome => ({
    scenario: 's',
    title: 's',
    figures: [{ ...figure('deliveries/s', value, 0), ...(bound === undefined ? {} : { bound }) }],
    counts: { ...perfect, missing: 1 },
    notes: [],
  });

  it('takes medians over rounds and adds up what went wrong', () => {
    const series = summarise('carillon', [outcome(30), outcome(10), outcome(20)]);
    expect(series.figures[0]?.value).toBe(20);
    expect(series.counts.missing).toBe(3);
  });

  it('passes a bound on to the ratio', () => {
    const [fast, slow] = [summarise('carillon', [outcome(90, '>=')]), summarise('baseline', [outcome(30)])];
    expect(ratios(fast, slow)).toEqual([{ name: 'deliveries/s', value: 3, bound: '>=' }]);
    expect(ratios(slow, fast)[0]?.bound).toBe('<=');
    expect(ratios(fast, fast)[0]?.bound).toBe('~');
  });

  it('turns the order of servers every round', () => {
    expect([0, 1, 2].map((round) => orderOf(serverNames, round)[0])).toEqual([
      'carillon',
      'baseline',
      'carillon',
    ]);
  });
});
