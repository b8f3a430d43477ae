/** Which channel a Redis channel feeds: patterns on both sides, the most specific source decides. */
import { bySpecificity, compilePattern, type Pattern } from '../../core/pattern.ts';

/** One line of the mapping, as it was written. */
export interface MappingRule {
  /** A Redis channel, or a pattern of them: `*` and `{name}` stand for one or more characters. */
  readonly source: string;
  /** The channel it feeds; `*` and `{name}` are what they stood for in the source, each `*` in its turn. */
  readonly target: string;
}

/** What is asked of Redis for one rule. */
export interface Wanted {
  readonly source: string;
  /** `glob` for PSUBSCRIBE; undefined where `source` is a plain name for SUBSCRIBE. */
  readonly glob: string | undefined;
}

interface CompiledRule extends MappingRule {
  readonly pattern: Pattern;
  channel(captures: Readonly<Record<string, string>>): string;
}

const part = /\*|\{[A-Za-z_]\w*\}/g;

export class Mapping {
  readonly wanted: readonly Wanted[];
  /** Names and patterns of the channels that something may end up in. */
  readonly targets: readonly string[];
  /** The most specific first. */
  readonly #rules: readonly CompiledRule[];
  readonly #exact: ReadonlyMap<string, MappingRule>;

  /** `rules` were checked when the config was loaded: every part of a target stands in its source, too. */
  constructor(rules: readonly MappingRule[]) {
    const sorted = rules.toSorted((a, b) => bySpecificity(a.source, b.source));
    this.wanted = sorted.map(({ source }) => ({ source, glob: isOpen(source) ? toGlob(source) : undefined }));
    this.#exact = new Map(sorted.filter(({ source }) => !isOpen(source)).map((rule) => [rule.source, rule]));
    this.#rules = sorted.filter(({ source }) => isOpen(source)).map(compile);
    this.targets = rules.map(({ target }) => target);
  }

  /**
   * The rule that decides for a Redis channel, and the channel that it feeds, which may turn out to be no valid name. Redis
   * delivers a message once for each subscription that matches, so what came by another rule than this is a copy.
   */
  decide(name: string): MappingRule | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    for (const { source, pattern, channel } of this.#rules) {
      const captures = pattern.match(name);
      if (captures !== undefined) return { source, target: channel(captures) };
    }
    return undefined;
  }
}

/**
 * Carillon's pattern as Redis says it, with what Redis finds special escaped. `*` stays `*`, although Redis takes it for none
 * or more characters: access rules of Redis compare the pattern itself, and are written with `*`.
 */
export function toGlob(source: string): string {
  let glob = '';
  let from = 0;
  for (const found of source.matchAll(part)) {
    glob += `${escapeGlob(source.slice(from, found.index))}*`;
    from = found.index + found[0].length;
  }
  return glob + escapeGlob(source.slice(from));
}

function isOpen(source: string): boolean {
  return source.search(part) !== -1;
}

function escapeGlob(literal: string): string {
  return literal.replaceAll(/[\\*?[\]]/g, '\\$&');
}

function compile({ source, target }: MappingRule): CompiledRule {
  const pieces = named(target).split(/\{([A-Za-z_]\w*)\}/);
  return {
    source,
    target,
    pattern: compilePattern(named(source)),
    // At odd places stand the names.
    channel: (captures) =>
      pieces.map((piece, at) => (at % 2 === 0 ? piece : (captures[piece] ?? ''))).join(''),
  };
}

/** Every `*` gets a name of its own, by its turn. */
function named(pattern: string): string {
  let turn = 0;
  return pattern.replaceAll('*', () => {
    turn += 1;
    return `{__star${turn}}`;
  });
}
