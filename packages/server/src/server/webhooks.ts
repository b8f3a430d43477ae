/** The webhooks of a server, made of its settings. */
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { randomId } from '../system/ids.ts';
import { Webhooks } from '../webhooks/webhooks.ts';

export function startWebhooks({ webhooks, limits }: Settings, clock: Clock, log: Log): Webhooks {
  const { webhookQueueEvents: queueEvents, webhookQueueBytes: queueBytes } = limits;
  return new Webhooks(webhooks, { clock, log, newId: randomId, queueEvents, queueBytes });
}
