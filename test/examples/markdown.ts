/** What the tests read from a markdown page: its fenced blocks, its links and the anchors of its headings. */
import { readFileSync } from 'node:fs';

/** A fenced block. The info string is its language, then its class, then options: ```` ```sh run ````. Readers see the language alone. */
export interface Block {
  readonly page: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What the tests do with it; empty where nobody said. */
  readonly kind: string;
  /** Further words: `serve`, `channel=orders`. A word without a value has an empty one. */
  readonly options: ReadonlyMap<string, string>;
  readonly code: string;
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

export function readPage(root: string, page: string): string {
  return readFileSync(new URL(page, `file://${root}`), 'utf8');
}

export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; info: string; line: number; code: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence = '', info = ''] = /^ {0,3}(`{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined && fence !== '') open = { fence, info, line: index + 1, code: [] };
    else if (open !== undefined && line.trim() === open.fence) {
      blocks.push(blockOf(page, open));
      open = undefined;
    } else open?.code.push(line);
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: a fenced block that does not end`);
  return blocks;
}

function blockOf(
  page: string,
  { info, line, code }: { readonly info: string; readonly line: number; readonly code: readonly string[] },
): Block {
  const [language = '', kind = '', ...words] = info.trim().split(/\s+/);
  const options = new Map(words.map((word) => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']));
  return { page, line, language, kind, options, code: `${code.join('\n')}\n` };
}

/** Links of a page outside its code, images included. */
export function linksOf(text: string): Link[] {
  return prose(text).flatMap(({ line, text: words }) =>
    [...words.matchAll(/\]\(([^()\s]+(?:\([^()]*\))?)[^()]*\)/g)].map(([, target = '']) => ({
      line,
      target,
    })),
  );
}

/** The anchors that GitHub gives to the headings of a page, and those that the page sets itself. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const { text: line } of prose(text, false)) {
    for (const [, id = ''] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
    const [, heading] = /^#{1,6}\s+(.+?)\s*#*$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const base = slug(heading);
    let anchor = base;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${base}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** As GitHub makes it: the text without its marks, in small letters, punctuation dropped, blanks as hyphens. */
function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** The lines outside fenced blocks, by default without what stands between backticks. */
function prose(text: string, dropsCode = true): { line: number; text: string }[] {
  let fence: string | undefined;
  const lines: { line: number; text: string }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, mark] = /^ {0,3}(`{3,})/.exec(line) ?? [];
    if (mark !== undefined && (fence === undefined || line.trim() === fence))
      fence = fence === undefined ? mark : undefined;
    else if (fence === undefined)
      lines.push({ line: index + 1, text: dropsCode ? line.replace(/`[^`]*`/g, '') : line });
  }
  return lines;
}
