/** The box that one writes in: Enter sends, Shift and Enter makes a new line, the box grows with its text. */
import type { Language } from '../shared/language.ts';
import type { ChatPhrase } from './phrases.ts';

export interface ComposerElements {
  readonly form: HTMLFormElement;
  readonly text: HTMLTextAreaElement;
  readonly send: HTMLButtonElement;
  /** Says how many characters are left once few are. */
  readonly left: HTMLElement;
}

/** From so many characters left on they are counted. */
const fewLeft = 200;

/** The key code that old input methods report while a character is being composed. */
const composingKeyCode = 229;

export class Composer {
  readonly #elements: ComposerElements;
  readonly #language: Language<ChatPhrase>;
  readonly #say: (text: string) => void;

  /** `say` gets what was written, never empty. */
  constructor(elements: ComposerElements, language: Language<ChatPhrase>, say: (text: string) => void) {
    this.#elements = elements;
    this.#language = language;
    this.#say = say;
    elements.text.addEventListener('input', () => this.#changed());
    elements.text.addEventListener('keydown', (event) => this.#pressed(event));
    elements.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#changed();
  }

  focus(): void {
    this.#elements.text.focus({ preventScroll: true });
  }

  #pressed(event: KeyboardEvent): void {
    // Enter that ends a Chinese or Japanese composition chooses a word and must not send.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === composingKeyCode)
      return;
    event.preventDefault();
    this.#submit();
  }

  #submit(): void {
    const text = this.#elements.text.value.trim().toWellFormed();
    if (text === '') return;
    this.#elements.text.value = '';
    this.#changed();
    this.#say(text);
    this.focus();
  }

  #changed(): void {
    const { text, send, left } = this.#elements;
    send.disabled = text.value.trim() === '';
    text.style.height = 'auto';
    text.style.height = `${text.scrollHeight}px`;
    const count = text.maxLength - text.value.length;
    if (count < fewLeft) this.#language.say(left, 'charactersLeft', { count });
    else {
      left.removeAttribute('data-text');
      left.textContent = '';
    }
  }
}
