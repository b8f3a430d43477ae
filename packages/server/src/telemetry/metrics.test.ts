import { expect, test } from 'vitest';
import { createCounters, increment } from '../core/figures.ts';
import { Metrics } from './metrics.ts';

function makeFigures() {
  const counters = createCounters();
  return {
    counters,
    sessions: 3,
    users: 8,
    connections: new Map([['websocket', 4]]),
    channels: 2,
    subscriptions: 5,
    presenceMembers: 6,
    apiRequests: [{ method: 'publish', status: 200, count: 7 }],
    processes: {
      workers: [{ worker: 0, connections: 4, cpuSeconds: 1.5, memoryBytes: 2_048 }],
      restarts: 1,
    },
    config: { loadedAt: 1_500, isFailing: false, succeeded: 3, failed: 1 },
  };
}

test('names every figure, with its labels', async () => {
  const figures = makeFigures();
  figures.counters.publications = 11;
  figures.counters.deliveredBytes = 1_234;
  increment(figures.counters.deliveries, 'websocket/native', 20);
  increment(figures.counters.presenceEvents, 'join', 9);
  increment(figures.counters.errors, 107);
  increment(figures.counters.disconnects, 3008, 2);
  const text = await new Metrics(() => figures, { process: false }).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines).toEqual([
    'carillon_publications_total 11',
    'carillon_deliveries_total{wire="websocket/native"} 20',
    'carillon_bytes_sent_total 1234',
    'carillon_presence_events_total{type="join"} 9',
    'carillon_gaps_total 0',
    'carillon_rereads_total 0',
    'carillon_acks_total 0',
    'carillon_inbox_overdue_total 0',
    'carillon_inbox_overdue_unwatched_total 0',
    'carillon_inbox_cursors_forgotten_total 0',
    'carillon_errors_total{code="107"} 1',
    'carillon_disconnects_total{code="3008"} 2',
    'carillon_api_requests_total{method="publish",status="200"} 7',
    'carillon_config_reloads_total{outcome="loaded"} 3',
    'carillon_config_reloads_total{outcome="failed"} 1',
    'carillon_config_failing 0',
    'carillon_config_loaded_timestamp_seconds 1.5',
    'carillon_connections{transport="websocket"} 4',
    'carillon_sessions 3',
    'carillon_users 8',
    'carillon_channels 2',
    'carillon_subscriptions 5',
    'carillon_presence_members 6',
    'carillon_workers 1',
    'carillon_worker_connections{worker="0"} 4',
    'carillon_worker_cpu_seconds_total{worker="0"} 1.5',
    'carillon_worker_memory_bytes{worker="0"} 2048',
    'carillon_worker_restarts_total 1',
    'carillon_hook_reload_failures_total 0',
    'carillon_hooks_generation 0',
  ]);
});

test('RUN12 hooks are told by name and outcome, with a histogram of how long they took', async () => {
  const hooks = {
    generation: 3,
    reloadFailures: 1,
    calls: [{ hook: 'publish', outcome: 'refused', count: 6 }],
    dropped: new Map([['disconnect', 2]]),
    durations: new Map([['publish', { buckets: [1, 2, 3], sum: 1.5, count: 6 }]]),
    bounds: [0.1, 1],
  };
  const text = await new Metrics(() => ({ ...makeFigures(), hooks }), { process: false }).text();
  expect(text.split('\n').filter((line) => line.startsWith('carillon_hook'))).toEqual([
    'carillon_hook_calls_total{hook="publish",outcome="refused"} 6',
    'carillon_hook_events_dropped_total{hook="disconnect"} 2',
    'carillon_hook_reload_failures_total 1',
    'carillon_hooks_generation 3',
    'carillon_hook_seconds_bucket{le="0.1",hook="publish"} 1',
    'carillon_hook_seconds_bucket{le="1",hook="publish"} 3',
    'carillon_hook_seconds_bucket{le="+Inf",hook="publish"} 6',
    'carillon_hook_seconds_sum{hook="publish"} 1.5',
    'carillon_hook_seconds_count{hook="publish"} 6',
  ]);
});

test('a second scrape tells the figures as they are then, and forgets labels that are gone', async () => {
  const figures = makeFigures();
  const metrics = new Metrics(() => figures, { process: false });
  await metrics.text();
  figures.counters.publications = 1;
  figures.sessions = 0;
  figures.connections.clear();
  const text = await metrics.text();
  expect(text).toContain('carillon_publications_total 1\n');
  expect(text).toContain('carillon_sessions 0\n');
  expect(text).not.toContain('carillon_connections{');
});

test('the process is measured too, and every name begins with carillon_', async () => {
  const metrics = new Metrics(makeFigures);
  const text = await metrics.text();
  expect(metrics.contentType).toMatch(/^text\/plain; version=/);
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((found) => found[1] ?? '');
  expect(names.filter((name) => !name.startsWith('carillon_'))).toEqual([]);
  expect(names).toContain('carillon_process_cpu_seconds_total');
  expect(names).toContain('carillon_process_resident_memory_bytes');
  expect(names).toContain('carillon_nodejs_eventloop_lag_seconds');
});

test('two servers in one process do not mix', async () => {
  const first = new Metrics(makeFigures, { process: false });
  const second = new Metrics(() => ({ ...makeFigures(), sessions: 99 }), { process: false });
  expect(await first.text()).toContain('carillon_sessions 3\n');
  expect(await second.text()).toContain('carillon_sessions 99\n');
});
