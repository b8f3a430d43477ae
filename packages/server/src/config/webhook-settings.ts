/** `webhooks` as the server takes it, and what keeps one from being used. */
import { parseDuration } from './duration.ts';
import type { lifecycleNames, WebhookConfig } from './webhooks.ts';

export interface WebhookSettings {
  readonly url: string;
  /** Absent: everything. */
  readonly events?: readonly (typeof lifecycleNames)[number][];
  /** Each signs; none: requests are not signed. */
  readonly secrets: readonly string[];
  readonly batch: { readonly size: number; readonly waitMs: number };
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly retries: { readonly times: number; readonly firstMs: number; readonly longestMs: number };
}

export function webhookSettings({ url, events, secret = [], ...rest }: WebhookConfig): WebhookSettings {
  const { batch, timeout, headers, retries } = rest;
  return {
    url,
    ...(events !== undefined && { events: [...new Set(events)] }),
    secrets: [secret].flat(),
    batch: { size: batch.size, waitMs: parseDuration(batch.wait) ?? 0 },
    timeoutMs: parseDuration(timeout) ?? 0,
    headers,
    retries: {
      times: retries.times,
      firstMs: parseDuration(retries.first) ?? 0,
      longestMs: parseDuration(retries.longest) ?? 0,
    },
  };
}

/** One sentence for each. */
export function webhookFaults(webhooks: readonly WebhookConfig[]): string[] {
  const places = new Map<string, string>();
  return webhooks.flatMap((webhook, index) => {
    const at = `webhooks[${index}]`;
    const url = new URL(webhook.url).href;
    const other = places.get(url);
    places.set(url, other ?? at);
    return [
      ...(other === undefined ? [] : [`${at}.url: is that of ${other}; let one of them name all events.`]),
      ...secretFaults(at, webhook),
      ...headerFaults(at, webhook),
      ...retryFaults(at, webhook),
    ];
  });
}

function secretFaults(at: string, { secret = [] }: WebhookConfig): string[] {
  return [secret]
    .flat()
    .some(
      (one) =>
        one.startsWith('whsec_') &&
        !/^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2}|[A-Za-z0-9+/]{4})$/.test(one),
    )
    ? [`${at}.secret: 'whsec_' must be followed by base64, as 'openssl rand -base64 32' prints it.`]
    : [];
}

/** What a request says of itself is not for the config to say. */
function headerFaults(at: string, { headers }: WebhookConfig): string[] {
  return Object.keys(headers)
    .filter((name) =>
      /^(?:webhook-.*|content-length|content-type|transfer-encoding|connection|host)$/i.test(name),
    )
    .map((name) => `${at}.headers.${name}: is set by Carillon; leave it out.`);
}

function retryFaults(at: string, { retries }: WebhookConfig): string[] {
  const { first, longest } = retries;
  return (parseDuration(first) ?? 0) > (parseDuration(longest) ?? 0)
    ? [`${at}.retries: 'first' (${first}) must not be longer than 'longest' (${longest}).`]
    : [];
}

/** Sentences for the operator that are no faults. */
export function webhookNotes(webhooks: readonly WebhookConfig[]): string[] {
  return webhooks.flatMap(({ secret = [] }, index) => {
    const isShort = [secret].flat().some((one) => keyBytes(one) < 24);
    return isShort ? [`webhooks[${index}].secret: is shorter than 24 bytes and may be guessed.`] : [];
  });
}

function keyBytes(secret: string): number {
  return secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64').length
    : secret.length;
}
