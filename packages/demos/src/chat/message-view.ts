/** One message as elements of the page. */
import { avatarOf, graphemes } from '../shared/avatar.ts';
import { create } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import type { Line } from '../shared/line.ts';
import type { ChatPhrase } from './phrases.ts';

/** How a line stands in the stream. */
export interface Stance {
  /** Said on this page: at the right, without a name. */
  readonly own: boolean;
  /** Said by the same person just before: the name is not repeated. */
  readonly follows: boolean;
}

/** The list item that shows a line. */
export function messageItem(line: Line, stance: Stance, language: Language<ChatPhrase>): HTMLLIElement {
  const column = create('div', 'column');
  if (!stance.own && !stance.follows) column.append(nameOf(line, language));
  column.append(bubble(line, language));
  const item = create('li', classes(line, stance));
  if (!stance.own) item.append(avatarOf(line.name));
  item.append(column);
  return item;
}

function nameOf(line: Line, language: Language<ChatPhrase>): HTMLElement {
  const name = create('b', 'name');
  if (line.name === undefined) language.say(name, 'byApi');
  else {
    name.dir = 'auto';
    name.textContent = line.name;
  }
  return name;
}

function bubble(line: Line, language: Language<ChatPhrase>): HTMLElement {
  const text = create(line.kind === 'json' ? 'pre' : 'span', 'text', line.text);
  text.dir = line.kind === 'json' ? 'ltr' : 'auto';
  const element = create('div', 'bubble', text);
  if (line.at !== undefined) {
    const time = create('time');
    language.tell(time, line.at, 'clock');
    element.append(' ', time);
  }
  return element;
}

function classes(line: Line, { own, follows }: Stance): string {
  const names = ['message'];
  if (own) names.push('own');
  if (follows) names.push('follows');
  if (line.kind === 'json') names.push('json');
  else if (isFewEmoji(line.text)) names.push('emoji');
  return names.join(' ');
}

/** Up to three emoji and nothing else: shown large. */
function isFewEmoji(text: string): boolean {
  if (text.length > 60) return false;
  const parts = graphemes(text.trim());
  return (
    parts.length > 0 &&
    parts.length <= 3 &&
    parts.every((part) => /\p{Extended_Pictographic}|\p{RI}\p{RI}/u.test(part))
  );
}
