/** A session as the server side addresses it. */
import type { Identity } from './access.ts';
import type { Connection } from './connection.ts';
import { ReplyError } from './errors.ts';
import type { Joined, SubscribeRequest } from './recovery.ts';
import type { RegisteredSession } from './registry.ts';
import type { Asker } from './rules.ts';
import type { Subscription } from './subscription.ts';

export interface Addressee extends RegisteredSession, Asker {
  /** Its place in the order of coming. */
  readonly order: number;
  readonly connection: Connection;
  readonly isClosed: boolean;
  /** It has been let in. */
  readonly isAdmitted: boolean;
  readonly subscriptions: readonly Subscription[];
  /** Puts a finished frame into the outbox. A session that does not read is closed when that is full. */
  push(frame: Buffer): void;
  /** Sends a message of the protocol. */
  send(text: string): void;
  identify(identity: Identity): void;
  subscribe(request: SubscribeRequest): Promise<Joined>;
  /** False when there is no such subscription. */
  unsubscribe(channel: string): boolean;
}

/** Whether the session speaks the native protocol, on whichever wire; feeds get publications and nothing else. */
export function takesEvents(session: Addressee): boolean {
  return session.connection.wire.carriesEvents;
}

/** The refusal of a request that names a session which is not there. */
export function noSession(id: string): ReplyError {
  return new ReplyError(
    108,
    `not available: there is no session '${id.slice(0, 64)}'; it may have ended`,
    404,
  );
}
