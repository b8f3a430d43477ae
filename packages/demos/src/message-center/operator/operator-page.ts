/** The operator's page: whom, how and what; who is there; and the requests that it took. */
import { find } from '../../shared/dom.ts';
import type { Language } from '../../shared/language.ts';
import { callApi } from '../../shared/request.ts';
import { customers } from '../customers.ts';
import type { Notice, NoticeKind } from '../notice.ts';
import { type Audience, type Call, type Delivery, group, push } from './audience.ts';
import { showCalls } from './calls-view.ts';
import { askDesk, type DeskState, followDesk } from './desk.ts';
import { chips, personChoice, showCustomerRows } from './people-view.ts';
import type { OperatorPhrase } from './phrases.ts';

const templates = ['parcel', 'sale', 'news'] as const satisfies readonly NoticeKind[];
const expressions = ['vip', 'city=shanghai', 'vip & !city=london'];
/** Who is in the group when the demo is opened for the first time. */
const firstMembers = ['ada', 'lin'];

export class OperatorPage {
  readonly #language: Language<OperatorPhrase>;
  readonly #form = find('#form', HTMLFormElement);
  readonly #title = find('#title', HTMLInputElement);
  readonly #text = find('#text', HTMLTextAreaElement);
  readonly #where = find('#where', HTMLInputElement);
  #kind: (typeof templates)[number] = 'parcel';
  #desk: DeskState | undefined;
  #calls: readonly Call[] = [];

  constructor(language: Language<OperatorPhrase>) {
    this.#language = language;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#form.addEventListener('change', () => this.#showDetail());
    chips(find('#examples', HTMLElement), expressions, (expression) => {
      this.#where.value = expression;
    });
    this.#draw();
    this.#begin(this.#kind);
    language.changed(() => {
      this.#draw();
      this.#begin(this.#kind);
    });
  }

  /** The lines of a terminal that did the last push. */
  get calls(): readonly Call[] {
    return this.#calls;
  }

  start(): void {
    void this.#firstMembers().catch(() => {});
    followDesk(
      (state) => this.#told(state),
      (error) => this.#unreachable(error),
    );
  }

  #draw(): void {
    const language = this.#language;
    const labels = templates.map((kind) => language.phrase(kind));
    chips(find('#templates', HTMLElement), labels, (_, at) => this.#begin(templates[at] ?? 'news'));
    const chosen = this.#user();
    const choices = customers.map((customer) =>
      personChoice(customer, language.code, {
        type: 'radio',
        name: 'user',
        checked: customer.user === chosen,
      }),
    );
    find('#user', HTMLElement).replaceChildren(...choices);
    this.#drawMembers();
    this.#showDetail();
    showCalls(find('#calls', HTMLElement), this.#calls, language);
    if (this.#desk !== undefined) this.#told(this.#desk);
  }

  #drawMembers(): void {
    const members = this.#desk?.members ?? [];
    const choices = customers.map((customer) => {
      const checked = members.includes(customer.user);
      const choice = personChoice(customer, this.#language.code, {
        type: 'checkbox',
        name: 'member',
        checked,
      });
      choice
        .querySelector('input')
        ?.addEventListener('change', (event) => void this.#setMember(customer.user, event));
      return choice;
    });
    find('#members', HTMLElement).replaceChildren(...choices);
  }

  /** Fills in a template. */
  #begin(kind: (typeof templates)[number]): void {
    this.#kind = kind;
    this.#title.value = this.#language.phrase(`${kind}Title`);
    this.#text.value = this.#language.phrase(`${kind}Text`);
  }

  #showDetail(): void {
    const to = this.#chosen('to');
    for (const part of this.#form.querySelectorAll<HTMLElement>('[data-for]'))
      part.hidden = part.getAttribute('data-for') !== to;
  }

  async #send(): Promise<void> {
    const title = this.#title.value.trim();
    if (title === '') {
      this.#title.focus();
      return;
    }
    const send = find('#send', HTMLButtonElement);
    const text = this.#text.value.trim();
    const notice: Notice = { kind: this.#kind, title, ...(text !== '' && { text }), at: Date.now() };
    const delivery: Delivery = this.#chosen('delivery') === 'now' ? 'now' : 'inbox';
    send.disabled = true;
    try {
      const { calls, reached } = await push(this.#audience(), delivery, notice, callApi);
      this.#calls = calls;
      showCalls(find('#calls', HTMLElement), calls, this.#language);
      if (delivery === 'now') this.#say(reached === 0 ? 'reachedNobody' : 'reached', reached);
      else this.#say(reached === 0 ? 'keptNobody' : 'kept', reached);
      this.#told(await askDesk());
    } catch (error) {
      this.#say('failed', 0, error instanceof Error ? error.message : String(error));
    } finally {
      send.disabled = false;
    }
  }

  #say(
    key: 'kept' | 'keptNobody' | 'reached' | 'reachedNobody' | 'failed',
    count: number,
    reason = '',
  ): void {
    const outcome = find('#outcome', HTMLElement);
    outcome.toggleAttribute('data-bad', key === 'failed');
    this.#language.say(outcome, key, { count, reason });
  }

  #audience(): Audience {
    const to = this.#chosen('to');
    if (to === 'customer') return { to, user: this.#user() };
    if (to === 'group') return { to, group };
    return to === 'tags' ? { to, where: this.#where.value.trim() } : { to: 'everybody' };
  }

  #user(): string {
    return this.#chosen('user') ?? customers[0]?.user ?? '';
  }

  #chosen(name: string): string | undefined {
    const chosen = this.#form.querySelector<HTMLInputElement>(`input[name="${name}"]:checked`);
    return chosen?.value;
  }

  async #setMember(user: string, { target }: Event): Promise<void> {
    const isMember = target instanceof HTMLInputElement && target.checked;
    try {
      await callApi(isMember ? 'group_join' : 'group_leave', { group, user });
      this.#told(await askDesk());
    } catch (error) {
      this.#say('failed', 0, error instanceof Error ? error.message : String(error));
    }
  }

  /** A group that nobody ever joined begins with some; one that was emptied stays empty while the page is open. */
  async #firstMembers(): Promise<void> {
    const { members } = await askDesk();
    if (members.length > 0) return;
    for (const user of firstMembers) await callApi('group_join', { group, user });
  }

  #told(state: DeskState): void {
    const before = this.#desk?.members.join();
    this.#desk = state;
    find('#unreachable', HTMLElement).hidden = true;
    showCustomerRows(find('#customers', HTMLElement), state.customers, this.#language);
    // Redrawn only where it changed: a box that is being ticked keeps its focus.
    if (before !== state.members.join()) this.#markMembers(state.members);
  }

  #markMembers(members: readonly string[]): void {
    for (const box of this.#form.querySelectorAll<HTMLInputElement>('input[name="member"]'))
      box.checked = members.includes(box.value);
  }

  #unreachable(error: unknown): void {
    const place = find('#unreachable', HTMLElement);
    place.hidden = false;
    this.#language.say(place, 'unreachable', {
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
