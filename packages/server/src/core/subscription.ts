/** One session in one channel: where it stands in the lane, and in the channel's history. */
import type { Disconnect } from '@carillon/protocol';
import type { Exclusion } from './broker.ts';
import type { Connection } from './connection.ts';
import type { FrameLog, FrameReader } from './frame-log.ts';
import type { StartedBy, TracedSession } from './traces.ts';
import type { Gap, Wire } from './wire.ts';

/** What lanes and recovery need of a session. */
export interface Subscriber extends TracedSession {
  /** It has been let in. */
  readonly isAdmitted: boolean;
  readonly connection: Connection;
  /** Bytes are pending: nothing may be written until the session says `drained`. */
  readonly isBlocked: boolean;
  /** How many channels it is subscribed to. */
  readonly subscriptionCount: number;
  /** Gathers the writes of this turn into one; the hub ends it. */
  cork(): void;
  /** A write to its connection came back false. Sets every subscription of the session aside. */
  blocked(): void;
  /** Writes what waits in the outbox, unless the connection is full. */
  flushOutbox(): void;
  /** Writes what waits in the outbox, then `bytes`. */
  write(bytes: Buffer): void;
  /** Puts a finished frame into the outbox, which leaves before anything of a lane. */
  push(frame: Buffer): void;
  /** Whether a further page may be pushed: the connection is not full, and not much waits for it. */
  hasRoom(): boolean;
  /** Resolves when what was pushed has been handed to a connection that is not full, or the session is over. */
  writable(): Promise<void>;
  close(reason: Disconnect): void;
  /** Where the client stands in all its channels once it has the publication at `offset`; for wires that stamp. */
  cursorAt(subscription: Subscription, offset: number): string;
  /** Tells that publications are gone for this subscription; ends a connection whose wire has no words for it, with 3008 unless said otherwise. */
  tellGap(subscription: Subscription, gap: Gap, otherwise?: Disconnect): void;
}

/**
 * `joining`: the broker or history is being asked. `confirmed`: its reply is about to be sent. `live`: in step with the lane. `behind`: reads the lane's log at its own pace.
 * `rereading`: reads history, because the log no longer has what it needs. `ended`: over.
 */
export type SubscriptionState = 'joining' | 'confirmed' | 'live' | 'behind' | 'rereading' | 'ended';

/** How far a channel has been handed on to this node. */
export interface Handed {
  /** The newest offset; 0 when there was none since the last cut. */
  offset: number;
  /** Of that offset, and of the subscriptions that go on from what is handed on; undefined while nobody knows. */
  epoch: string | undefined;
  /** How often publications may have been lost on the way here: what was read before the last time proves nothing. */
  cuts: number;
}

/** The lane of a subscription, as those see it who move the subscription along. */
export interface Place {
  readonly wire: Wire;
  readonly log: FrameLog;
  readonly handed: Readonly<Handed>;
  attach(subscription: Subscription): void;
  park(subscription: Subscription): void;
  readOn(subscription: Subscription): void;
  setAside(subscription: Subscription): void;
  /** The newest offset that has been written to the subscription's connection. */
  reached(subscription: Subscription): number;
}

export class Subscription implements FrameReader {
  readonly session: Subscriber;
  readonly channel: string;
  /** The name under which the client knows the channel. */
  readonly label: string;
  readonly lane: Place;
  /** A session that this client had before: what excluded that one is not replayed to this one. */
  readonly formerSession: string | undefined;
  state: SubscriptionState = 'joining';
  /** It counts among those who are in the channel. The hub's own. */
  isEntered = false;
  /** Its place among the lane's live members; -1 when it is not live. The lane's own. */
  index: number = -1;
  /** The number of the next frame of the lane's log, while not live; below 0 where it must not go on from there. The lane's own. */
  cursor: number = 0;
  /** The newest offset it has, while not live. */
  offset: number = 0;
  /** The epoch of `offset`; empty where the channel keeps no history. */
  epoch: string = '';
  /** When it was put into the channel, as {@link Trail.stamp} says it. */
  joinedAt: number = 0;
  /** What it has been given begins behind this offset; up to `startTop`, from history. */
  startOffset: number = 0;
  startTop: number = 0;
  startedBy: StartedBy = 'newest';

  constructor(session: Subscriber, channel: string, label: string, lane: Place, formerSession?: string) {
    this.session = session;
    this.channel = channel;
    this.label = label;
    this.lane = lane;
    this.formerSession = formerSession;
  }

  /** It begins behind its present offset; `top` is the newest that there was. */
  startsHere(top: number, by: StartedBy): void {
    this.startOffset = this.offset;
    this.startTop = top;
    this.startedBy = by;
  }

  isExcluded({ sessions, users }: Exclusion): boolean {
    const { id, user } = this.session;
    if (sessions !== undefined && (sessions.includes(id) || this.#formerIn(sessions))) return true;
    return user !== undefined && (users?.includes(user) ?? false);
  }

  get isStamped(): boolean {
    return this.lane.wire.stamp !== undefined;
  }

  /** What the wire adds behind a publication for this recipient alone. */
  suffix(offset: number): Buffer | undefined {
    return this.lane.wire.stamp?.(this.session.cursorAt(this, offset));
  }

  #formerIn(sessions: readonly string[]): boolean {
    return this.formerSession !== undefined && sessions.includes(this.formerSession);
  }
}

/** Whether the client has not been answered yet. */
export function isPending({ state }: Pick<Subscription, 'state'>): boolean {
  return state === 'joining' || state === 'confirmed';
}
