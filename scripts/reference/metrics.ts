/** docs/metrics.md: every metric of Carillon's own, as a running server would answer. */
import { createCounters, increment } from '../../packages/server/src/core/figures.ts';
import { Metrics } from '../../packages/server/src/telemetry/metrics.ts';
import { page, table } from './table.ts';

export async function renderMetrics(): Promise<string> {
  const text = await new Metrics(sampleFigures, { process: false }).text();
  const rows = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n(?:\w+\{([^}]*)\})?/gm)].map(
    ([, name, help, type, labels]) => [`\`${name}\``, type ?? '', labelNames(labels), help ?? ''],
  );
  return page(
    'Metrics',
    'packages/server/src/telemetry/metrics.ts',
    '`GET /metrics` answers in the text format of Prometheus.',
    table(['metric', 'type', 'labels', 'what it counts'], rows),
    'Beside these stand the figures of the process as the library `prom-client` collects them, with the same prefix:' +
      ' `carillon_process_cpu_seconds_total`, `carillon_process_resident_memory_bytes`,' +
      ' `carillon_nodejs_eventloop_lag_p99_seconds` and others.\n\n' +
      'With several workers, any of them answers for all. What is counted is the sum over workers, those that are gone' +
      ' among them, so that nothing falls when one ends; a user, a channel, a member and a publication count once, at' +
      ' however many workers they are. The figures of the process stand there once for each, with the label `worker`:' +
      ' its number, or `primary`. A worker that does not answer within a second is told of as it was last known.',
  );
}

/** One of each, so that each metric shows its labels. */
function sampleFigures(): ReturnType<ConstructorParameters<typeof Metrics>[0]> {
  const counters = createCounters();
  increment(counters.deliveries, 'websocket/native');
  increment(counters.presenceEvents, 'join');
  increment(counters.errors, 107);
  increment(counters.disconnects, 3001);
  return {
    counters,
    sessions: 1,
    users: 1,
    connections: new Map([['websocket', 1]]),
    channels: 1,
    subscriptions: 1,
    presenceMembers: 1,
    hooks: {
      generation: 1,
      reloadFailures: 0,
      calls: [{ hook: 'publish', outcome: 'answer', count: 1 }],
      dropped: new Map([['disconnect', 0]]),
      durations: new Map([['publish', { buckets: [1], sum: 0, count: 1 }]]),
      bounds: [],
    },
    processes: { workers: [{ worker: 1, connections: 1, cpuSeconds: 1, memoryBytes: 1 }], restarts: 0 },
    apiRequests: [{ method: 'publish', status: 200, count: 1 }],
    config: { loadedAt: 0, isFailing: false, succeeded: 0, failed: 0 },
    webhooks: [
      {
        webhook: 0,
        url: 'http://127.0.0.1/',
        pending: 0,
        delivered: 0,
        failures: 0,
        dead: 0,
        kept: 0,
        forgotten: 0,
      },
    ],
    ingest: new Map([['redis', { connected: true, received: { channel: 1 }, refused: 0, losses: 0 }]]),
  };
}

function labelNames(labels = ''): string {
  return [...labels.matchAll(/(\w+)="/g)].map(([, name]) => `\`${name}\``).join(', ');
}
