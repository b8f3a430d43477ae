/** One publication of a chat room as the pages show it. Anybody may publish anything there, so nothing is taken for granted. */

/** A chat message as the chat page publishes it, to the channel `room:<name>`. */
export interface ChatMessage {
  /** Who says it; up to 40 characters are shown. */
  readonly name: string;
  readonly text: string;
  /** The page that sent it, so that it knows its own. */
  readonly from?: string;
  /** The sender's own mark of this message, so that sending it again does not show it twice. */
  readonly id?: string;
  /** When it was sent by the sender's clock, milliseconds since 1970. */
  readonly at?: number;
}

/** What is shown. `json` is data that is no chat line; its text is the JSON, indented. */
export interface Line {
  readonly kind: 'chat' | 'json';
  readonly text: string;
  readonly name?: string;
  readonly from?: string;
  readonly id?: string;
  readonly at?: number;
}

const nameCharacters = 40;
const textCharacters = 20_000;

/**
 * Reads any published data as a line: a string is a line without a name, an object with a `text` is a chat line.
 * `arrivedAt` (milliseconds since 1970) stands in for a time that the data does not carry: given where it came just
 * now, absent where nobody knows.
 */
export function readLine(data: unknown, arrivedAt?: number): Line {
  const line = lineOf(data);
  return line.at === undefined && arrivedAt !== undefined ? { ...line, at: arrivedAt } : line;
}

function lineOf(data: unknown): Line {
  if (typeof data === 'string') return { kind: 'chat', text: cut(data, textCharacters) };
  if (isRecord(data) && typeof data['text'] === 'string') {
    const { name, text, from, id, at } = data;
    return {
      kind: 'chat',
      text: cut(text, textCharacters),
      ...(typeof name === 'string' && name.trim() !== '' && { name: cut(name.trim(), nameCharacters) }),
      ...(typeof from === 'string' && { from }),
      ...(typeof id === 'string' && { id }),
      ...(isMoment(at) && { at }),
    };
  }
  return { kind: 'json', text: cut(JSON.stringify(data, undefined, 2) ?? String(data), textCharacters) };
}

interface Loose {
  readonly [key: string]: unknown;
}

function isRecord(data: unknown): data is Loose & { readonly text?: unknown } {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

/** Within what a Date can hold; the far ends would throw when they are written as text. */
function isMoment(at: unknown): at is number {
  return typeof at === 'number' && Number.isFinite(at) && at > 0 && at < 8.64e15;
}

function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters).replace(/[\ud800-\udbff]$/, '')}…`;
}
