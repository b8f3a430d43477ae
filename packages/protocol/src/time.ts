/** Times as people and programs read them. */

/** Milliseconds since the Unix epoch as ISO 8601, in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
