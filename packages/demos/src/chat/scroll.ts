/** Keeps a list at its newest end, unless its reader scrolled up to read. */

/** So near to the end, in CSS pixels, still counts as being there. */
const nearPx = 48;

export class StickyScroll {
  readonly #frame: HTMLElement;
  readonly #moved: (atEnd: boolean) => void;
  #atEnd = true;

  /** `moved` hears when the reader leaves the end or is back. `content` is what grows inside the frame. */
  constructor(frame: HTMLElement, content: HTMLElement, moved: (atEnd: boolean) => void) {
    this.#frame = frame;
    this.#moved = moved;
    frame.addEventListener('scroll', () => this.#look(), { passive: true });
    // The keyboard of a phone, a turned screen and a switched language change heights too.
    const observer = new ResizeObserver(() => this.#settle());
    observer.observe(frame);
    observer.observe(content);
  }

  get atEnd(): boolean {
    return this.#atEnd;
  }

  toEnd(): void {
    this.#atEnd = true;
    this.#settle();
    this.#moved(true);
  }

  #settle(): void {
    if (this.#atEnd) this.#frame.scrollTop = this.#frame.scrollHeight;
  }

  #look(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#frame;
    const atEnd = scrollHeight - scrollTop - clientHeight <= nearPx;
    if (atEnd === this.#atEnd) return;
    this.#atEnd = atEnd;
    this.#moved(atEnd);
  }
}
