/** What a server tells of itself: to Prometheus, and to those who ask the method `info`. */
import type { Node } from '../core/node.ts';
import type { HookRuntime } from '../hooks/runtime.ts';
import type { ApiCounters } from '../http/api/counters.ts';
import type { RedisIngest } from '../ingest/redis/ingest.ts';
import { version } from '../system/version.ts';
import type { Figures } from '../telemetry/metrics.ts';
import { connectionsOf, type Transports } from './transports.ts';
import type { ServerWebhooks } from './webhooks.ts';

/** The parts that have something to tell. */
export interface MeasuredParts {
  readonly node: Node;
  readonly transports: Transports;
  readonly ingest: RedisIngest | undefined;
  readonly webhooks: ServerWebhooks;
  readonly hooks: HookRuntime;
  readonly counters: ApiCounters;
}

export function measured({ node, transports, ingest, webhooks, hooks, counters }: MeasuredParts): Figures {
  const hookFigures = hooks.figures();
  return {
    ...node.figures(),
    connections: connectionsOf(transports),
    apiRequests: counters.read(),
    webhooks: webhooks.figures(),
    ...(hookFigures !== undefined && { hooks: hookFigures }),
    ...(ingest !== undefined && { ingest: new Map([['redis', ingest.figures()]]) }),
  };
}

export function info(
  { node, transports, hooks }: Pick<MeasuredParts, 'node' | 'transports' | 'hooks'>,
  ingest: object | undefined,
  uptimeMs: number,
): object {
  const hookInfo = hooks.info();
  const { sessions, users, channels, subscriptions, counters } = node.figures();
  const { pid } = process;
  let connections = 0;
  for (const count of connectionsOf(transports).values()) connections += count;
  const { publications } = counters;
  const deliveries = [...counters.deliveries.values()].reduce((sum, count) => sum + count, 0);
  const counts = { connections, sessions, users, channels, subscriptions, publications, deliveries };
  const worker = { id: 0, pid, ...counts, ...processFigures() };
  return {
    version: version(),
    pid,
    uptime: Math.floor(uptimeMs / 1_000),
    engine: 'memory',
    workers: [worker],
    ...(ingest !== undefined && { ingest }),
    ...(hookInfo !== undefined && { hooks: hookInfo }),
  };
}

/** What this process used so far, and what it holds. */
function processFigures(): { readonly cpuSeconds: number; readonly memoryBytes: number } {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: process.memoryUsage.rss() };
}
