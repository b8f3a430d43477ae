/** What Prometheus reads of the webhooks. */
import type { Sample } from './sample.ts';

export interface WebhookMetricFigures {
  /** Its place in the config. */
  readonly webhook: number;
  /** Without the query. */
  readonly url: string;
  readonly pending: number;
  readonly delivered: number;
  readonly failures: number;
  readonly dead: number;
  readonly kept: number;
  readonly forgotten: number;
}

type Name = Exclude<keyof WebhookMetricFigures, 'webhook' | 'url'>;

export interface WebhookMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly figure: Name;
}

export const webhookMetrics: readonly WebhookMetric[] = [
  {
    name: 'webhook_pending_events',
    kind: 'gauge',
    help: 'Events that wait for a webhook or are under way.',
    figure: 'pending',
  },
  {
    name: 'webhook_delivered_events_total',
    kind: 'counter',
    help: 'Events that a webhook took.',
    figure: 'delivered',
  },
  {
    name: 'webhook_failures_total',
    kind: 'counter',
    help: 'Attempts to reach a webhook that did not succeed.',
    figure: 'failures',
  },
  {
    name: 'webhook_dead_events_total',
    kind: 'counter',
    help: 'Events of a webhook that became dead letters.',
    figure: 'dead',
  },
  {
    name: 'webhook_dead_letter_events',
    kind: 'gauge',
    help: 'Events that are kept as dead letters of a webhook.',
    figure: 'kept',
  },
  {
    name: 'webhook_forgotten_events_total',
    kind: 'counter',
    help: 'Events that were lost because a webhook had too many dead letters.',
    figure: 'forgotten',
  },
];

/** One line for each webhook. */
export function webhookSamples(
  webhooks: readonly WebhookMetricFigures[] = [],
  figure: Name,
): readonly Sample[] {
  return webhooks.map((each): Sample => [each[figure], { webhook: String(each.webhook), url: each.url }]);
}
