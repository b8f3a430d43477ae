/** The webhooks of a server, made of its settings. */
import type { JsonText } from '@carillon/protocol';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { LifecycleSink } from '../core/lifecycle.ts';
import type { Log } from '../core/log.ts';
import { randomId } from '../system/ids.ts';
import { type RetryRequest, Webhooks } from '../webhooks/webhooks.ts';

/** Webhooks as one process has them: its own, or those of its primary. */
export interface ServerWebhooks
  extends LifecycleSink,
    Pick<Webhooks, 'replace' | 'figures' | 'hurry' | 'close'> {
  report(deadLetters: number): JsonText | Promise<JsonText>;
  retry(asked: RetryRequest): object | Promise<object>;
}

export function startWebhooks({ webhooks, limits }: Settings, clock: Clock, log: Log): Webhooks {
  const { webhookQueueEvents: queueEvents, webhookQueueBytes: queueBytes } = limits;
  return new Webhooks(webhooks, { clock, log, newId: randomId, queueEvents, queueBytes });
}
