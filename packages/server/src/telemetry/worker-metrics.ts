/** What Prometheus reads of each worker. */
import type { Sample } from './sample.ts';

export interface ProcessFigures {
  readonly workers: readonly WorkerMetricFigures[];
  /** How often a worker that died was replaced. */
  readonly restarts: number;
}

export interface WorkerMetricFigures {
  readonly worker: number;
  readonly connections: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

interface WorkerMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: string[];
  readonly samples: (figures: ProcessFigures) => readonly Sample[];
}

const each =
  (read: (worker: WorkerMetricFigures) => number) =>
  ({ workers }: ProcessFigures): readonly Sample[] =>
    workers.map((one): Sample => [read(one), { worker: String(one.worker) }]);

export const workerMetrics: readonly WorkerMetric[] = [
  {
    name: 'workers',
    kind: 'gauge',
    help: 'Processes that serve clients.',
    labels: [],
    samples: ({ workers }) => [[workers.length]],
  },
  {
    name: 'worker_connections',
    kind: 'gauge',
    help: 'Open connections of a worker.',
    labels: ['worker'],
    samples: each(({ connections }) => connections),
  },
  {
    name: 'worker_cpu_seconds_total',
    kind: 'counter',
    help: 'Time of processors that a worker used.',
    labels: ['worker'],
    samples: each(({ cpuSeconds }) => cpuSeconds),
  },
  {
    name: 'worker_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of a worker.',
    labels: ['worker'],
    samples: each(({ memoryBytes }) => memoryBytes),
  },
  {
    name: 'worker_restarts_total',
    kind: 'counter',
    help: 'Times that a worker died and another one took its place.',
    labels: [],
    samples: ({ restarts }) => [[restarts]],
  },
];
