/** How long to wait before Redis is tried again. */

const firstMs = 200;
const longestMs = 5_000;

/**
 * Milliseconds before the next attempt after `failures` in a row, from 1. Doubles up to 5 s, and lies anywhere in the upper
 * half of that, so that servers that lost Redis together do not come back together.
 */
export function backoffMs(failures: number, chance: () => number = Math.random): number {
  const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 16));
  return Math.round(longest * (0.5 + chance() / 2));
}
