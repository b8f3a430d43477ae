/** The title of the page: the room, and while nobody looks how many messages came. */

export class UnreadTitle {
  #room = '';
  #count = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.#count = 0;
      this.#show();
    });
  }

  entered(room: string): void {
    this.#room = room;
    this.#count = 0;
    this.#show();
  }

  /** One message came; it counts only while the page is hidden. */
  arrived(): void {
    if (!document.hidden) return;
    this.#count += 1;
    this.#show();
  }

  #show(): void {
    const unread = this.#count === 0 ? '' : `(${this.#count}) `;
    document.title = `${unread}#${this.#room} · Carillon`;
  }
}
