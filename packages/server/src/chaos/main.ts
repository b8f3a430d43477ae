/** What `carillon chaos` does: starts a server, readers and publishers, disturbs them for a while, and judges what arrived. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api.ts';
import { ChaosError } from './chaos-error.ts';
import type { Fault, FaultKind } from './check.ts';
import { Disturber } from './disturber.ts';
import { ReaderLog } from './log.ts';
import { makePlan, type Plan, type ReaderPlan, type Size } from './plan.ts';
import { CuttingProxy } from './proxy.ts';
import { Publisher } from './publisher.ts';
import { random } from './random.ts';
import type { Reader } from './reader.ts';
import { RunFolder } from './run-folder.ts';
import { SdkReader } from './sdk-reader.ts';
import { freePort, ServerProcess } from './server-process.ts';
import { PollReader, SseReader } from './sub-reader.ts';
import { Ledger, type Truth } from './truth.ts';
import { countEntries, judge, type Verdict } from './verdict.ts';

export interface ChaosOptions extends Size {
  readonly seed: number;
}

/** How long readers have to be subscribed, and at the end to get what is left. */
const readyMs = 30_000;
const catchUpMs = 60_000;
/** What comes twice, comes soon. */
const settleMs = 300;

/** `onStep` is told what happens. @throws {ChaosError} the first server did not start. */
export async function runChaos(options: ChaosOptions, onStep: (step: string) => void): Promise<Verdict> {
  const folder = new RunFolder(options);
  try {
    const run = new Run(options, folder, await freePort());
    const verdict = await run.go(onStep);
    if (verdict.ok) return verdict;
    folder.keep();
    return { ...verdict, folder: folder.path };
  } finally {
    folder.end();
  }
}

class Run {
  readonly #options: ChaosOptions;
  readonly #plan: Plan;
  readonly #ledger: Ledger;
  readonly #server: ServerProcess;
  readonly #key: string;
  readonly #faults: Fault[] = [];
  readonly #closers: (() => unknown)[] = [];

  constructor(options: ChaosOptions, folder: RunFolder, port: number) {
    this.#options = options;
    this.#plan = makePlan(options.seed, options);
    this.#ledger = new Ledger(this.#plan.channels);
    this.#key = folder.key;
    this.#server = new ServerProcess(folder, port, (sentence) => this.#fault('server', 'server', sentence));
  }

  async go(onStep: (step: string) => void): Promise<Verdict> {
    const { seconds, durable } = this.#options;
    await this.#server.start();
    const proxy = await this.#using(await CuttingProxy.start(this.#server.port), (made) => made.stop());
    const disturber = new Disturber(this.#server, proxy);
    const api = await this.#using(new Api(proxy.port, this.#key), (made) => made.close());
    try {
      const readers = this.#plan.readers.map((plan) => startReader(plan, proxy.port));
      this.#closers.push(() => readers.map((reader) => reader.close()));
      await this.#allReady(readers);
      const publishers = this.#publishers(api);
      const published = this.#published(publishers);
      await disturber.run(this.#plan.disturbances, seconds * 1000, onStep);
      onStep('publishing the last');
      for (const publisher of publishers) publisher.stop();
      await published;
      onStep('waiting for readers');
      const truths = await this.#end(readers, publishers, api);
      const logs = readers.flatMap((reader) => reader.logs);
      const terms = { durable, ends: this.#server.ends };
      const faults = judge({ truths, logs, faults: this.#faults }, terms);
      return this.#verdict(faults, logs, disturber, proxy);
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
      this.#fault('server', 'server', error.message);
      return this.#verdict(this.#faults, [], disturber, proxy);
    } finally {
      for (const close of this.#closers.reverse()) await close();
      await this.#server.kill();
    }
  }

  #publishers(api: Api): Publisher[] {
    const { channels, publishers } = this.#plan;
    return publishers.map((plan) => {
      const draw = random(this.#options.seed, plan.name);
      return new Publisher(plan, channels, { api, ledger: this.#ledger, draw });
    });
  }

  async #published(publishers: readonly Publisher[]): Promise<void> {
    const runs = publishers.map((publisher, index) =>
      publisher.run().catch((error: unknown) => {
        this.#fault('refused', this.#plan.publishers[index]?.name ?? '', String(error));
      }),
    );
    await Promise.all(runs);
  }

  async #allReady(readers: readonly Reader[]): Promise<void> {
    const late = sleep(readyMs, true, { ref: false });
    const isLate = await Promise.race([Promise.all(readers.map(({ ready }) => ready)), late]);
    if (isLate === true)
      throw new ChaosError(`not all readers were subscribed within ${readyMs / 1000} s`, 1);
  }

  /** The last publication of each channel, the time to get it, and what the server then has. */
  async #end(readers: readonly Reader[], [closer]: readonly Publisher[], api: Api): Promise<Truth[]> {
    const { channels } = this.#plan;
    for (const channel of channels) {
      await closer?.close(channel).catch((error: unknown) => this.#fault('refused', 'p1', String(error)));
    }
    const waiting = () => readers.some(({ logs, failure }) => failure === undefined && !isComplete(logs));
    for (const until = Date.now() + catchUpMs; waiting() && Date.now() < until; ) await sleep(20);
    await sleep(settleMs);
    for (const [index, { failure }] of readers.entries()) {
      if (failure !== undefined) this.#fault('refused', this.#plan.readers[index]?.name ?? '', failure);
    }
    return await Promise.all(
      channels.map(async (channel) => {
        const kept = await api.history(channel).catch((error: unknown) => {
          throw new ChaosError(String(error), 1);
        });
        return this.#ledger.truth(channel, kept);
      }),
    );
  }

  #verdict(
    faults: readonly Fault[],
    logs: readonly ReaderLog[],
    disturber: Disturber,
    proxy: CuttingProxy,
  ): Verdict {
    return {
      ok: faults.length === 0,
      ...this.#options,
      disturbances: disturber.done,
      cutConnections: proxy.cuts,
      acknowledged: this.#ledger.count,
      repeated: this.#ledger.repeated,
      received: countEntries(logs, 'message'),
      told: countEntries(logs, 'told'),
      faults,
    };
  }

  #fault(kind: FaultKind, who: string, first: string): void {
    this.#faults.push({ kind, who, count: 1, first });
  }

  async #using<T>(made: T, close: (made: T) => unknown): Promise<T> {
    this.#closers.push(() => close(made));
    return made;
  }
}

function isComplete(logs: readonly ReaderLog[]): boolean {
  return logs.every((log) => log.isComplete);
}

function startReader({ name, kind, channels }: ReaderPlan, port: number): Reader {
  const reading = { port, logs: channels.map((channel) => new ReaderLog(name, channel)) };
  switch (kind) {
    case 'sub-sse':
      return new SseReader(reading);
    case 'sub-poll':
      return new PollReader(reading);
    case 'sdk':
      return new SdkReader(reading);
    case 'websocket':
    case 'sse':
    case 'longpoll':
      return new SdkReader(reading, [kind]);
  }
}
