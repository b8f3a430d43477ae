import { expect, test } from 'vitest';
import { createCounters, increment } from '../core/figures.ts';
import { remains, together } from './merge.ts';
import { type Figures, Metrics } from './metrics.ts';

/** A process with `n` of everything. */
function figuresOf(n: number): Figures {
  const counters = { ...createCounters(), publications: n, deliveredBytes: n, gaps: n, rereads: n };
  Object.assign(counters, { acks: n, overdue: n, overdueUnwatched: n, inboxesGivenUp: n });
  for (const wire of ['both', `only ${n}`]) increment(counters.deliveries, wire, n);
  increment(counters.presenceEvents, 'join', n);
  increment(counters.errors, 107, n);
  increment(counters.disconnects, 3001, n);
  return {
    counters,
    sessions: n,
    users: n,
    connections: new Map([['websocket', n]]),
    channels: n,
    subscriptions: n,
    presenceMembers: n,
    apiRequests: [
      { method: 'publish', status: 200, count: n },
      { method: `only${n}`, status: 200, count: n },
    ],
    hooks: {
      generation: n,
      reloadFailures: n,
      calls: [{ hook: 'publish', outcome: 'answer', count: n }],
      dropped: new Map([['disconnect', n]]),
      durations: new Map([['publish', { buckets: [n, 0], sum: n, count: n }]]),
      bounds: [1],
    },
    webhooks: [
      { webhook: 0, url: 'u', pending: n, delivered: n, failures: n, dead: n, kept: n, forgotten: n },
    ],
    ingest: new Map([['redis', { connected: n === 1, received: { channel: n }, refused: n, losses: n }]]),
  };
}

async function linesOf(figures: Figures): Promise<readonly string[]> {
  const text = await new Metrics(() => figures, { process: false }).text();
  // Of single processes, and of the config, nothing is told here.
  return text.split('\n').filter((line) => line !== '' && !/^#|^carillon_(worker|config)/.test(line));
}

/** What every metric of Carillon's own comes to: a new one has to be decided on here, too. */
const added = (n: number, live: number): readonly string[] => [
  `carillon_publications_total ${n}`,
  `carillon_deliveries_total{wire="both"} ${n}`,
  `carillon_bytes_sent_total ${n}`,
  `carillon_presence_events_total{type="join"} ${n}`,
  `carillon_gaps_total ${n}`,
  `carillon_rereads_total ${n}`,
  `carillon_acks_total ${n}`,
  `carillon_inbox_overdue_total ${n}`,
  `carillon_inbox_overdue_unwatched_total ${n}`,
  `carillon_inbox_cursors_forgotten_total ${n}`,
  `carillon_errors_total{code="107"} ${n}`,
  `carillon_disconnects_total{code="3001"} ${n}`,
  `carillon_api_requests_total{method="publish",status="200"} ${n}`,
  `carillon_sessions ${live}`,
  `carillon_users ${live}`,
  `carillon_channels ${live}`,
  `carillon_subscriptions ${live}`,
  `carillon_presence_members ${live}`,
  `carillon_hook_calls_total{hook="publish",outcome="answer"} ${n}`,
  `carillon_hook_events_dropped_total{hook="disconnect"} ${n}`,
  `carillon_hook_seconds_bucket{le="1",hook="publish"} ${n}`,
  `carillon_hook_seconds_bucket{le="+Inf",hook="publish"} ${n}`,
  `carillon_hook_seconds_sum{hook="publish"} ${n}`,
  `carillon_hook_seconds_count{hook="publish"} ${n}`,
];

const flowing = (n: number): readonly string[] => [
  `carillon_connections{transport="websocket"} ${n}`,
  `carillon_ingest_received_total{source="redis",way="channel"} ${n}`,
  `carillon_ingest_refused_total{source="redis"} ${n}`,
  `carillon_ingest_losses_total{source="redis"} ${n}`,
  'carillon_ingest_connected{source="redis"} 1',
  ...['pending_events', 'delivered_events_total', 'failures_total', 'dead_events_total'].map(
    (name) => `carillon_webhook_${name}{webhook="0",url="u"} ${n}`,
  ),
  ...['dead_letter_events', 'forgotten_events_total'].map(
    (name) => `carillon_webhook_${name}{webhook="0",url="u"} ${n}`,
  ),
];

/** Every process has loaded the same. */
const loaded = ['carillon_hook_reload_failures_total 2'];

const apart = (n: number): readonly string[] => [
  `carillon_deliveries_total{wire="only ${n}"} ${n}`,
  `carillon_api_requests_total{method="only${n}",status="200"} ${n}`,
];

test('figures of several processes are added up, but for what each of them has as a whole', async () => {
  const lines = await linesOf(together([figuresOf(1), figuresOf(2)]));
  const now = ['carillon_hooks_generation 2'];
  expect(lines.toSorted()).toEqual(
    [...added(3, 3), ...flowing(3), ...loaded, ...apart(1), ...apart(2), ...now].toSorted(),
  );
});

test('of processes that are gone stays what only rises, and nothing of what was', async () => {
  const lines = await linesOf(remains([figuresOf(1), figuresOf(2)]));
  const now = ['carillon_hooks_generation 0'];
  expect(lines.toSorted()).toEqual([...added(3, 0), ...loaded, ...apart(1), ...apart(2), ...now].toSorted());
});

test('who goes takes nothing that rises along, and stays added up when others go', async () => {
  const before = together([figuresOf(1), figuresOf(2)]);
  const after = together([remains([remains([]), figuresOf(2)]), figuresOf(1)]);
  expect(after.counters).toEqual({ ...before.counters, deliveries: expect.anything() });
  expect(new Map([...after.counters.deliveries].toSorted())).toEqual(
    new Map([...before.counters.deliveries].toSorted()),
  );
  expect([after.sessions, after.connections]).toEqual([1, new Map([['websocket', 1]])]);
});

test('several processes are told of each with its label', async () => {
  const metric = (value: number) => [
    { name: 'carillon_x', help: 'X.', type: 'gauge', values: [{ value, labels: { kind: 'k' } }] },
  ];
  const processes = [
    { worker: 'primary', metrics: metric(1) },
    { worker: '3', metrics: metric(2) },
    { worker: '4', metrics: [] },
  ];
  const text = await new Metrics(() => figuresOf(1), { process: processes }).text();
  expect(text).toContain(
    '# HELP carillon_x X.\n# TYPE carillon_x gauge\n' +
      'carillon_x{worker="primary",kind="k"} 1\ncarillon_x{worker="3",kind="k"} 2\n',
  );
});
