/** The signature of a request as Standard Webhooks has it, so that existing libraries verify it. */
import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/** What a secret signs with: the bytes behind `whsec_` in base64, or the text itself. */
export function signingKey(secret: string): Buffer {
  return secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret, 'utf8');
}

/** The headers of one attempt; the signature is there where there are keys, one for each. `now`: milliseconds. */
export function signedHeaders(
  id: string,
  body: string,
  keys: readonly Buffer[],
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (keys.length === 0) return headers;
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return { ...headers, 'webhook-signature': signatures.join(' ') };
}
