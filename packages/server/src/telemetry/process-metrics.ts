/** What Prometheus reads of a process: CPU, memory, event loop delay, garbage collection; of several, with the label `worker`. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';

/** One metric of a process, such that it can be sent to another one. */
export interface ProcessMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly ProcessValue[];
}

interface ProcessValue {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  /** Of a histogram. */
  readonly metricName?: string;
}

/** The metrics of one of several processes. */
export interface ProcessReading {
  /** Its number, or `primary`. */
  readonly worker: string;
  readonly metrics: readonly ProcessMetric[];
}

/** A finer timer would wake an idle process more often than it tells anything. */
const loopPrecisionMs = 20;

export function measureProcess(registry: Registry): void {
  collectDefaultMetrics({
    register: registry,
    prefix: 'carillon_',
    eventLoopMonitoringPrecision: loopPrecisionMs,
  });
}

/** Those of this process. */
export class ProcessMetrics {
  readonly #registry = new Registry();

  constructor() {
    measureProcess(this.#registry);
  }

  async read(): Promise<readonly ProcessMetric[]> {
    const all = await this.#registry.getMetricsAsJSON();
    // The library's types say an enumeration of numbers where it has texts.
    return all.map(({ name, help, type, values }) => ({ name, help, type: String(type), values }));
  }
}

/** Adds the metrics of several processes to a registry. */
export function registerProcesses(registry: Registry, readings: readonly ProcessReading[]): void {
  const found = new Map<string, ProcessMetric>();
  for (const { worker, metrics } of readings) {
    for (const metric of metrics) {
      const values = metric.values.map((value) => ({ ...value, labels: { worker, ...value.labels } }));
      const before = found.get(metric.name)?.values ?? [];
      found.set(metric.name, { ...metric, values: [...before, ...values] });
    }
  }
  for (const metric of found.values()) {
    const read = { name: metric.name, get: async () => metric };
    // A metric as the library writes it, without the means to count.
    registry.registerMetric(read as unknown as Metric);
  }
}
