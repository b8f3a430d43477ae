/** The scenarios `durable` and `restart`: what a data directory costs with each `sync`, and how soon a server with much in it answers again. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiConnection } from '../packages/server/src/bench/api-connection.ts';
import { noCounts, payload } from '../packages/server/src/bench/checker.ts';
import { Histogram } from '../packages/server/src/bench/histogram.ts';
import { cpu, figure, latencies, notes, type Outcome, rate } from '../packages/server/src/bench/outcome.ts';
import { stopwatch } from '../packages/server/src/bench/process-figures.ts';
import type { Progress } from '../packages/server/src/bench/progress.ts';
import type { Size } from '../packages/server/src/bench/scenarios.ts';
import { BenchError, type Target } from '../packages/server/src/bench/target.ts';
import { type RunningServer, type StartOptions, startServer } from './servers.ts';

/** `memory`: no data directory. */
export const stores = ['always', 'memory', 'interval', 'off'] as const;
export type Store = (typeof stores)[number];

interface Plan {
  readonly channels: number;
  readonly publications: number;
  /** Keep-alive HTTP connections with one publication on the way each. */
  readonly publishers: number;
  readonly payload: number;
}

const benchConfig = fileURLToPath(new URL('carillon.config.json', import.meta.url));
const mebibyte = 1_048_576;

/** One round with one store, against a server of its own: publications as fast as they are answered. */
export async function runDurable(
  store: Store,
  { quick, connections, seconds }: Size,
  options: StartOptions,
  progress: Progress,
): Promise<Outcome> {
  if (seconds !== undefined)
    throw new BenchError("'durable' counts publications; it takes no --seconds.", 64);
  const plan = {
    channels: 100,
    publications: quick === true ? 1_000 : 100_000,
    publishers: connections ?? 64,
    payload: 128,
  };
  using folder = new Folder(store, 100);
  const server = await startServer('carillon', { ...options, config: folder.config });
  try {
    return await measurePublishing(server.target, plan, progress);
  } finally {
    await server.stop();
  }
}

/** Fills a log, kills the server, starts it again, and waits for its first answer. */
export async function runRestart(
  { quick }: Size,
  options: StartOptions,
  progress: Progress,
): Promise<Outcome> {
  const size = 10_240;
  const publications = quick === true ? 1_000 : 104_858;
  const plan = { channels: 100, publications, publishers: 16, payload: size };
  using folder = new Folder('off', publications);
  const first = await startServer('carillon', { ...options, config: folder.config });
  await new Publishing(first.target, plan, progress).run().finally(() => first.kill());
  const before = performance.now();
  const second = await startServer('carillon', { ...options, config: folder.config });
  const startedMs = performance.now() - before;
  try {
    return await restartOutcome(second, plan, folder.bytes(), startedMs);
  } finally {
    await second.stop();
  }
}

async function restartOutcome(
  { target }: RunningServer,
  { channels, publications, payload: size }: Plan,
  bytes: number,
  startedMs: number,
): Promise<Outcome> {
  const before = performance.now();
  const { offset } = await newest(target, 0);
  const readMs = performance.now() - before;
  const expected = Math.ceil(publications / channels);
  return {
    scenario: 'restart',
    title: `Restart after kill -9: ${publications.toLocaleString('en')} publications of ${size} bytes in the log`,
    figures: [
      figure('log MiB', bytes / mebibyte, 0),
      figure('start to answer ms', startedMs, 0),
      figure('first history ms', readMs, 1),
    ],
    counts: { ...noCounts(), missing: Math.max(0, expected - offset) },
    notes: [],
  };
}

/** So many publications, each connection with one on the way. */
export async function measurePublishing(target: Target, plan: Plan, progress: Progress): Promise<Outcome> {
  const { channels, publications, publishers } = plan;
  await new Publishing(target, { ...plan, publications: Math.ceil(publications / 20) }, progress).run();
  const publishing = new Publishing(target, plan, progress);
  const watch = stopwatch(target.pid);
  await publishing.run();
  const stretch = watch();
  const tops = await Promise.all(Array.from({ length: channels }, (_, channel) => newest(target, channel)));
  const kept = tops.reduce((sum, { offset }) => sum + offset, 0);
  const sent = publications + Math.ceil(publications / 20);
  return {
    scenario: 'durable',
    title: `Durable publish: ${publications.toLocaleString('en')} publications into ${channels} channels, ${publishers} HTTP connections, one on the way in each, ${plan.payload} bytes`,
    figures: [
      rate('publications/s', publications, stretch),
      ...latencies('answer', publishing.latency, stretch),
      ...cpu('publication', publications, stretch),
    ],
    counts: { ...noCounts(), missing: Math.max(0, sent - kept), unexpected: Math.max(0, kept - sent) },
    notes: notes(stretch, undefined),
  };
}

/** So many publications over so many connections, each sent when the one before was answered. */
class Publishing {
  readonly latency = new Histogram();
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #progress: Progress;
  #sent = 0;
  #answered = 0;

  constructor(target: Target, plan: Plan, progress: Progress) {
    this.#target = target;
    this.#plan = plan;
    this.#progress = progress;
  }

  async run(): Promise<void> {
    const { publishers, publications } = this.#plan;
    const connections: ApiConnection[] = [];
    try {
      for (let count = 0; count < publishers; count++)
        connections.push(await ApiConnection.open(this.#target));
      const all = connections.map((connection) => this.#drive(connection));
      await Promise.all(all);
    } finally {
      for (const connection of connections) connection.close();
    }
    if (this.#answered < publications) throw new BenchError('Not every publication was answered.', 69);
  }

  #drive(connection: ApiConnection): Promise<void> {
    const { channels, publications, payload: size } = this.#plan;
    return new Promise((resolve, reject) => {
      let sentAt = 0;
      const next = (): void => {
        if (this.#sent >= publications) {
          resolve();
          return;
        }
        const number = this.#sent++;
        sentAt = performance.now();
        connection.publish(`bench:${number % channels}`, payload(number, sentAt, size));
      };
      connection.answered = () => {
        this.latency.add(performance.now() - sentAt);
        this.#answered += 1;
        if (this.#answered % 1_000 === 0) this.#progress.update(`${this.#answered} of ${publications}`);
        const { failure } = connection;
        if (failure === undefined) next();
        else reject(new BenchError(`Publishing over HTTP failed: ${failure}.`, 69));
      };
      next();
    });
  }
}

/** Where a channel stands. */
async function newest({ host, port, key }: Target, channel: number): Promise<{ readonly offset: number }> {
  const response = await fetch(`http://${host}:${port}/v1/history`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({ channel: `bench:${channel}`, limit: 1, reverse: true }),
  });
  const { result } = (await response.json()) as { readonly result: { readonly offset: number } };
  return result;
}

/** A data directory and the config that names it, until the run is over. */
class Folder implements Disposable {
  readonly config: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-bench-'));

  constructor(store: Store, size: number) {
    this.config = join(this.#folder, 'carillon.config.json');
    const config: { channels: object } = JSON.parse(readFileSync(benchConfig, 'utf8'));
    const channels = { 'bench:*': { subscribe: 'anyone', history: { size, ttl: '1h' } } };
    const kept = store === 'memory' ? {} : { dataDir: './data', sync: store };
    writeFileSync(this.config, JSON.stringify({ ...config, channels, ...kept }));
  }

  bytes(): number {
    const file = join(this.#folder, 'data', 'carillon.db');
    return statSync(file).size + statSync(`${file}-wal`).size;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
