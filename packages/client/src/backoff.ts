/** How long to wait before the next try: exponential, with full jitter, so that clients cut together do not come back together. */

/** The bounds of the wait between two tries. */
export interface BackoffOptions {
  /** The shortest wait in milliseconds. Default 300. */
  readonly minMs: number;
  /** The longest wait in milliseconds. Default 20,000. */
  readonly maxMs: number;
}

export const defaultBackoff: BackoffOptions = { minMs: 300, maxMs: 20_000 };

/**
 * Milliseconds to wait after `failures` failures in a row (from 0): anywhere between `minMs` and a bound that
 * doubles with each failure, up to `maxMs`. `random` is in [0, 1).
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffOptions, random: number): number {
  const bound = Math.max(minMs, Math.min(maxMs, minMs * 2 ** (failures + 1)));
  return minMs + random * (bound - minMs);
}
