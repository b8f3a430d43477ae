/** An error as half a sentence for the log: what it says, and the line of the user's own code that it came from. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const longestSentence = 500;
const ownRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Paths are told as they are seen from `folder`. Never throws, whatever was thrown: getters and proxies may. */
export function sentenceOf(error: unknown, folder: string): string {
  try {
    return readable(error, folder);
  } catch {
    return 'something was thrown that cannot even be read';
  }
}

function readable(error: unknown, folder: string): string {
  if (!(error instanceof Error)) return `something that is no error was thrown: ${shortened(shown(error))}`;
  return `${shortened(headline(error))}${written(placeOf(error), folder)}`;
}

/** Of a module that could not even be read: `file` is the last that was looked at. */
export function syntaxSentence(error: SyntaxError, folder: string, file: string | undefined): string {
  const place = placeOf(error) ?? (file === undefined ? undefined : syntaxPlace(file));
  return `${shortened(headline(error))}${written(place, folder)}`;
}

interface Place {
  readonly file: string;
  /** Absent: somewhere in it. */
  readonly line?: string;
}

function headline({ name, message }: Error): string {
  // Anything may stand there.
  const [line = ''] = String(message).split('\n');
  return name === 'Error' ? line : `${name}: ${line}`;
}

function placeOf(error: Error): Place | undefined {
  const stack = String(error.stack ?? '');
  // Where the text itself is wrong, the first line is the place; else the frames have it.
  const head = /^(?:file:\/\/)?(\/[^\n]*?|[A-Za-z]:[^\n]*?):(\d+)\n/.exec(stack);
  if (head?.[1] !== undefined && head[2] !== undefined) return { file: head[1], line: head[2] };
  let package_: Place | undefined;
  for (const [, url, line] of stack.matchAll(
    /(?:\(|at (?:async )?)((?:file:|\/|[A-Za-z]:\\)[^\n]*?):(\d+):\d+\)?$/gm,
  )) {
    if (url === undefined || line === undefined) continue;
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    if (file.startsWith(ownRoot)) continue;
    if (!/[/\\]node_modules[/\\]/.test(file)) return { file, line };
    package_ ??= { file, line };
  }
  return package_;
}

/** Node does not say where plain JavaScript is ill-formed; the parser of TypeScript does. */
function syntaxPlace(file: string): Place {
  try {
    stripTypeScriptTypes(readFileSync(file, 'utf8'), { sourceUrl: file });
  } catch (error) {
    const line = error instanceof Error ? /:(\d+)\n/.exec(error.stack ?? '')?.[1] : undefined;
    if (line !== undefined) return { file, line };
  }
  return { file };
}

function written(place: Place | undefined, folder: string): string {
  if (place === undefined) return '';
  const { file, line } = place;
  const seen = relative(folder, file);
  const name = seen.startsWith('..') ? file : seen;
  return line === undefined ? ` (${name})` : ` (${name}:${line})`;
}

function shown(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value);
  }
}

function shortened(text: string): string {
  return text.length > longestSentence ? `${text.slice(0, longestSentence)}...` : text;
}
