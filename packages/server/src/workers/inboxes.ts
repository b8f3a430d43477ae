/** Inboxes across workers: the primary has the cursors, moves them and watches what is overdue; workers tell their sessions. */
import type { AckListener, Acknowledging } from '../core/acknowledging.ts';
import type { InboxParts } from '../core/inbox-parts.ts';
import type { InboxStore } from '../core/inbox-store.ts';
import type { Overdue } from '../core/overdue.ts';
import type { Calls } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';
import { Replicas } from './replicas.ts';

/** What the ends offer. */
const names = {
  store: 'inboxStore',
  acknowledging: 'acknowledging',
  overdue: 'overdue',
  listener: 'acknowledged',
} as const;

/** What a worker has of the primary's store. */
export function linkedInboxes(calls: Calls): InboxStore {
  return calls.remote<InboxStore>(names.store);
}

/** `listener`: this worker's sessions. */
export function linkedInboxParts(calls: Calls, listener: AckListener): InboxParts {
  calls.offer(names.listener, listener, ['acknowledged']);
  const { published } = calls.told<Pick<Overdue, 'published'>>(names.overdue);
  return {
    acknowledging: calls.remote<Pick<Acknowledging, 'acknowledge'>>(names.acknowledging),
    // The primary takes up what was left, and it goes on when this worker ends.
    overdue: { published, resume: () => Promise.resolve(), close: () => {} },
  };
}

/** The primary's part. */
export class SharedInboxes implements Pick<Overdue, 'published'> {
  readonly #store: InboxStore;
  readonly #parts: InboxParts;
  readonly #listeners = new Replicas<AckListener>(names.listener);

  /** `createParts`: makes those of all workers. */
  constructor(store: InboxStore, createParts: (listener: AckListener) => InboxParts) {
    this.#store = store;
    this.#parts = createParts({
      acknowledged: (inbox, news, by) => {
        const { channel, user } = inbox;
        for (const each of this.#listeners) each.acknowledged({ channel, user }, news, by);
      },
    });
  }

  async start(): Promise<void> {
    // Nobody has to wait for it.
    void this.#parts.overdue.resume();
  }

  begun(worker: LinkedWorker): void {
    const { calls } = worker;
    calls.offer(names.store, this.#store, ['read', 'see', 'acknowledge', 'forget', 'claim']);
    calls.offer(names.acknowledging, this.#parts.acknowledging, ['acknowledge']);
    calls.offer<Pick<Overdue, 'published'>>(names.overdue, this, ['published']);
    this.#listeners.add(worker);
  }

  gone(worker: number): void {
    this.#listeners.remove(worker);
  }

  /** Something was published here. */
  published(channel: string, overdueMs: number): void {
    this.#parts.overdue.published(channel, overdueMs);
  }

  close(): void {
    this.#parts.overdue.close();
  }
}
