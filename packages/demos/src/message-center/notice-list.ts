/** The notifications of one customer, and how far they are read: on this device, or on another. */
import type { Notice } from './notice.ts';

/** One of the list, with its place in the channel. */
export interface ListedNotice {
  readonly offset: number;
  readonly notice: Notice;
}

/** More than the server keeps in development mode; the oldest go first. */
const most = 200;

export class NoticeList {
  readonly #notices = new Map<number, Notice>();
  #read = 0;

  /** The newest first. */
  get all(): readonly ListedNotice[] {
    return [...this.#notices]
      .map(([offset, notice]) => ({ offset, notice }))
      .sort((a, b) => b.offset - a.offset);
  }

  /** The newest offset; 0 while there is none. */
  get top(): number {
    return Math.max(0, ...this.#notices.keys());
  }

  /** Everything up to this offset is read. */
  get read(): number {
    return this.#read;
  }

  get unread(): number {
    let count = 0;
    for (const offset of this.#notices.keys()) if (offset > this.#read) count++;
    return count;
  }

  /** False where it was there already. */
  add(offset: number, notice: Notice): boolean {
    if (this.#notices.has(offset)) return false;
    this.#notices.set(offset, notice);
    if (this.#notices.size > most) this.#notices.delete(Math.min(...this.#notices.keys()));
    return true;
  }

  /** Reading goes forward only: what one device has read is not unread because another is behind. */
  readUpTo(offset: number): boolean {
    if (offset <= this.#read) return false;
    this.#read = offset;
    return true;
  }

  /** The channel began anew. */
  clear(): void {
    this.#notices.clear();
    this.#read = 0;
  }
}
