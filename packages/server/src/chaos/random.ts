/** Numbers that follow from a seed alone, on every machine. */

/** A whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** Seeds are whole numbers from 0 up to, not including, this. */
export const seeds = 0x1_0000_0000;

/** A stream of numbers (mulberry32). `name` makes streams of one seed that have nothing to do with each other. */
export function random(seed: number, name = ''): Random {
  let state = named(seed, name);
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The same items in an order that `draw` decides. */
export function shuffled<T>(draw: Random, items: readonly T[]): T[] {
  const rest = [...items];
  return items.flatMap(() => rest.splice(draw(rest.length), 1));
}

/** FNV-1a, begun with the seed. */
function named(seed: number, name: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
