/** Backends that publish through any worker, remember what was acknowledged, and insist where they got no answer. */
import type { Exclusion } from '../../../packages/server/src/core/broker.ts';
import type { Clock } from '../../../packages/server/src/core/clock.ts';
import type { Truth } from '../truth.ts';
import type { Cluster, Worker } from './cluster.ts';
import type { Tally } from './tally.ts';

export interface PublishersOptions {
  readonly cluster: Cluster;
  readonly truth: Truth;
  readonly clock: Clock;
  readonly tally: Tally;
  /** Whether what was acknowledged outlives every process, and epochs do. */
  readonly isKept: boolean;
  readonly note: (text: string) => void;
}

interface Position {
  readonly epoch?: string;
  readonly offset?: number;
}

/** A publication whose publisher has not heard of it. */
interface Underway {
  readonly worker: Worker;
  /** Tries again, elsewhere. */
  readonly again?: () => void;
}

/** How long one waits before it tries again. */
const retryMs = 20;

export class Publishers {
  readonly #options: PublishersOptions;
  readonly #underway = new Set<Underway>();
  readonly #faults: unknown[] = [];
  #retries = 0;

  constructor(options: PublishersOptions) {
    this.#options = options;
  }

  /** Nobody waits for an answer any more. */
  get isDone(): boolean {
    return this.#underway.size === 0 && this.#retries === 0;
  }

  /** Once; whether it was published where no answer came, nobody knows. */
  publish(worker: Worker, channel: string, data: string, exclude?: Exclusion): void {
    this.#try(worker, channel, data, { ...(exclude && { exclude }) });
  }

  /** Until it is acknowledged, with a key that makes it one publication however often it is tried. */
  insist(worker: Worker, channel: string, data: string): void {
    // Without a log, nobody remembers the key when the primary is gone.
    const { primary } = worker;
    const { isKept, cluster, tally } = this.#options;
    const again = (): void => {
      const [next] = cluster.serving;
      if (!isKept && cluster.primary !== primary) return;
      if (next === undefined) this.#retryLater(again);
      else {
        tally.repeated += 1;
        this.#try(next, channel, data, request, again);
      }
    };
    const request = { idempotencyKey: nameOf(data) };
    this.#try(worker, channel, data, request, again);
  }

  /** What was asked of it is not answered any more. */
  died(worker: Worker): void {
    for (const each of [...this.#underway]) if (each.worker === worker) this.#unanswered(each);
  }

  /** Throws what was found wrong. */
  check(): void {
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  finish(channels: readonly string[]): void {
    const { isKept, truth } = this.#options;
    if (!isKept) return;
    for (const channel of channels) {
      const epochs = new Set(truth.places(channel, 0, truth.count(channel)).map(({ epoch }) => epoch));
      if (epochs.size > 1) throw new Error(`${channel} has the epochs ${[...epochs].join(', ')}`);
    }
  }

  #try(worker: Worker, channel: string, data: string, request: object, again?: () => void): void {
    const underway: Underway = { worker, ...(again !== undefined && { again }) };
    this.#underway.add(underway);
    worker.node.publish(channel, data, request).then(
      (position) => {
        if (this.#underway.delete(underway)) this.#acknowledged(channel, data, position);
      },
      (error: unknown) => {
        if (!this.#underway.has(underway)) return;
        if ((error as { code?: unknown }).code !== 108) this.#faults.push(error);
        this.#unanswered(underway);
      },
    );
  }

  #unanswered(underway: Underway): void {
    this.#underway.delete(underway);
    this.#options.tally.unanswered += 1;
    if (underway.again !== undefined) this.#retryLater(underway.again);
  }

  #retryLater(again: () => void): void {
    this.#retries += 1;
    this.#options.clock.after(retryMs, () => {
      this.#retries -= 1;
      again();
    });
  }

  /** It is there for good, under the position that was answered. */
  #acknowledged(channel: string, data: string, { epoch = '', offset = 0 }: Position): void {
    const { truth, tally, note } = this.#options;
    tally.acknowledged += 1;
    const name = nameOf(data);
    note(`ack ${name}`);
    try {
      const fact = truth.fact(name);
      if (fact.epoch !== epoch || fact.offset !== offset)
        throw new Error(
          `${name} of ${channel} was acknowledged as ${epoch}/${offset}, not ${fact.epoch}/${fact.offset}`,
        );
    } catch (error) {
      this.#faults.push(error);
    }
  }
}

function nameOf(data: string): string {
  return (JSON.parse(data) as { readonly name: string }).name;
}
