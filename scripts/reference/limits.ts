/** docs/limits.md: the table of limits with the reasons that stand beside them in the source. */
import { readFileSync } from 'node:fs';
import { limits } from '@carillon/protocol';
import { page, table } from './table.ts';

const source = 'packages/protocol/src/limits.ts';

/** Values come from the module, sentences from the comments above them; a comment also covers the next bare line. */
export function renderLimits(): string {
  const text = readFileSync(new URL(`../../${source}`, import.meta.url), 'utf8');
  const sentences = comments(text);
  const rows = Object.entries(limits).map(([name, value]) => {
    const sentence = sentences.get(name);
    if (sentence === undefined) throw new Error(`${source}: ${name} has no comment`);
    return [`\`${name}\``, shown(name, value), sentence];
  });
  return page(
    'Limits',
    source,
    'What has no bound fills up one day, so everything here has one. Sizes are bytes of UTF-8 unless the name says' +
      ' otherwise. Where a limit can be configured, [configuration.md](configuration.md) says how.',
    table(['limit', 'value', 'what it bounds'], rows),
  );
}

function comments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  let sentence: string | undefined;
  for (const [, comment, name] of text.matchAll(/\/\*\*([\s\S]*?)\*\/|^ {2}(\w+):/gm)) {
    if (comment !== undefined) sentence = comment.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim();
    else if (name !== undefined && sentence !== undefined) found.set(name, sentence);
  }
  return found;
}

/** The number, and in a unit for people where it is a round one. */
function shown(name: string, value: number): string {
  const plain = value.toLocaleString('en');
  if (name.endsWith('Ms')) return `${plain} (${duration(value)})`;
  if (name.endsWith('Bytes') && value % 1024 === 0) return `${plain} (${size(value)})`;
  return plain;
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

function size(bytes: number): string {
  return bytes % 1_048_576 === 0 ? `${bytes / 1_048_576} MiB` : `${bytes / 1024} KiB`;
}
