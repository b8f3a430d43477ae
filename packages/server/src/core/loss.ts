/** Which channels a loss may have hit, in values that can be handed on to another process. */
import { compilePattern } from './pattern.ts';

export type Lost = { readonly channels: ReadonlySet<string> } | { readonly patterns: readonly string[] };

export function matcherOf(lost: Lost): (channel: string) => boolean {
  if ('channels' in lost) return (channel) => lost.channels.has(channel);
  const patterns = lost.patterns.map((pattern) => compilePattern(pattern));
  return (channel) => patterns.some((pattern) => pattern.matches(channel));
}
