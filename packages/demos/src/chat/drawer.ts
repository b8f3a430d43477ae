/** The side on a narrow screen: a drawer that a button opens, and Escape, the backdrop or a choice closes. */

export interface DrawerElements {
  readonly side: HTMLElement;
  readonly open: HTMLButtonElement;
  readonly close: HTMLButtonElement;
  readonly backdrop: HTMLElement;
}

export class Drawer {
  readonly #elements: DrawerElements;

  constructor(elements: DrawerElements) {
    this.#elements = elements;
    elements.open.addEventListener('click', () => this.#open());
    elements.close.addEventListener('click', () => this.close());
    elements.backdrop.addEventListener('click', () => this.close());
    elements.side.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  /** Closes it and puts the focus back where it came from; nothing happens while it is closed. */
  close(): void {
    const { side, open } = this.#elements;
    if (!side.hasAttribute('data-open')) return;
    side.removeAttribute('data-open');
    open.setAttribute('aria-expanded', 'false');
    open.focus({ preventScroll: true });
  }

  #open(): void {
    const { side, open, close } = this.#elements;
    side.setAttribute('data-open', '');
    open.setAttribute('aria-expanded', 'true');
    close.focus({ preventScroll: true });
  }
}
