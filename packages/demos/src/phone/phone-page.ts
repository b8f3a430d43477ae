/** The page that a phone opens for a code: says what is being confirmed, and confirms or declines it. */
import { myself, type Person, renamed } from '../chat/person.ts';
import { browserName } from '../shared/browser-name.ts';
import { find } from '../shared/dom.ts';
import { icon } from '../shared/icons.ts';
import type { Language, Parameters } from '../shared/language.ts';
import { callApi, Refusal } from '../shared/request.ts';
import { masked } from './masked.ts';
import type { PhonePhrase } from './phrases.ts';

/** What the API answers of a rendezvous, as far as this page looks at it. */
interface Report {
  readonly expires?: number;
  readonly browser: { readonly address: string; readonly agent: string };
}

type Ending = 'confirmed' | 'cancelled' | 'taken' | 'gone' | 'noCode' | 'failed';

export class PhonePage {
  readonly #language: Language<PhonePhrase>;
  readonly #code: string;
  readonly #buttons = [find('#confirm', HTMLButtonElement), find('#cancel', HTMLButtonElement)] as const;
  #me: Person;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(language: Language<PhonePhrase>, code: string) {
    this.#language = language;
    this.#code = code;
    this.#me = myself(language.code);
    const [confirm, cancel] = this.#buttons;
    confirm.addEventListener('click', () => void this.#confirm());
    cancel.addEventListener('click', () => void this.#cancel());
    this.#listenToName();
  }

  /** Tells the server that the code was read, and asks the user. */
  async start(): Promise<void> {
    if (this.#code === '') {
      this.#end('noCode');
      return;
    }
    await this.#try(async () => {
      const info = { name: masked(this.#me.name) };
      const report = await callApi('rendezvous_scan', { code: this.#code, info, device: this.#me.id });
      this.#ask(report as Report);
    });
  }

  #ask({ expires = 0, browser }: Report): void {
    find('#card', HTMLElement).setAttribute('data-stage', 'ask');
    this.#language.say(find('#title', HTMLElement), 'ask');
    find('#site', HTMLElement).textContent = location.host;
    const names = browserName(browser.agent);
    const shown = find('#browser', HTMLElement);
    shown.title = browser.agent;
    if (names.length > 0) shown.textContent = names.join(' · ');
    else this.#language.say(shown, 'unknownBrowser');
    find('#address', HTMLElement).textContent = browser.address;
    find('#mark', HTMLElement).replaceChildren(icon('key'));
    find('#ask', HTMLElement).hidden = false;
    this.#buttons[0].focus();
    this.#deadline = setTimeout(() => this.#end('gone'), expires * 1_000);
  }

  async #confirm(): Promise<void> {
    const { name, id: device } = this.#me;
    await this.#try(async () => {
      // A real backend puts a ticket of its own here, which the browser exchanges for a session.
      await callApi('rendezvous_confirm', { code: this.#code, data: { name }, device });
      this.#end('confirmed', { name });
    });
  }

  async #cancel(): Promise<void> {
    await this.#try(async () => {
      await callApi('rendezvous_cancel', { code: this.#code, device: this.#me.id });
      this.#end('cancelled');
    });
  }

  /** One request at a time; what the server refuses ends the page, what got no answer can be tried again. */
  async #try(request: () => Promise<void>): Promise<void> {
    for (const button of this.#buttons) button.disabled = true;
    try {
      await request();
    } catch (error) {
      if (error instanceof Refusal && error.status === 409) this.#end('taken');
      else if (error instanceof Refusal && error.status === 410) this.#end('gone');
      else this.#failed(error);
    } finally {
      for (const button of this.#buttons) button.disabled = false;
    }
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (find('#ask', HTMLElement).hidden || error instanceof Refusal) this.#end('failed');
    const text = find('#text', HTMLElement);
    text.removeAttribute('data-text');
    text.textContent = reason;
    text.hidden = false;
  }

  #end(ending: Ending, parameters?: Parameters): void {
    clearTimeout(this.#deadline);
    find('#card', HTMLElement).setAttribute('data-stage', ending);
    find('#ask', HTMLElement).hidden = true;
    find('#mark', HTMLElement).replaceChildren(icon(marks[ending]));
    this.#language.say(find('#title', HTMLElement), ending);
    const text = find('#text', HTMLElement);
    text.hidden = ending === 'failed';
    if (ending !== 'failed') this.#language.say(text, `${ending}Text`, parameters);
  }

  #listenToName(): void {
    const input = find('#name', HTMLInputElement);
    input.value = this.#me.name;
    input.addEventListener('change', () => {
      this.#me = renamed(this.#me, input.value);
      input.value = this.#me.name;
    });
    input.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Escape') input.value = this.#me.name;
      if (event.key === 'Enter') input.blur();
    });
  }
}

const marks = {
  confirmed: 'check',
  cancelled: 'close',
  taken: 'people',
  gone: 'clock',
  noCode: 'key',
  failed: 'close',
} as const;
