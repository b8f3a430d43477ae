/** What a source file imports: a scanner of its own, since TypeScript 7 has no compiler API to ask. */

/** Every module that the text of a file names in an import or export, type-only and dynamic ones included. */
export function importsOf(source: string): string[] {
  const code = withoutComments(source);
  const found = new Set<string>();
  for (const pattern of patterns) for (const match of code.matchAll(pattern)) found.add(match[1] ?? '');
  return [...found];
}

/**
 * The same text without comments and without what stands in template literals; quoted strings stay. A slash that
 * opens a regular expression is told from a division by what stands before it.
 */
export function withoutComments(source: string): string {
  return source.replaceAll(token, (text, expression: string | undefined) => {
    if (text.startsWith('//') || text.startsWith('/*')) return ' ';
    if (text.startsWith('`')) return '``';
    return expression === undefined ? text : text.replace(expression, '/./');
  });
}

const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|(?:^|[=(,:[!&|?{};\n]|=>|return)[ \t]*(\/(?![/*])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*)/g;

const patterns = [
  /(?:^|[;}\s])(?:import|export)\s(?:[^'";]*?\s)?from\s*['"]([^'"]+)['"]/g,
  /(?:^|[;}\s])import\s*['"]([^'"]+)['"]/g,
  /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
  /\brequire\s*\(\s*['"]([^'"]+)['"]/g,
];
