/** Seeded random numbers, so that a failure can be run again from the seed that it prints. */

/** A whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** A stream of numbers that is the same for the same seed on every machine (mulberry32). */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One of `items`, which must not be empty. */
export function pick<T>(draw: Random, items: readonly T[]): T {
  return items[draw(items.length)] as T;
}
