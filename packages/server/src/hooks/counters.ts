/** What is counted of hooks. All of it only rises. */
import { increment } from '../core/figures.ts';
import type { OutcomeName } from './settled.ts';

/** Upper bounds, in seconds. */
export const bucketBounds = [0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;

export interface Durations {
  /** One for each bound, not cumulative; the last is for what took longer. */
  readonly buckets: number[];
  /** In seconds. */
  sum: number;
  count: number;
}

/** For telemetry. */
export interface HookFigures {
  readonly generation: number;
  readonly reloadFailures: number;
  readonly calls: Iterable<{ readonly hook: string; readonly outcome: string; readonly count: number }>;
  /** Told events that nobody got, by hook. */
  readonly dropped: ReadonlyMap<string, number>;
  readonly durations: ReadonlyMap<string, Durations>;
  readonly bounds: readonly number[];
}

export class HookCounters {
  readonly dropped = new Map<string, number>();
  readonly durations = new Map<string, Durations>();
  readonly #calls = new Map<string, Map<OutcomeName, number>>();

  /** @param ms How long the call took; undefined where nobody was asked. */
  count(hook: string, outcome: OutcomeName, ms?: number): void {
    let calls = this.#calls.get(hook);
    if (calls === undefined) {
      calls = new Map();
      this.#calls.set(hook, calls);
      this.durations.set(hook, {
        buckets: Array.from({ length: bucketBounds.length + 1 }, () => 0),
        sum: 0,
        count: 0,
      });
    }
    increment(calls, outcome);
    const durations = this.durations.get(hook);
    if (durations === undefined || ms === undefined) return;
    const found = bucketBounds.findIndex((bound) => ms <= bound * 1_000);
    const at = found === -1 ? bucketBounds.length : found;
    durations.buckets[at] = (durations.buckets[at] ?? 0) + 1;
    durations.sum += ms / 1_000;
    durations.count += 1;
  }

  *calls(): Iterable<{ hook: string; outcome: string; count: number }> {
    for (const [hook, outcomes] of this.#calls) {
      for (const [outcome, count] of outcomes) yield { hook, outcome, count };
    }
  }
}
