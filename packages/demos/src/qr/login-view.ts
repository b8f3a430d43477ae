/** Shows how far a login is: the code and its time, who scanned it, and what can be done next. */
import { avatarOf } from '../shared/avatar.ts';
import { find } from '../shared/dom.ts';
import { type IconName, icon } from '../shared/icons.ts';
import type { Language } from '../shared/language.ts';
import type { Stage } from './login.ts';
import type { QrPhrase } from './phrases.ts';
import { qrCode } from './qr-code.ts';

export class LoginView {
  readonly #language: Language<QrPhrase>;
  /** The address that a phone opens for a code. */
  readonly #addressOf: (code: string) => string;
  readonly #card = find('#card', HTMLElement);
  readonly #code = find('#code', HTMLElement);
  readonly #over = find('#over', HTMLElement);
  readonly #state = find('#stage', HTMLElement);
  readonly #hint = find('#hint', HTMLElement);
  readonly #left = find('#left', HTMLElement);
  readonly #again = find('#again', HTMLButtonElement);
  #shown = '';
  #countdown: ReturnType<typeof setInterval> | undefined;

  constructor(language: Language<QrPhrase>, addressOf: (code: string) => string) {
    this.#language = language;
    this.#addressOf = addressOf;
  }

  show(stage: Stage): void {
    clearInterval(this.#countdown);
    this.#card.setAttribute('data-stage', stage.name);
    if ('code' in stage) this.#draw(stage.code);
    if ('until' in stage) this.#count(stage.until);
    else silence(this.#left);
    this.#say(stage);
    this.#cover(stage);
    const canDraw = !('until' in stage) && stage.name !== 'drawing' && stage.name !== 'collecting';
    this.#again.hidden = !canDraw;
    this.#again.classList.toggle('quiet', stage.name === 'done');
    this.#language.say(find('#again span', HTMLElement), stage.name === 'done' ? 'signOut' : 'again');
  }

  #say(stage: Stage): void {
    const hint = { scanned: 'confirmHint', done: 'doneHint' } as const;
    if (stage.name === 'scanned' && stage.who === '') this.#language.say(this.#state, 'scannedBySomebody');
    else if (stage.name === 'scanned') this.#language.say(this.#state, 'scanned', { name: stage.who });
    else if (stage.name === 'done') this.#language.say(this.#state, 'done', { name: stage.who });
    else if (stage.name === 'failed') this.#language.say(this.#state, 'failed', { reason: stage.reason });
    else this.#language.say(this.#state, stage.name);
    if (stage.name === 'scanned' || stage.name === 'done') this.#language.say(this.#hint, hint[stage.name]);
    else silence(this.#hint);
    const title = find('#title', HTMLElement);
    if (stage.name === 'done') this.#language.say(title, 'hello', { name: stage.who });
    else this.#language.say(title, 'title');
  }

  /** What lies over the code once it is not to be scanned any more. */
  #cover(stage: Stage): void {
    const isOpen = stage.name === 'waiting' || stage.name === 'drawing';
    this.#over.hidden = isOpen;
    if (isOpen) return;
    const who = 'who' in stage && stage.who !== '' ? stage.who : undefined;
    if (who !== undefined) this.#over.replaceChildren(avatarOf(who));
    else this.#over.replaceChildren(icon(marks[stage.name] ?? 'clock'));
    if (stage.name !== 'done') return;
    const tick = icon('check');
    tick.classList.add('tick');
    this.#over.append(tick);
  }

  #draw(code: string): void {
    if (code === this.#shown) return;
    this.#shown = code;
    this.#code.replaceChildren(qrCode(this.#addressOf(code)));
  }

  #count(until: number): void {
    const show = (): void => {
      const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1_000));
      const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
      this.#language.say(this.#left, 'left', { time });
    };
    show();
    this.#countdown = setInterval(show, 500);
  }
}

const marks: Readonly<Partial<Record<Stage['name'], IconName>>> = {
  scanned: 'check',
  collecting: 'check',
  expired: 'clock',
  cancelled: 'close',
  used: 'key',
  failed: 'close',
};

/** Says nothing, also after the language was switched. */
function silence(element: HTMLElement): void {
  element.removeAttribute('data-text');
  element.textContent = '';
}
