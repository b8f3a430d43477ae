/** The primary's part in what one worker has all, or another one, do. */
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { type ReplyError, refuse } from '../core/errors.ts';
import { inTime } from '../core/in-time.ts';
import { type Calls, methodsThat } from '../link/calls.ts';

/** A worker that can be asked. */
export interface LinkedWorker {
  readonly id: number;
  readonly calls: Calls;
}

/** An object that each worker has; every method resolves with the answers of all, in no order. */
export type Everywhere<Target> = {
  readonly [Method in keyof Target]: Target[Method] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<readonly Awaited<Result>[]>
    : never;
};

/** What workers may ask of the primary about each other. */
export interface RelayVerbs {
  everywhere(name: string, method: string, args: readonly unknown[]): Promise<readonly unknown[]>;
  /** Undefined where there is no such worker any more. */
  at(
    worker: number,
    name: string,
    method: string,
    args: readonly unknown[],
    isHeld: boolean,
  ): Promise<{ readonly result: unknown } | undefined>;
}

export class Relay implements RelayVerbs {
  readonly #workers = new Map<number, LinkedWorker>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those that serve, or are about to. */
  get workers(): Iterable<LinkedWorker> {
    return this.#workers.values();
  }

  /** Lets a worker ask about others; it is asked itself from {@link Relay.join} on. */
  serve(worker: LinkedWorker): void {
    worker.calls.offer<RelayVerbs>('relay', this, ['everywhere', 'at']);
  }

  join(worker: LinkedWorker): void {
    this.#workers.set(worker.id, worker);
  }

  leave(id: number): void {
    this.#workers.delete(id);
  }

  /**
   * What all workers offer under this name, for the primary itself to ask. Rejects with what the first of them refuses, when all
   * have answered; 108 where one takes longer than `withinMs`.
   */
  all<Target>(name: string, withinMs?: number): Everywhere<Target> {
    return methodsThat((method, args) => this.everywhere(name, method, args, withinMs)) as Everywhere<Target>;
  }

  async everywhere(
    name: string,
    method: string,
    args: readonly unknown[],
    withinMs: number = limits.workerAnswerMs,
  ): Promise<readonly unknown[]> {
    const asked = [...this.#workers.values()].map((worker) =>
      this.#ask(worker, name, method, args, withinMs),
    );
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
    return outcomes.flatMap((outcome) => {
      const answer = outcome.status === 'fulfilled' ? outcome.value : undefined;
      return answer === undefined ? [] : [answer.result];
    });
  }

  async at(
    worker: number,
    name: string,
    method: string,
    args: readonly unknown[],
    isHeld: boolean,
  ): Promise<{ readonly result: unknown } | undefined> {
    const found = this.#workers.get(worker);
    if (found === undefined) return undefined;
    return isHeld ? this.#answer(found, name, method, args) : this.#ask(found, name, method, args);
  }

  #ask(
    worker: LinkedWorker,
    name: string,
    method: string,
    args: readonly unknown[],
    withinMs: number = limits.workerAnswerMs,
  ): Promise<{ readonly result: unknown } | undefined> {
    const answer = this.#answer(worker, name, method, args);
    return inTime(answer, withinMs, this.#clock, () => late(worker.id, withinMs));
  }

  /** Undefined where the worker ended before it answered: what it had is gone. */
  async #answer(
    worker: LinkedWorker,
    name: string,
    method: string,
    args: readonly unknown[],
  ): Promise<{ readonly result: unknown } | undefined> {
    try {
      return { result: await worker.calls.call(name, method, args) };
    } catch (error) {
      if (this.#workers.get(worker.id) !== worker) return undefined;
      throw error;
    }
  }
}

function late(worker: number, ms: number): ReplyError {
  return refuse('notAvailable', `worker ${worker} did not answer within ${ms} ms; try again`);
}
