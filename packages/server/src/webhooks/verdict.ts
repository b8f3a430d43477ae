/** What the answer to a request of a webhook means for its events. */
import { limits } from '@carillon/protocol';

export type Verdict =
  | { readonly kind: 'delivered' }
  /** To be tried again, after `afterMs` at the earliest. `reason` is half a sentence. */
  | { readonly kind: 'again'; readonly afterMs: number; readonly reason: string; readonly status?: number }
  /** Trying again would not help. */
  | { readonly kind: 'refused'; readonly reason: string; readonly status: number };

/** Statuses below 500 that say no for now only. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** `now`: milliseconds since the Unix epoch, for a `Retry-After` that names a time. */
export function judge(status: number, retryAfter: string | undefined, now: number): Verdict {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const reason = `status ${status}`;
  if (status >= 500 || passing.has(status)) {
    return { kind: 'again', afterMs: retryAfterMs(retryAfter, now), reason, status };
  }
  const isRedirect = status >= 300 && status < 400;
  return { kind: 'refused', reason: isRedirect ? `${reason}; redirects are not followed` : reason, status };
}

/** Seconds, or an HTTP date; 0 where it says nothing that can be understood, and an hour at most. */
function retryAfterMs(text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), limits.webhookRetryAfterMs);
}
