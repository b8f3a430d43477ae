/** The list of what happened, as a developer sees it. */
import { create } from '../shared/dom.ts';

/** More than a login has; drawing again and again must not fill the page. */
const shown = 12;

export class StepsView {
  readonly #list: HTMLElement;

  constructor(list: HTMLElement) {
    this.#list = list;
  }

  add(what: string, data: unknown): void {
    const text = JSON.stringify(data, (name, value: unknown) =>
      name === 'secret' && typeof value === 'string' ? `${value.slice(0, 4)}…` : value,
    );
    this.#list.append(create('li', '', create('b', '', what), create('code', '', text)));
    while (this.#list.childElementCount > shown) this.#list.firstElementChild?.remove();
  }
}
