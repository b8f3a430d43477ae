/** How long to wait before somebody who failed is asked again. */

export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Milliseconds before the next attempt after `failures` in a row, from 1. Doubles up to the longest, and lies anywhere in
 * the upper half of that, so that those who failed together do not come back together.
 */
export function backoffMs(
  failures: number,
  { firstMs, longestMs }: BackoffOptions,
  chance: () => number = Math.random,
): number {
  const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 40));
  return Math.round(longest * (0.5 + chance() / 2));
}
