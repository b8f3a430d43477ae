/** The language of a page: English or Chinese, kept in the elements themselves so that a switch needs no reload. */
import { recall, remember } from './storage.ts';

/** A phrase; a counted one has two forms, chosen by the parameter `count`. `{name}` stands for a parameter. */
export type Phrase = string | { readonly one: string; readonly other: string };
export type Phrases<K extends string> = Readonly<Record<K, Phrase>>;
export type Parameters = Readonly<Record<string, string | number>>;
export type LanguageCode = 'en' | 'zh';

/** How a time is written: the clock alone, or the day. */
export type TimeForm = 'clock' | 'day';

const storageKey = 'carillon.language';

/**
 * Speaks one language at a time. Elements carry what they say (`data-text`, `data-label`, `data-placeholder`, and
 * `data-time` for times), so {@link toggle} can say it again in the other.
 */
export class Language<K extends string> {
  readonly #phrases: Readonly<Record<LanguageCode, Phrases<K>>>;
  readonly #listeners: (() => void)[] = [];
  #code: LanguageCode;

  constructor(phrases: Readonly<Record<LanguageCode, Phrases<K>>>) {
    this.#phrases = phrases;
    const stored = recall(storageKey);
    const chinese =
      stored === undefined ? navigator.language.toLowerCase().startsWith('zh') : stored === 'zh';
    this.#code = chinese ? 'zh' : 'en';
    this.speak(document);
  }

  get code(): LanguageCode {
    return this.#code;
  }

  /** The phrase with its parameters filled in. */
  phrase(key: K, parameters: Parameters = {}): string {
    const phrase = this.#phrases[this.#code][key];
    const text = typeof phrase === 'string' ? phrase : parameters['count'] === 1 ? phrase.one : phrase.other;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
  }

  /** Makes the element say the phrase, now and after every switch. */
  say(element: Element, key: K, parameters?: Parameters): void {
    element.setAttribute('data-text', key);
    if (parameters === undefined) element.removeAttribute('data-parameters');
    else element.setAttribute('data-parameters', JSON.stringify(parameters));
    element.textContent = this.phrase(key, parameters);
  }

  /** The same for what a screen reader and a tooltip say of it. */
  label(element: Element, key: K): void {
    element.setAttribute('data-label', key);
    this.#name(element, this.phrase(key));
  }

  /** Makes the element show a moment (milliseconds since 1970) in the reader's own time zone. */
  tell(element: HTMLTimeElement, at: number, form: TimeForm): void {
    element.dateTime = new Date(at).toISOString();
    element.setAttribute('data-time', form);
    element.textContent = this.#moment(at, form);
  }

  /** Calls back after every switch, for what no attribute can carry. */
  changed(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Switches to the other language and remembers it. */
  toggle(): void {
    this.#code = this.#code === 'en' ? 'zh' : 'en';
    remember(storageKey, this.#code);
    this.speak(document);
    for (const listener of this.#listeners) listener();
  }

  /** Says everything within again. */
  speak(within: ParentNode): void {
    document.documentElement.lang = this.#code === 'zh' ? 'zh-CN' : 'en';
    for (const element of within.querySelectorAll('[data-text]')) {
      const stored = element.getAttribute('data-parameters');
      const parameters: Parameters = stored === null ? {} : JSON.parse(stored);
      element.textContent = this.#attribute(element, 'data-text', parameters);
    }
    for (const element of within.querySelectorAll('[data-label]')) {
      this.#name(element, this.#attribute(element, 'data-label'));
    }
    for (const element of within.querySelectorAll('[data-placeholder]')) {
      element.setAttribute('placeholder', this.#attribute(element, 'data-placeholder'));
    }
    for (const element of within.querySelectorAll('time[data-time]')) {
      const form = element.getAttribute('data-time') === 'day' ? 'day' : 'clock';
      element.textContent = this.#moment(Date.parse(element.getAttribute('datetime') ?? ''), form);
    }
  }

  #attribute(element: Element, name: string, parameters: Parameters = {}): string {
    const key = element.getAttribute(name) ?? '';
    return this.#knows(key) ? this.phrase(key, parameters) : key;
  }

  #knows(key: string): key is K {
    return Object.hasOwn(this.#phrases.en, key);
  }

  #name(element: Element, text: string): void {
    element.setAttribute('aria-label', text);
    if (element instanceof HTMLButtonElement) element.title = text;
  }

  #moment(at: number, form: TimeForm): string {
    const locale =
      this.#code === 'zh' ? 'zh-CN' : navigator.language.startsWith('zh') ? 'en' : navigator.language;
    const format: Intl.DateTimeFormatOptions =
      form === 'clock'
        ? { hour: 'numeric', minute: '2-digit' }
        : { weekday: 'long', month: 'long', day: 'numeric' };
    return new Intl.DateTimeFormat(locale, format).format(at);
  }
}
