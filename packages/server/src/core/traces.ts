/** What is remembered of each thing that may have to be explained: the places of the rings of a {@link Trail}. */
import type { Exclusion } from './broker.ts';

/** By which way a publication came. */
export type Way = 'api' | 'client' | 'ingest' | 'hook' | 'server';

/** A publication that was answered with success. */
export interface PublishedTrace {
  /** When it came in; see {@link Trail.stamp}. */
  at: number;
  channel: string;
  way: Way;
  /** The session that published; empty where none did. */
  session: string;
  /** Empty where it got no offset. */
  epoch: string;
  /** 0 where it got none. */
  offset: number;
  /** It had an idempotency key. */
  isKeyed: boolean;
}

/** A publication that the broker handed on to this process. */
export interface HandedTrace {
  at: number;
  channel: string;
  epoch: string;
  offset: number;
  /** Subscriptions that there were then; of a primary, workers. */
  listeners: number;
  /** Undefined where nobody was, or too many are named to be remembered. */
  exclude: Exclusion | undefined;
  /** In a primary: the workers that it was sent to. */
  workers: readonly number[] | undefined;
}

/** A publish or a subscribe that was refused. */
export interface RefusedTrace {
  at: number;
  channel: string;
  action: 'publish' | 'subscribe';
  /** Of a publish. */
  way: Way;
  /** Empty where there is none. */
  session: string;
  user: string;
  code: number;
  message: string;
}

/** A subscription that is over. */
export interface LeftTrace {
  joinedAt: number;
  at: number;
  channel: string;
  session: string;
  /** The session that the client had before; empty where it named none. */
  former: string;
  user: string;
  epoch: string;
  startOffset: number;
  startTop: number;
  startedBy: StartedBy;
  /** The newest offset that was written to its connection. */
  reached: number;
  /** Since when its socket had been full; 0 where it was not. */
  blockedSince: number;
}

/** Where a subscription began: at the newest; where the client said; so many back; or not where it said, because that is gone. */
export type StartedBy = 'newest' | 'since' | 'last' | 'lost';

/** A session that is over. */
export interface EndedTrace {
  begunAt: number;
  at: number;
  session: string;
  user: string;
  wire: string;
  /** 0 where the client just went away. */
  code: number;
  reason: string;
}

/** Something that happened to a subscription or a session. */
export interface TroubleTrace {
  at: number;
  /** `gap`: publications were told to be gone. `stall`: the socket was full from `at` to `until`. */
  kind: 'gap' | 'stall';
  session: string;
  user: string;
  /** Empty where it is about all channels of the session. */
  channel: string;
  until: number;
  /** What is gone; 0 where no offsets say it. */
  from: number;
  to: number;
}

/** A device acknowledged everything up to an offset. */
export interface AcknowledgedTrace {
  at: number;
  channel: string;
  /** Empty: all devices. */
  device: string;
  /** Empty where the server side did it. */
  session: string;
  epoch: string;
  offset: number;
}

/** The session's side of what is remembered. */
export interface TracedSession {
  readonly id: string;
  readonly user: string | undefined;
  /** When it came. */
  readonly begunAt: number;
  /** Since when its socket has been full; 0 while it is not. */
  readonly blockedSince: number;
}
