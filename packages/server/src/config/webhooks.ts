/** The keys of `webhooks`: who is told what happens to clients and channels, and how persistently. */
import { limits } from '@carillon/protocol';
import { z } from 'zod';
import { choice, duration, headers, httpUrl, key, list, section, text, whole } from './fields.ts';

/** What there is to tell, as the core names it. */
export const lifecycleNames = [
  'connect',
  'disconnect',
  'channelOccupied',
  'channelVacated',
  'userOnline',
  'userOffline',
  'inboxOverdue',
] as const;

const secret = text(/^[\x21-\x7e]{1,1024}$/, 'a text of printable ASCII without spaces');
const secretError = `must be a text of printable ASCII without spaces, or a list of 1 to ${limits.webhookSecrets} of them`;

const batch = section({
  size: key(whole(1, 1_000).default(100), 'Events that one request carries at most.'),
  wait: key(
    duration('0s', '1m').default('250ms'),
    'How long the first event waits for others to go with it.',
  ),
});

const retries = section({
  times: key(
    whole(0, 1_000).default(15),
    'How often a request is tried again before its events become a dead letter.',
  ),
  first: key(
    duration('10ms', '1h').default('1s'),
    'The wait before the second attempt; it doubles from one attempt to the next.',
  ),
  longest: key(duration('10ms', '24h').default('5m'), 'What that wait grows to at most.'),
});

const webhook = section({
  url: key(
    httpUrl(),
    'Gets `POST {"events":[{"id","type","time",...}]}`; every 2xx means that they arrived.',
    { type: 'URL' },
  ),
  events: key(
    list(choice(lifecycleNames)).min(1, { error: 'must name at least one' }).optional(),
    `What it is told: ${lifecycleNames.map((name) => `\`${name}\``).join(', ')}; absent: all of it.`,
    { type: 'list of event names' },
  ),
  secret: key(
    z.union([secret, list(secret).min(1).max(limits.webhookSecrets)], { error: secretError }).optional(),
    'What requests are signed with (Standard Webhooks): `whsec_` and base64, or any text; of a list, with each, so that one can be changed without a pause.',
    { secret: 'value', type: 'text or list of texts' },
  ),
  batch: key(batch.prefault({}), 'How many events go together.'),
  timeout: key(duration('10ms', '5m').default('15s'), 'How long an answer may take.'),
  headers: key(
    headers(),
    'Sent with every request, for example a key by which the backend knows this server.',
    {
      secret: 'value',
      entry: 'name',
    },
  ),
  retries: key(retries.prefault({}), 'What happens when nobody answers, or with 408, 425, 429 or 5xx.'),
});

export const webhooks = list(webhook).max(limits.webhooks, {
  error: `must not have more than ${limits.webhooks} elements`,
});

/** One of the list as it is when it was checked. */
export type WebhookConfig = z.output<typeof webhook>;
