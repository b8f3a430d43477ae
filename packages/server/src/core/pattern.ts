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

/** Compiles a pattern; the same pattern always gives an equal one. */
export function compilePattern(source: string): Pattern {
  const names: string[] = [];
  let expression = '';
  let from = 0;
  for (const found of source.matchAll(part)) {
    expression += escapeLiteral(source.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[1] === undefined) expression += '.+';
    else {
      names.push(found[1]);
      expression += '(.+)';
    }
  }
  const literals = source.split(open);
  const matches = (channel: string): boolean => hasInOrder(channel, literals);
  const compiled = new RegExp(`^${expression}${escapeLiteral(source.slice(from))}$`, 'su');
  return {
    source,
    matches,
    match(channel) {
      const found = matches(channel) ? compiled.exec(channel) : null;
      if (found === null) return undefined;
      if (names.length === 0) return noCaptures;
      return Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? '']));
    },
  };
}

/** Whether the literals stand in the channel, first and last at its ends, with something between any two. Never goes back, whatever it is given. */
function hasInOrder(channel: string, literals: readonly string[]): boolean {
  const [first = '', ...rest] = literals;
  const last = rest.pop();
  if (last === undefined) return channel === first;
  if (!channel.startsWith(first)) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = channel.indexOf(literal, at + 1);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return channel.length - last.length > at && channel.endsWith(last);
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

function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
