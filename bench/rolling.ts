/** The scenario `rolling`: all workers are replaced while clients read and publishers publish. Nothing may be missing, and latency is told. */

import { Agent } from 'node:http';
import { kill } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { noCounts, payload } from '../packages/server/src/bench/checker.ts';
import { Histogram } from '../packages/server/src/bench/histogram.ts';
import { figure, latencies, notes, type Outcome } from '../packages/server/src/bench/outcome.ts';
import { processTree, type Stretch, stopwatch } from '../packages/server/src/bench/process-figures.ts';
import type { Progress } from '../packages/server/src/bench/progress.ts';
import type { Size } from '../packages/server/src/bench/scenarios.ts';
import { BenchError, type Target } from '../packages/server/src/bench/target.ts';
import { ask } from '../packages/server/src/chaos/http.ts';
import { ReturningReader, type Returns } from './returning-reader.ts';
import { type StartOptions, startServer } from './servers.ts';
import { WorkersConfig } from './workers-config.ts';

interface Plan {
  readonly connections: number;
  readonly channels: number;
  /** Publications a second, in all channels together. */
  readonly perSecond: number;
  /** Before the replacement, to compare with. */
  readonly quietSeconds: number;
  readonly drain: string;
}

const payloadBytes = 128;
const publishers = 32;
const opening = 64;
/** How long the replacement may take. */
const replaceMs = 120_000;
/** How long what is under way at the end may take to arrive. */
const settleMs = 30_000;
const windowMs = 100;

export async function runRolling(
  { quick = false, connections, seconds }: Size,
  options: StartOptions,
  progress: Progress,
): Promise<Outcome> {
  const plan: Plan = {
    connections: connections ?? (quick ? 100 : 5_000),
    channels: quick ? 5 : 50,
    perSecond: quick ? 100 : 2_000,
    quietSeconds: seconds ?? (quick ? 0.5 : 5),
    drain: quick ? '1s' : '10s',
  };
  using config = new WorkersConfig(2, { drain: plan.drain });
  const server = await startServer('carillon', { ...options, config: config.file });
  try {
    return await new Rolling(server.target, plan, progress).run();
  } finally {
    await server.stop();
  }
}

class Rolling {
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #progress: Progress;
  readonly #readers: ReturningReader[];
  readonly #returns: Returns = { latency: undefined, times: [], faults: noCounts(), failure: undefined };
  readonly #tops: number[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: publishers });
  #answered = 0;
  #repeated = 0;
  #isOver = false;

  constructor(target: Target, plan: Plan, progress: Progress) {
    this.#target = target;
    this.#plan = plan;
    this.#progress = progress;
    this.#tops = new Array<number>(plan.channels).fill(0);
    this.#readers = Array.from(
      { length: plan.connections },
      (_, index) => new ReturningReader(target, channelOf(index % plan.channels), this.#returns),
    );
  }

  async run(): Promise<Outcome> {
    const { pid } = this.#target;
    if (pid === undefined) throw new BenchError('The scenario needs the process id of the server.', 69);
    try {
      await this.#open();
      const publishing = this.#publish();
      this.#progress.update('warming up');
      await pause(2_000);
      const quiet = await this.#during(() => pause(this.#plan.quietSeconds * 1_000));
      this.#progress.update('replacing');
      const rolling = await this.#during(() => replaced(pid));
      this.#isOver = true;
      await publishing;
      this.#progress.update('counting');
      const missing = await this.#missing();
      return this.#outcome(quiet, rolling, missing);
    } finally {
      this.#isOver = true;
      for (const reader of this.#readers) reader.close();
      this.#agent.destroy();
    }
  }

  async #open(): Promise<void> {
    let next = 0;
    const openSome = async (): Promise<void> => {
      while (next < this.#readers.length) {
        const reader = this.#readers[next++];
        await reader?.open();
        if (next % 100 === 0) this.#progress.update(`connecting ${next} of ${this.#readers.length}`);
      }
    };
    await Promise.all(Array.from({ length: opening }, openSome));
  }

  async #during(
    act: () => Promise<void>,
  ): Promise<{ readonly latency: Histogram; readonly stretch: Stretch }> {
    const latency = new Histogram();
    this.#returns.latency = latency;
    const watch = stopwatch(this.#target.pid);
    await act();
    const stretch = watch();
    this.#returns.latency = undefined;
    return { latency, stretch };
  }

  /** At the plan's rate, each publisher one at a time; what is not answered is sent again under the same key. */
  async #publish(): Promise<void> {
    const started = performance.now();
    let sent = 0;
    const publishSome = async (): Promise<void> => {
      while (!this.#isOver) {
        const number = sent++;
        const wait = started + (number * 1_000) / this.#plan.perSecond - performance.now();
        if (wait > 0) await pause(wait);
        await this.#publishOne(number);
      }
    };
    await Promise.all(Array.from({ length: publishers }, publishSome));
  }

  async #publishOne(number: number): Promise<void> {
    const { host: _, port, key = '' } = this.#target;
    const channel = number % this.#plan.channels;
    const data = payload(number, performance.now(), payloadBytes);
    const body = `{"channel":${JSON.stringify(channelOf(channel))},"idempotency_key":"${number}","data":${data}}`;
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` };
    for (let attempt = 0; attempt < 20; attempt++) {
      const agent = this.#agent;
      const answer = await ask({
        port,
        path: '/v1/publish',
        method: 'POST',
        headers,
        body,
        timeoutMs: 5_000,
        agent,
      });
      if (answer?.status === 200) {
        const { offset } = (JSON.parse(answer.text) as { result: { offset: number } }).result;
        this.#tops[channel] = Math.max(this.#tops[channel] ?? 0, offset);
        this.#answered += 1;
        return;
      }
      this.#repeated += 1;
      await pause(50);
    }
    throw new BenchError('A publication was not answered in twenty attempts.', 69);
  }

  /** What was acknowledged and has not reached every reader in the end. */
  async #missing(): Promise<number> {
    const behind = (): number =>
      this.#readers.reduce(
        (sum, { offset }, index) => sum + Math.max(0, (this.#tops[index % this.#tops.length] ?? 0) - offset),
        0,
      );
    for (const until = performance.now() + settleMs; behind() > 0 && performance.now() < until; )
      await pause(50);
    return behind();
  }

  #outcome(
    quiet: { readonly latency: Histogram; readonly stretch: Stretch },
    rolling: { readonly latency: Histogram; readonly stretch: Stretch },
    missing: number,
  ): Outcome {
    const { connections, channels, perSecond, drain } = this.#plan;
    const { times, faults, failure } = this.#returns;
    const seconds = rolling.stretch.seconds;
    return {
      scenario: 'rolling',
      title: `Rolling replacement of two workers: ${connections} connections in ${channels} channels, ${perSecond} publications/s in all, drain ${drain}`,
      figures: [
        ...latencies('quiet', quiet.latency, quiet.stretch),
        ...latencies('replacing', rolling.latency, rolling.stretch),
        figure('replacement s', seconds, 1),
        figure('reconnects', times.length, 0),
        figure(`most reconnects in ${windowMs} ms`, mostIn(times, windowMs), 0),
        figure('publications acknowledged', this.#answered, 0),
        figure('publish attempts repeated', this.#repeated, 0),
      ],
      counts: { ...faults, missing: faults.missing + missing },
      notes: notes(rolling.stretch, failure),
    };
  }
}

function channelOf(index: number): string {
  return `bench:rolling-${index}`;
}

/** SIGUSR2, and waits until each worker is another one than before. */
async function replaced(pid: number): Promise<void> {
  const before = workersOf(pid);
  if (before.length < 2) throw new BenchError('The server has no workers to replace.', 69);
  kill(pid, 'SIGUSR2');
  for (const until = performance.now() + replaceMs; performance.now() < until; await pause(50)) {
    const now = workersOf(pid);
    if (now.length === before.length && !now.some((worker) => before.includes(worker))) return;
  }
  throw new BenchError(`The workers were not replaced within ${replaceMs / 1_000} s.`, 69);
}

function workersOf(pid: number): readonly number[] {
  return processTree(pid).slice(1);
}

/** `times` in milliseconds, in order. */
function mostIn(times: readonly number[], ms: number): number {
  let [first, most] = [0, 0];
  for (const [index, time] of times.entries()) {
    while (time - (times[first] ?? time) >= ms) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
