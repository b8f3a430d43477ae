/** How exactly several processes count together: each keeps to itself less than a lot, all of them less than an eighth of the limit. */

/** So many are told to the others at a time; 1, and so everything, where the limit is small. */
export function lotOf(limit: number, processes: number): number {
  return Math.max(1, Math.floor(limit / (8 * processes)));
}
