/** The figures of several processes as those of one server: what is added up, what is the greatest, and what outlives a process. */
import type { Counters } from '../core/figures.ts';
import type { HookDurations, HookMetricFigures } from './hook-metrics.ts';
import type { Figures, IngestFigures } from './metrics.ts';
import type { WebhookMetricFigures } from './webhook-metrics.ts';

/** What only rises, and must not fall when its process is gone. */
export type Lasting = Pick<Figures, 'counters' | 'apiRequests' | 'hooks'>;

/**
 * All together, but for how the config was loaded, which one process does for all. A user, a channel or a member that several have
 * counts once in each: whoever knows better replaces these three, and `publications`, of which a process counts those that it has
 * subscribers for.
 */
export function together(all: readonly Figures[]): Figures {
  const ingest = ingestOf(all);
  const webhooks = webhooksOf(all);
  return {
    ...lastingOf(all),
    sessions: sum(all, ({ sessions }) => sessions),
    users: sum(all, ({ users }) => users),
    connections: added(all.map(({ connections }) => connections)),
    channels: sum(all, ({ channels }) => channels),
    subscriptions: sum(all, ({ subscriptions }) => subscriptions),
    presenceMembers: sum(all, ({ presenceMembers }) => presenceMembers),
    ...(ingest.size > 0 && { ingest }),
    ...(webhooks.length > 0 && { webhooks }),
  };
}

/** The figures of processes that are gone. */
export function remains(all: readonly Lasting[]): Figures {
  const { hooks, ...counted } = lastingOf(all);
  return {
    ...counted,
    // How it stands is told by those who live.
    ...(hooks !== undefined && { hooks: { ...hooks, generation: 0 } }),
    sessions: 0,
    users: 0,
    connections: new Map(),
    channels: 0,
    subscriptions: 0,
    presenceMembers: 0,
  };
}

function lastingOf(all: readonly Lasting[]): Lasting {
  const hooks = hooksOf(all.flatMap(({ hooks }) => (hooks === undefined ? [] : [hooks])));
  return {
    counters: countersOf(all.map(({ counters }) => counters)),
    apiRequests: countedBy(
      all.flatMap(({ apiRequests }) => [...apiRequests]),
      ({ method, status }) => `${method} ${status}`,
    ),
    ...(hooks !== undefined && { hooks }),
  };
}

function countersOf(all: readonly Counters[]): Counters {
  return {
    publications: sum(all, ({ publications }) => publications),
    deliveries: added(all.map(({ deliveries }) => deliveries)),
    deliveredBytes: sum(all, ({ deliveredBytes }) => deliveredBytes),
    gaps: sum(all, ({ gaps }) => gaps),
    presenceEvents: added(all.map(({ presenceEvents }) => presenceEvents)),
    rereads: sum(all, ({ rereads }) => rereads),
    acks: sum(all, ({ acks }) => acks),
    overdue: sum(all, ({ overdue }) => overdue),
    overdueUnwatched: sum(all, ({ overdueUnwatched }) => overdueUnwatched),
    inboxesGivenUp: sum(all, ({ inboxesGivenUp }) => inboxesGivenUp),
    errors: added(all.map(({ errors }) => errors)),
    disconnects: added(all.map(({ disconnects }) => disconnects)),
  };
}

/** Every process loads the same hooks: how often is not added up, calls are. */
function hooksOf(all: readonly HookMetricFigures[]): HookMetricFigures | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  return {
    generation: greatest(all, ({ generation }) => generation),
    reloadFailures: greatest(all, ({ reloadFailures }) => reloadFailures),
    calls: countedBy(
      all.flatMap(({ calls }) => [...calls]),
      ({ hook, outcome }) => `${hook} ${outcome}`,
    ),
    dropped: added(all.map(({ dropped }) => dropped)),
    durations: durationsOf(all.map(({ durations }) => durations)),
    bounds: first.bounds,
  };
}

function durationsOf(all: readonly ReadonlyMap<string, HookDurations>[]): ReadonlyMap<string, HookDurations> {
  const found = new Map<string, HookDurations>();
  for (const durations of all) {
    for (const [hook, { buckets, sum, count }] of durations) {
      const before = found.get(hook);
      found.set(hook, {
        buckets: buckets.map((bucket, at) => bucket + (before?.buckets[at] ?? 0)),
        sum: sum + (before?.sum ?? 0),
        count: count + (before?.count ?? 0),
      });
    }
  }
  return found;
}

/** A source is connected if one process is connected to it. */
function ingestOf(all: readonly Figures[]): ReadonlyMap<string, IngestFigures> {
  const found = new Map<string, IngestFigures>();
  for (const [source, one] of all.flatMap(({ ingest }) => [...(ingest ?? [])])) {
    const before = found.get(source);
    found.set(source, {
      connected: one.connected || before?.connected === true,
      received: Object.fromEntries(
        added([new Map(Object.entries(before?.received ?? {})), new Map(Object.entries(one.received))]),
      ),
      refused: one.refused + (before?.refused ?? 0),
      losses: one.losses + (before?.losses ?? 0),
    });
  }
  return found;
}

function webhooksOf(all: readonly Figures[]): readonly WebhookMetricFigures[] {
  const found = new Map<number, WebhookMetricFigures>();
  for (const one of all.flatMap(({ webhooks }) => webhooks ?? [])) {
    const before = found.get(one.webhook);
    found.set(one.webhook, {
      webhook: one.webhook,
      url: one.url,
      pending: one.pending + (before?.pending ?? 0),
      delivered: one.delivered + (before?.delivered ?? 0),
      failures: one.failures + (before?.failures ?? 0),
      dead: one.dead + (before?.dead ?? 0),
      kept: one.kept + (before?.kept ?? 0),
      forgotten: one.forgotten + (before?.forgotten ?? 0),
    });
  }
  return [...found.values()];
}

function sum<Item>(all: readonly Item[], read: (item: Item) => number): number {
  return all.reduce((total, item) => total + read(item), 0);
}

function greatest<Item>(all: readonly Item[], read: (item: Item) => number): number {
  return Math.max(...all.map(read));
}

function added<Key>(all: readonly ReadonlyMap<Key, number>[]): Map<Key, number> {
  const found = new Map<Key, number>();
  for (const counts of all) for (const [key, count] of counts) found.set(key, (found.get(key) ?? 0) + count);
  return found;
}

/** One of each key, with all their counts. */
function countedBy<Item extends { readonly count: number }>(
  all: readonly Item[],
  keyOf: (item: Item) => string,
): readonly Item[] {
  const found = new Map<string, Item>();
  for (const item of all) {
    const before = found.get(keyOf(item));
    found.set(keyOf(item), before === undefined ? item : { ...item, count: item.count + before.count });
  }
  return [...found.values()];
}
