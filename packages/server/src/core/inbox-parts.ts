/** What one process does about inboxes for all: it moves cursors, has sessions told, and watches what is overdue. */
import { type AckListener, Acknowledging } from './acknowledging.ts';
import { Overdue, type OverdueContext } from './overdue.ts';

export interface InboxParts {
  readonly acknowledging: Pick<Acknowledging, 'acknowledge'>;
  readonly overdue: Pick<Overdue, 'published' | 'resume' | 'close'>;
}

/** `listener`: who tells the owners' sessions. */
export function createInboxParts(context: OverdueContext, listener: AckListener): InboxParts {
  const { broker, store, counters } = context;
  const overdue = new Overdue(context);
  return { acknowledging: new Acknowledging({ broker, store, counters, overdue, listener }), overdue };
}
