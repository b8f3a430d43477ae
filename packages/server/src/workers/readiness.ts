/** Whether a publication comes back through the broker and every worker; the answer names the ways on which it does not. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { refuse } from '../core/errors.ts';
import { Patience } from '../core/patience.ts';
import type { Calls } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';

/** Sends a publication; resolves when it has come back. */
export type Sing = () => Promise<void>;

/** What each worker offers under the name `canary`. */
interface CanaryVerbs {
  sing(): Promise<void>;
}

/** What the primary offers under the name `readiness`. */
interface ReadinessVerbs {
  /** Rejects with 108 and what is slow or missing. */
  check(): Promise<void>;
}

export interface ReadinessOptions {
  /** Through the broker alone. */
  readonly sing: Sing;
  readonly count: number;
  /** The workers that serve. */
  readonly serving: () => readonly { readonly id: number }[];
  readonly clock: Clock;
}

/** The primary's part: has all sing at the same time. */
export class Readiness implements ReadinessVerbs {
  readonly #options: ReadinessOptions;
  readonly #broker: Patience<void>;
  readonly #workers = new Map<number, Patience<void>>();
  #running: Promise<void> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
    this.#broker = new Patience(options.sing, options.clock);
  }

  begun({ id, calls }: LinkedWorker): void {
    const { sing } = calls.remote<CanaryVerbs>('canary');
    this.#workers.set(id, new Patience(sing, this.#options.clock));
    calls.offer<ReadinessVerbs>('readiness', this, ['check']);
  }

  gone(worker: number): void {
    this.#workers.delete(worker);
  }

  /** Who asks while an answer is under way gets that one. */
  check(): Promise<void> {
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<void> {
    const { count, serving } = this.#options;
    const workers = serving().map(({ id }) => id);
    const [broker, ...answers] = await Promise.all([
      faultOf(this.#broker),
      ...workers.map((id) => faultOf(this.#workers.get(id))),
    ]);
    // Where the broker is slow, every worker is.
    if (broker !== undefined) throw notReady(`the publication through the broker ${broker}`);
    const faults = new Map<string, number[]>();
    answers.forEach((fault, at) => {
      if (fault !== undefined) faults.set(fault, [...(faults.get(fault) ?? []), workers[at] ?? 0]);
    });
    const said = [...faults].map(([fault, ids]) => `the publication through ${listed(ids)} ${fault}`);
    if (workers.length < count) said.push(missing(count - workers.length, count));
    if (said.length > 0) throw notReady(said.join('; '));
  }
}

/** What a worker asks when it is asked whether the server is ready. */
export function askReadiness(calls: Calls, sing: Sing, clock: Clock): Sing {
  calls.offer<CanaryVerbs>('canary', { sing }, ['sing']);
  const primary = new Patience(calls.remote<ReadinessVerbs>('readiness').check, clock);
  const ms = limits.readyMs + limits.readyLinkMs;
  return async () => {
    if ((await primary.within(ms)) === undefined)
      throw notReady(`the primary did not answer within ${ms} ms`);
  };
}

/** The same where one process serves. */
export function brokerReadiness(sing: Sing, clock: Clock): Sing {
  const broker = new Patience(sing, clock);
  return async () => {
    const fault = await faultOf(broker);
    if (fault !== undefined) throw notReady(`the publication through the broker ${fault}`);
  };
}

/** How a publication fares on this way; undefined: well. */
async function faultOf(way: Patience<void> | undefined): Promise<string | undefined> {
  try {
    const back = await way?.within(limits.readyMs);
    return back === undefined ? `did not come back within ${limits.readyMs} ms` : undefined;
  } catch (error) {
    return `failed (${error instanceof Error ? error.message : String(error)})`;
  }
}

function listed(workers: readonly number[]): string {
  return workers.length === 1 ? `worker ${workers[0]}` : `workers ${workers.join(', ')}`;
}

function missing(count: number, all: number): string {
  return `${count} of ${all} workers ${count === 1 ? 'is' : 'are'} missing and being started`;
}

function notReady(sentence: string): Error {
  return refuse('notAvailable', sentence);
}
