/** The bell, its badge, and the panel with the notifications that it opens. */
import { create, find } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Language } from '../shared/language.ts';
import type { NoticeKind } from './notice.ts';
import type { ListedNotice, NoticeList } from './notice-list.ts';
import type { CenterPhrase } from './phrases.ts';

export interface PanelListener {
  /** The customer has read everything up to this offset. */
  read(offset: number): void;
  /** The panel is open: nothing else need tell of what is in it. */
  opened(): void;
}

const kindIcons = { order: 'bag', parcel: 'parcel', sale: 'percent', news: 'bell' } as const;

/** The round mark of a kind. */
export function kindMark(kind: NoticeKind): HTMLSpanElement {
  const mark = create('span', 'kind', icon(kindIcons[kind]));
  mark.setAttribute('data-kind', kind);
  return mark;
}

export class Panel {
  readonly #language: Language<CenterPhrase>;
  readonly #list: NoticeList;
  readonly #bell = find('#bell', HTMLButtonElement);
  readonly #panel = find('#panel', HTMLElement);
  readonly #notices = find('#notices', HTMLOListElement);
  readonly #markAll = find('#mark-all', HTMLButtonElement);
  /** Offsets that were on the list already, so that only new ones draw attention. */
  #known: ReadonlySet<number> = new Set();

  constructor(language: Language<CenterPhrase>, list: NoticeList, listener: PanelListener, off: AbortSignal) {
    this.#language = language;
    this.#list = list;
    const options = { signal: off };
    this.#bell.addEventListener('click', () => (this.isOpen ? this.close() : this.open(listener)), options);
    find('#panel-close', HTMLButtonElement).addEventListener('click', () => this.close(), options);
    this.#markAll.addEventListener('click', () => listener.read(list.top), options);
    this.#notices.addEventListener('click', (event) => this.#clicked(event, listener), options);
    this.#panel.addEventListener('keydown', (event) => this.#pressed(event), options);
    document.addEventListener('pointerdown', (event) => this.#outside(event), options);
    this.#bell.removeAttribute('data-ringing');
    this.show();
  }

  get isOpen(): boolean {
    return !this.#panel.hidden;
  }

  open(listener: PanelListener): void {
    listener.opened();
    this.#panel.hidden = false;
    this.#bell.setAttribute('aria-expanded', 'true');
    const first = this.#notices.querySelector('button') ?? find('#panel-close', HTMLButtonElement);
    first.focus({ preventScroll: true });
  }

  /** Closes it; the focus goes back to the bell where it was within. */
  close(): void {
    const hadFocus = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    this.#bell.setAttribute('aria-expanded', 'false');
    if (hadFocus) this.#bell.focus({ preventScroll: true });
  }

  /** Draws the eye to the bell. */
  ring(): void {
    this.#bell.removeAttribute('data-ringing');
    // The animation begins anew only once the browser has seen the mark gone.
    void this.#bell.offsetWidth;
    this.#bell.setAttribute('data-ringing', '');
  }

  /** Shows the list as it is now. The focus stays on the notification that has it. */
  show(): void {
    const focused = this.#focusedOffset();
    const listed = this.#list.all;
    this.#notices.replaceChildren(...listed.map((each) => this.#item(each)));
    this.#known = new Set(listed.map(({ offset }) => offset));
    find('#panel-empty', HTMLElement).hidden = listed.length > 0;
    if (focused !== undefined) {
      this.#notices.querySelector<HTMLButtonElement>(`[data-offset="${focused}"]`)?.focus();
    }
    this.#sayCounts();
  }

  #item({ offset, notice }: ListedNotice): HTMLLIElement {
    const { kind, title, text, at } = notice;
    const body = create('span', '', create('b', '', title));
    if (text !== undefined) body.append(create('span', 'notice-text', text));
    if (at !== undefined) body.append(this.#time(at));
    const button = create('button', 'notice', kindMark(kind), body);
    button.type = 'button';
    button.setAttribute('data-offset', String(offset));
    if (!this.#known.has(offset)) button.setAttribute('data-fresh', '');
    if (offset > this.#list.read) {
      button.setAttribute('data-unread', '');
      const mark = create('span', 'unread-mark');
      mark.setAttribute('role', 'img');
      this.#language.label(mark, 'isUnread');
      button.append(mark);
    }
    return create('li', '', button);
  }

  #time(at: number): HTMLTimeElement {
    const time = create('time');
    const isToday = new Date(at).toDateString() === new Date().toDateString();
    this.#language.tell(time, at, isToday ? 'clock' : 'day');
    return time;
  }

  #sayCounts(): void {
    const { unread } = this.#list;
    const badge = find('#badge', HTMLElement);
    badge.hidden = unread === 0;
    badge.textContent = unread > 99 ? '99+' : String(unread);
    const name = this.#language.phrase(unread === 0 ? 'bell' : 'bellUnread', { count: unread });
    this.#bell.setAttribute('aria-label', name);
    this.#bell.title = name;
    const count = find('#unread', HTMLElement);
    if (this.#list.all.length === 0) {
      count.removeAttribute('data-text');
      count.textContent = '';
    } else if (unread === 0) this.#language.say(count, 'allRead');
    else this.#language.say(count, 'unreadCount', { count: unread });
    this.#markAll.disabled = unread === 0;
  }

  #clicked(event: MouseEvent, listener: PanelListener): void {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const offset = Number(button?.getAttribute('data-offset'));
    if (offset > 0) listener.read(offset);
  }

  /** Escape closes; the arrows go from one notification to the next. */
  #pressed(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.close();
      return;
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    const buttons = [...this.#notices.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[at === -1 ? 0 : at + step]?.focus();
    event.preventDefault();
  }

  #outside({ target }: PointerEvent): void {
    if (!this.isOpen || !(target instanceof Node)) return;
    if (!this.#panel.contains(target) && !this.#bell.contains(target)) this.close();
  }

  #focusedOffset(): string | undefined {
    const { activeElement } = document;
    if (activeElement === null || !this.#notices.contains(activeElement)) return undefined;
    return activeElement.getAttribute('data-offset') ?? undefined;
  }
}
