/** What Prometheus reads of the hooks. */
import { Counter, Gauge, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

export interface HookMetricFigures {
  readonly generation: number;
  readonly reloadFailures: number;
  readonly calls: Iterable<{ readonly hook: string; readonly outcome: string; readonly count: number }>;
  /** Told events that nobody got, by hook. */
  readonly dropped: ReadonlyMap<string, number>;
  readonly durations: ReadonlyMap<string, HookDurations>;
  /** Of the buckets, in seconds, rising. */
  readonly bounds: readonly number[];
}

export interface HookDurations {
  /** One for each bound, not cumulative, and one more for what took longer. */
  readonly buckets: readonly number[];
  /** In seconds. */
  readonly sum: number;
  readonly count: number;
}

type Read = () => HookMetricFigures | undefined;

export function measureHooks(registry: Registry, read: Read): void {
  const registers = [registry];
  new Counter({
    name: 'carillon_hook_calls_total',
    help: 'Calls of hooks, by what they came to.',
    labelNames: ['hook', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { hook, outcome, count } of read()?.calls ?? []) this.inc({ hook, outcome }, count);
    },
  });
  new Counter({
    name: 'carillon_hook_events_dropped_total',
    help: 'Events that want no answer and that a hook never got.',
    labelNames: ['hook'],
    registers,
    collect() {
      this.reset();
      for (const [hook, count] of read()?.dropped ?? []) this.inc({ hook }, count);
    },
  });
  new Counter({
    name: 'carillon_hook_reload_failures_total',
    help: 'Hooks that could not be loaded, so that those before them stayed in force.',
    registers,
    collect() {
      this.reset();
      this.inc(read()?.reloadFailures ?? 0);
    },
  });
  new Gauge({
    name: 'carillon_hooks_generation',
    help: 'How often hooks have been loaded; 0 where there are none.',
    registers,
    collect() {
      this.set(read()?.generation ?? 0);
    },
  });
  registry.registerMetric(new HookSeconds(read));
}

type Values = MetricObjectWithValues<MetricValue<'hook'>>;

/** A histogram of numbers that were counted elsewhere; the library's own can only be observed into. */
class HookSeconds extends Gauge<'hook'> {
  readonly #read: Read;

  constructor(read: Read) {
    super({ name, help: 'How long calls of hooks took.', labelNames: ['hook'], registers: [] });
    this.#read = read;
  }

  override async get(): Promise<Values> {
    const { durations = [], bounds = [] } = this.#read() ?? {};
    const values = [...durations].flatMap(([hook, durations]) => samples(hook, durations, bounds));
    // The library's types say numbers where it has texts.
    const type = 'histogram' as unknown as Values['type'];
    return { ...(await super.get()), type, values };
  }
}

const name = 'carillon_hook_seconds';

function samples(
  hook: string,
  { buckets, sum, count }: HookDurations,
  bounds: readonly number[],
): MetricValue<'hook'>[] {
  let below = 0;
  const cumulative = buckets.map((bucket, index) => {
    below += bucket;
    return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? '+Inf', hook }, value: below };
  });
  return [
    ...(cumulative as unknown as MetricValue<'hook'>[]),
    { metricName: `${name}_sum`, labels: { hook }, value: sum } as MetricValue<'hook'>,
    { metricName: `${name}_count`, labels: { hook }, value: count } as MetricValue<'hook'>,
  ];
}
