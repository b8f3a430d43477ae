/** Notifications that pop up for a moment, whether the panel keeps them or not. */
import { create } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Language } from '../shared/language.ts';
import type { NoticeKind } from './notice.ts';
import { kindMark } from './panel.ts';
import type { CenterPhrase } from './phrases.ts';

const staysMs = 7_000;
/** More at once would cover the page. */
const most = 3;

export interface Toast {
  readonly kind: NoticeKind;
  readonly title: string;
  readonly text?: string;
}

export class Toasts {
  readonly #place: HTMLElement;
  readonly #language: Language<CenterPhrase>;

  constructor(place: HTMLElement, language: Language<CenterPhrase>) {
    this.#place = place;
    this.#language = language;
  }

  /** What is shown is seen elsewhere. */
  clear(): void {
    this.#place.replaceChildren();
  }

  show({ kind, title, text }: Toast): void {
    const body = create('span', '', create('b', '', title));
    if (text !== undefined) body.append(create('span', 'toast-text', text));
    const close = create('button', 'icon-button', icon('close'));
    close.type = 'button';
    this.#language.label(close, 'close');
    const toast = create('div', 'toast', kindMark(kind), body, close);
    close.addEventListener('click', () => toast.remove());
    // Whoever points at it is reading it.
    let timer = setTimeout(() => toast.remove(), staysMs);
    toast.addEventListener('pointerenter', () => clearTimeout(timer));
    toast.addEventListener('pointerleave', () => {
      timer = setTimeout(() => toast.remove(), staysMs / 2);
    });
    this.#place.append(toast);
    while (this.#place.childElementCount > most) this.#place.firstElementChild?.remove();
  }
}
