/** A store of inboxes that takes its time and may be down, before one that does neither. */
import type { InboxStore } from '../core/inbox-store.ts';
import type { VirtualClock } from './virtual-clock.ts';

export class SlowInboxes implements InboxStore {
  readonly #store: InboxStore;
  readonly #clock: VirtualClock;
  #underWay = 0;
  /** Calls that were under way at the same time. */
  mostAtATime = 0;
  /** Every call rejects. */
  isDown = false;

  constructor(store: InboxStore, clock: VirtualClock) {
    this.#store = store;
    this.#clock = clock;
  }

  read(...args: Parameters<InboxStore['read']>): ReturnType<InboxStore['read']> {
    return this.#slowly(() => this.#store.read(...args));
  }

  see(...args: Parameters<InboxStore['see']>): ReturnType<InboxStore['see']> {
    return this.#slowly(() => this.#store.see(...args));
  }

  acknowledge(...args: Parameters<InboxStore['acknowledge']>): ReturnType<InboxStore['acknowledge']> {
    return this.#slowly(() => this.#store.acknowledge(...args));
  }

  forget(...args: Parameters<InboxStore['forget']>): ReturnType<InboxStore['forget']> {
    return this.#slowly(() => this.#store.forget(...args));
  }

  claim(...args: Parameters<InboxStore['claim']>): ReturnType<InboxStore['claim']> {
    return this.#slowly(() => this.#store.claim(...args));
  }

  async #slowly<Result>(act: () => Promise<Result>): Promise<Result> {
    this.#underWay += 1;
    this.mostAtATime = Math.max(this.mostAtATime, this.#underWay);
    await new Promise<void>((resolve) => this.#clock.after(5, resolve));
    this.#underWay -= 1;
    if (this.isDown) throw new Error('the store is down');
    return await act();
  }
}
