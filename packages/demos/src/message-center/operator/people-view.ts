/** Customers as the operator's page shows them: to choose from, and as rows with what is known of them. */
import { create } from '../../shared/dom.ts';
import { icon } from '../../shared/icons.ts';
import type { Language, LanguageCode } from '../../shared/language.ts';
import { type Customer, customerOf, faceOf } from '../customers.ts';
import type { CustomerState } from './desk.ts';
import type { OperatorPhrase } from './phrases.ts';

/** A round button with a face, to choose one or to tick several. */
export function personChoice(
  customer: Customer,
  code: LanguageCode,
  {
    type,
    name,
    checked,
  }: { readonly type: 'radio' | 'checkbox'; readonly name: string; readonly checked: boolean },
): HTMLLabelElement {
  const { user, names } = customer;
  const input = create('input');
  input.type = type;
  input.name = name;
  input.value = user;
  input.checked = checked;
  return create('label', 'person-choice', faceOf(customer, code), names[code], icon('check'), input);
}

/** Small buttons that fill something in. */
export function chips(
  place: HTMLElement,
  texts: readonly string[],
  choose: (text: string, at: number) => void,
): void {
  const buttons = texts.map((text, at) => {
    const button = create('button', 'chip', text);
    button.type = 'button';
    button.addEventListener('click', () => choose(text, at));
    return button;
  });
  place.replaceChildren(...buttons);
}

export function showCustomerRows(
  place: HTMLElement,
  states: readonly CustomerState[],
  language: Language<OperatorPhrase>,
): void {
  const rows = states.flatMap((state) => {
    const customer = customerOf(state.user);
    return customer === undefined ? [] : [row(customer, state, language)];
  });
  place.replaceChildren(...rows);
}

function row(
  customer: Customer,
  { devices, unread }: CustomerState,
  language: Language<OperatorPhrase>,
): HTMLLIElement {
  const { user, names, tags } = customer;
  const name = names[language.code];
  const dot = create('span', 'dot');
  if (devices > 0) dot.setAttribute('data-state', 'connected');
  const words = create('span');
  if (devices === 0) language.say(words, 'away');
  else language.say(words, 'devices', { count: devices });
  const there = create('span', 'there', dot, words);
  const marks = create('span', 'tags', ...tags.map((tag) => create('span', 'tag', tag)));
  const count = create('span', 'unread');
  count.toggleAttribute('data-some', unread > 0);
  language.say(count, 'unread', { count: unread });
  const item = create(
    'li',
    'customer-row',
    faceOf(customer, language.code),
    create('b', '', name),
    there,
    marks,
    count,
  );
  item.setAttribute('data-user', user);
  return item;
}
