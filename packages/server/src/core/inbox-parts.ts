/** What one process does about inboxes for all: it moves cursors, has sessions told, and watches what is overdue. */
import { type AckListener, Acknowledging } from './acknowledging.ts';
import { Overdue, type OverdueContext } from './overdue.ts';
import type { Trail } from './trail.ts';

export interface InboxParts {
  readonly acknowledging: Pick<Acknowledging, 'acknowledge'>;
  readonly overdue: Pick<Overdue, 'published' | 'resume' | 'close'>;
}

export interface InboxPartsContext extends OverdueContext {
  /** What is remembered of acknowledgements; absent: nothing. */
  readonly trail?: Pick<Trail, 'wasAcknowledged'>;
}

/** `listener`: who tells the owners' sessions. */
export function createInboxParts(context: InboxPartsContext, listener: AckListener): InboxParts {
  const { broker, store, counters, trail } = context;
  const overdue = new Overdue(context);
  const acting = { broker, store, counters, overdue, listener, ...(trail && { trail }) };
  return { acknowledging: new Acknowledging(acting), overdue };
}
