/** The stream of a room: messages in their order, dividers between them, and what the reader has not seen yet. */
import { create } from '../shared/dom.ts';
import type { Language } from '../shared/language.ts';
import type { Line } from '../shared/line.ts';
import { messageItem } from './message-view.ts';
import type { ChatPhrase } from './phrases.ts';
import { StickyScroll } from './scroll.ts';

/** Where the stream is shown. */
export interface StreamElements {
  readonly frame: HTMLElement;
  readonly content: HTMLElement;
  readonly messages: HTMLOListElement;
  readonly empty: HTMLElement;
  readonly newer: HTMLButtonElement;
  readonly newerText: HTMLElement;
}

/** Messages of one person that are no further apart stand together under one name. */
const togetherMs = 5 * 60_000;

/** The page keeps so many items; older ones go when the reader is at the end. */
const itemsMax = 500;

export class StreamView {
  readonly #elements: StreamElements;
  readonly #language: Language<ChatPhrase>;
  readonly #scroll: StickyScroll;
  #last: Line | undefined;
  #lastAt = 0;
  #day = '';
  #unseen = 0;
  #missed: { readonly text: HTMLElement; count: number } | undefined;

  constructor(elements: StreamElements, language: Language<ChatPhrase>) {
    this.#elements = elements;
    this.#language = language;
    this.#scroll = new StickyScroll(elements.frame, elements.content, (atEnd) => {
      if (atEnd) this.#see();
    });
    elements.newer.addEventListener('click', () => {
      this.toEnd();
      elements.frame.focus({ preventScroll: true });
    });
  }

  /** Another room: nothing is left of the one before, and screen readers stay silent until {@link ready}. */
  clear(): void {
    this.#elements.messages.replaceChildren();
    this.#elements.empty.hidden = true;
    this.#elements.frame.setAttribute('aria-live', 'off');
    this.#last = undefined;
    this.#lastAt = 0;
    this.#day = '';
    this.#missed = undefined;
    this.toEnd();
  }

  /** The history is there; what comes from now on is read out. */
  ready(): void {
    this.#elements.frame.setAttribute('aria-live', 'polite');
    this.#showEmpty();
  }

  toEnd(): void {
    this.#scroll.toEnd();
  }

  add(line: Line, own: boolean): void {
    this.#dayOf(line);
    this.#append(messageItem(line, { own, follows: this.#follows(line) }, this.#language));
    this.#last = line;
    this.#lastAt = line.at ?? this.#lastAt;
    if (!own && !this.#scroll.atEnd) this.#count();
    this.#trim();
  }

  /** Counts one message that was missed; the first one draws the line above it that says how many. */
  missed(): void {
    this.#missed ??= { text: this.divide('missed', 'good'), count: 0 };
    this.#missed.count += 1;
    this.#language.say(this.#missed.text, 'missed', { count: this.#missed.count });
  }

  /** What was missed is all there: how much it was. The next time counts anew. */
  caughtUp(): number {
    const count = this.#missed?.count ?? 0;
    this.#missed = undefined;
    return count;
  }

  /** A line across the stream; gives the element that holds its words. */
  divide(
    key: ChatPhrase,
    kind: 'good' | 'bad' | 'earlier',
    parameters: Readonly<Record<string, string>> = {},
  ): HTMLElement {
    const text = create('span');
    this.#language.say(text, key, parameters);
    this.#append(create('li', `divider ${kind}`, text));
    this.#last = undefined;
    return text;
  }

  /** Draws the line of another day. What has no time belongs to what stands before it, and at the top to no day. */
  #dayOf(line: Line): void {
    if (line.at === undefined) {
      if (this.#elements.messages.childElementCount === 0) this.divide('earlier', 'earlier');
      return;
    }
    const day = new Date(line.at).toDateString();
    if (day === this.#day) return;
    this.#day = day;
    const time = create('time');
    this.#language.tell(time, line.at, 'day');
    this.#append(create('li', 'divider day', time));
    this.#last = undefined;
  }

  #follows(line: Line): boolean {
    const last = this.#last;
    if (last === undefined || last.name !== line.name || last.from !== line.from) return false;
    return line.at === undefined || line.at - this.#lastAt < togetherMs;
  }

  #append(item: HTMLLIElement): void {
    this.#elements.messages.append(item);
    this.#showEmpty();
  }

  #showEmpty(): void {
    const ready = this.#elements.frame.getAttribute('aria-live') !== 'off';
    this.#elements.empty.hidden = !ready || this.#elements.messages.childElementCount > 0;
  }

  #count(): void {
    this.#unseen += 1;
    this.#language.say(this.#elements.newerText, 'newer', { count: this.#unseen });
    this.#elements.newer.hidden = false;
  }

  #see(): void {
    this.#unseen = 0;
    this.#elements.newer.hidden = true;
  }

  #trim(): void {
    const { messages } = this.#elements;
    while (this.#scroll.atEnd && messages.childElementCount > itemsMax) messages.firstElementChild?.remove();
  }
}
