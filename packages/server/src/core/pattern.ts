/** Channel patterns: literal text, `*` for one or more characters, `{name}` for one or more characters with a name. */

export interface Pattern {
  readonly source: string;
  /** The captured parts by name, or undefined when the name does not match. */
  match(channel: string): Readonly<Record<string, string>> | undefined;
  matches(channel: string): boolean;
}

/** The same without a capture, so that splitting by it leaves literals only. */
const open = /\*|\{[A-Za-z_]\w*\}/;
const part = /\*|\{([A-Za-z_]\w*)\}/g;
const noCaptures: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Compiles a pattern; the same pattern always gives an equal one. Where a name could be taken apart in several ways, each open
 * part but the last ends where the literal after it stands first; the last one takes the rest.
 */
export function compilePattern(source: string): Pattern {
  const literals = source.split(open);
  const names = captureNames(source);
  const isNamed = names.some((name) => name !== undefined);
  return {
    source,
    matches: (channel) => hasInOrder(channel, literals),
    match(channel) {
      const parts: string[] = [];
      if (!hasInOrder(channel, literals, parts)) return undefined;
      if (!isNamed) return noCaptures;
      return Object.fromEntries(
        names.flatMap((name, index) => (name === undefined ? [] : [[name, parts[index] ?? '']])),
      );
    },
  };
}

/** Whether a list of names and patterns has the channel. */
export function isListed(channel: string, patterns: readonly string[]): boolean {
  return patterns.some((listed) => listed === channel || hasInOrder(channel, listed.split(open)));
}

/** The names of a pattern's open parts, in their order; undefined for `*`. */
export function captureNames(source: string): readonly (string | undefined)[] {
  return Array.from(source.matchAll(part), ([, name]) => name);
}

/**
 * Whether the literals stand in the channel, first and last at its ends, with something between any two. Never goes back,
 * whatever it is given. What stands between them is added to `parts`.
 */
function hasInOrder(channel: string, literals: readonly string[], parts?: string[]): boolean {
  const [first = '', ...rest] = literals;
  const last = rest.pop();
  if (last === undefined) return channel === first;
  if (!channel.startsWith(first)) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = channel.indexOf(literal, at + 1);
    if (found === -1) return false;
    parts?.push(channel.slice(at, found));
    at = found + literal.length;
  }
  if (channel.length - last.length <= at || !channel.endsWith(last)) return false;
  parts?.push(channel.slice(at, channel.length - last.length));
  return true;
}

/**
 * Orders patterns from the most specific to the least: exact names first, then more literal characters, then fewer
 * open parts, then captures before `*`, then by text, so that the order never depends on how a config was written.
 */
export function bySpecificity(left: string, right: string): number {
  const [a, b] = [weigh(left), weigh(right)];
  return (
    Number(b.exact) - Number(a.exact) ||
    b.literals - a.literals ||
    a.open - b.open ||
    a.stars - b.stars ||
    (left < right ? -1 : Number(left > right))
  );
}

function weigh(pattern: string): { exact: boolean; literals: number; open: number; stars: number } {
  const parts = pattern.match(part) ?? [];
  const literals = pattern.length - parts.reduce((sum, text) => sum + text.length, 0);
  return {
    exact: parts.length === 0,
    literals,
    open: parts.length,
    stars: parts.filter((text) => text === '*').length,
  };
}

/** Whether a name is listed; the server's own (`$`) are nobody else's affair. */
export function channelMatcher({
  pattern,
  within,
}: {
  readonly pattern: string;
  readonly within?: readonly string[];
}): (channel: string) => boolean {
  const wanted = compilePattern(pattern);
  const bounds = within?.map((each) => compilePattern(each));
  return (channel) =>
    !channel.startsWith('$') &&
    wanted.matches(channel) &&
    (bounds === undefined || bounds.some((bound) => bound.matches(channel)));
}
