/** What a process tells of itself, and what the method `info` says of a server. */
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

/** Everything that is measured in this process, as it stands now, such that it can be sent to another one. */
export function measured({ node, transports, ingest, webhooks, hooks, counters }: MeasuredParts): Figures {
  return {
    ...node.figures(),
    connections: connectionsOf(transports),
    webhooks: webhooks.figures(),
    ...counted({ node, hooks, counters }),
    ...(ingest !== undefined && { ingest: new Map([['redis', ingest.figures()]]) }),
  };
}

/** The part of it that only rises. Costs nothing for each client or channel. */
export function counted({
  node,
  hooks,
  counters,
}: Pick<MeasuredParts, 'node' | 'hooks' | 'counters'>): Pick<Figures, 'counters' | 'apiRequests' | 'hooks'> {
  const found = hooks.figures();
  return {
    counters: node.counters,
    apiRequests: counters.read(),
    ...(found !== undefined && { hooks: { ...found, calls: [...found.calls] } }),
  };
}

/** What the figures come to, for people. */
export interface Counts {
  readonly connections: number;
  readonly sessions: number;
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly publications: number;
  readonly deliveries: number;
}

export function countsOf({
  connections,
  sessions,
  users,
  channels,
  subscriptions,
  counters,
}: Figures): Counts {
  const sum = (counts: ReadonlyMap<string, number>): number =>
    [...counts.values()].reduce((all, count) => all + count, 0);
  return {
    connections: sum(connections),
    sessions,
    users,
    channels,
    subscriptions,
    publications: counters.publications,
    deliveries: sum(counters.deliveries),
  };
}

/** What this process used so far, and what it holds. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: process.memoryUsage.rss() };
}

/** A worker, as `info` lists it. */
export interface WorkerInfo extends Counts, Usage {
  readonly id: number;
  readonly pid: number;
  /** It did not answer in time, and these are its figures of before. */
  readonly late?: true;
}

export interface ServerInfo {
  readonly version: string;
  readonly pid: number;
  readonly uptime: number;
  readonly engine: string;
  readonly workers: readonly WorkerInfo[];
  readonly totals: Counts;
  /** Absent where one process serves. */
  readonly primary?: Usage & { readonly pid: number; readonly restarts: number };
}

/** The part of `info` that begins with the process that was started. */
export function serverInfo(
  uptimeMs: number,
  rest: Pick<ServerInfo, 'workers' | 'totals' | 'primary'>,
): ServerInfo {
  const uptime = Math.floor(uptimeMs / 1_000);
  return { version: version(), pid: process.pid, uptime, engine: 'memory', ...rest };
}
