/** A word beside the status that goes by itself. */
import type { Language, Parameters } from '../shared/language.ts';
import type { ChatPhrase } from './phrases.ts';

/** Long enough to be noticed after coming back to the page. */
const shownMs = 12_000;

export class Notice {
  readonly #element: HTMLElement;
  readonly #language: Language<ChatPhrase>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(element: HTMLElement, language: Language<ChatPhrase>) {
    this.#element = element;
    this.#language = language;
  }

  show(key: ChatPhrase, kind: 'good' | 'bad', parameters?: Parameters): void {
    this.#element.classList.toggle('bad', kind === 'bad');
    this.#language.say(this.#element, key, parameters);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), shownMs);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#element.removeAttribute('data-text');
    this.#element.textContent = '';
  }
}
