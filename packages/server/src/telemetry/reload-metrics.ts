/** What Prometheus reads of the config and how it was loaded. */
import type { Sample } from './sample.ts';

export interface ReloadMetricFigures {
  /** Milliseconds since the Unix epoch. */
  readonly loadedAt: number;
  readonly isFailing: boolean;
  readonly succeeded: number;
  readonly failed: number;
}

interface ReloadMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: string[];
  readonly samples: (figures: ReloadMetricFigures) => readonly Sample[];
}

export const reloadMetrics: readonly ReloadMetric[] = [
  {
    name: 'config_reloads_total',
    kind: 'counter',
    help: 'Times that the config was loaded again, by how that ended.',
    labels: ['outcome'],
    samples: ({ succeeded, failed }) => [
      [succeeded, { outcome: 'loaded' }],
      [failed, { outcome: 'failed' }],
    ],
  },
  {
    name: 'config_failing',
    kind: 'gauge',
    help: 'Whether the config that was loaded last has faults, so that an older one is in force: 1 or 0.',
    labels: [],
    samples: ({ isFailing }) => [[Number(isFailing)]],
  },
  {
    name: 'config_loaded_timestamp_seconds',
    kind: 'gauge',
    help: 'When the config that is in force was loaded, since the Unix epoch.',
    labels: [],
    samples: ({ loadedAt }) => [[loadedAt / 1_000]],
  },
];
