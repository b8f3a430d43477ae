/**
 * What became of a publication for one subscription. Nothing is noted for each recipient: it follows from where the subscription
 * began, how far its connection has been written to, and what it was told.
 */
import { limits } from '@carillon/protocol';
import type { Exclusion } from './broker.ts';
import type { Subscription } from './subscription.ts';
import type { EndedTrace, LeftTrace, StartedBy, TracedSession, TroubleTrace } from './traces.ts';

/** One session, and one of its subscriptions to the channel, where it had one. */
export interface SessionStory {
  readonly session: string;
  readonly user?: string;
  readonly wire?: string;
  /** When it came; absent where that is no longer known. */
  readonly begunAt?: number;
  readonly ended?: { readonly at: number; readonly code: number; readonly reason: string };
  readonly subscribed?: Subscribed;
  /** Since when its socket is full. */
  readonly blockedSince?: number;
  /** Times that its socket was full for long. */
  readonly stalls: readonly { readonly at: number; readonly until: number }[];
  /** What it was told to be gone, in this channel. */
  readonly gaps: readonly { readonly at: number; readonly from: number; readonly to: number }[];
  readonly outcome: Outcome;
}

/**
 * `live`: written as it came. `replayed`: written from history when the subscription began. `waiting`: not written yet. `excluded`.
 * `lost`: the client was told that it is gone. `later`: subscribed only after it. `had`: the client said that it has it. `left`: the
 * subscription ended before. `notSubscribed`. `unknown`: what is remembered does not say.
 */
export type Outcome =
  | 'live'
  | 'replayed'
  | 'waiting'
  | 'excluded'
  | 'lost'
  | 'later'
  | 'had'
  | 'left'
  | 'notSubscribed'
  | 'unknown';

/** A subscription, present or past. */
export interface Subscribed {
  readonly joinedAt: number;
  /** Absent: it is still there. */
  readonly leftAt?: number;
  readonly epoch: string;
  readonly startOffset: number;
  readonly startTop: number;
  readonly startedBy: StartedBy;
  /** The newest offset that was written to its connection. */
  readonly reached: number;
  /** Since when its socket was full at its end; 0 where it was not. */
  readonly blockedSince: number;
  readonly former: string;
  /** How a present one is moved along. */
  readonly state?: Subscription['state'];
}

/** The publication in question, as far as it is known. */
export interface Asked {
  readonly epoch: string;
  /** 0 where it has none. */
  readonly offset: number;
  readonly exclude: Exclusion | undefined;
  /** When this process was handed it. */
  readonly handedAt: number | undefined;
}

export function standingOf(subscription: Subscription): Subscribed {
  const { session, lane, joinedAt, epoch, startOffset, startTop, startedBy, state } = subscription;
  const reached = lane.reached(subscription);
  return {
    ...{ joinedAt, epoch, startOffset, startTop, startedBy, reached, state },
    former: subscription.formerSession ?? '',
    blockedSince: session.blockedSince,
  };
}

export function leftBy({ at, ...trace }: LeftTrace): Subscribed {
  const { joinedAt, epoch, startOffset, startTop, startedBy, reached, blockedSince, former } = trace;
  return { joinedAt, leftAt: at, epoch, startOffset, startTop, startedBy, reached, blockedSince, former };
}

/** `session`: one that is there, one that ended, or only the name of one. */
export function storyOf(
  session:
    | (TracedSession & { readonly connection: { readonly wire: { readonly name: string } } })
    | EndedTrace
    | { readonly id: string },
  subscribed: Subscribed | undefined,
  { publication, troubles }: { readonly publication: Asked; readonly troubles: readonly TroubleTrace[] },
): SessionStory {
  const id = 'session' in session ? session.session : session.id;
  const own = troubles.filter((trace) => trace.session === id).slice(0, limits.explainedTraces);
  const stalls = own.filter(({ kind }) => kind === 'stall').map(({ at, until }) => ({ at, until }));
  const gaps = own
    .filter(({ kind, at }) => kind === 'gap' && isDuring(at, subscribed))
    .map(({ at, from, to }) => ({ at, from, to }));
  const facts = { session: id, stalls: stalls.toReversed(), gaps: gaps.toReversed(), ...knownOf(session) };
  if (subscribed === undefined) return { ...facts, outcome: 'notSubscribed' };
  const user = facts.user ?? '';
  const isExcluded =
    publication.exclude !== undefined && excludes(publication.exclude, [id, subscribed.former], user);
  return {
    ...facts,
    subscribed,
    outcome: isExcluded ? 'excluded' : outcomeOf(subscribed, publication, facts),
  };
}

function knownOf(session: Parameters<typeof storyOf>[0]): Partial<SessionStory> {
  if ('session' in session) {
    const { user, wire, begunAt, at, code, reason } = session;
    return { ...(user !== '' && { user }), wire, begunAt, ended: { at, code, reason } };
  }
  if (!('connection' in session)) return {};
  const { user, begunAt, blockedSince, connection } = session;
  return {
    ...(user !== undefined && { user }),
    wire: connection.wire.name,
    begunAt,
    ...(blockedSince > 0 && { blockedSince }),
  };
}

type Troubles = Pick<SessionStory, 'gaps' | 'stalls'>;

function outcomeOf(subscribed: Subscribed, publication: Asked, troubles: Troubles): Outcome {
  const { state, epoch } = subscribed;
  if (state === 'joining' || state === 'confirmed') return 'waiting';
  if (publication.offset === 0 || epoch === '') return unnumbered(subscribed, publication, troubles);
  if (epoch !== publication.epoch) return 'unknown';
  return numbered(subscribed, publication.offset, troubles);
}

const beforeStart: Readonly<Record<StartedBy, Outcome>> = {
  newest: 'later',
  last: 'later',
  since: 'had',
  lost: 'lost',
};

function numbered(subscribed: Subscribed, offset: number, { gaps }: Troubles): Outcome {
  const { startOffset, startTop, startedBy, reached, leftAt } = subscribed;
  if (offset <= startOffset) return beforeStart[startedBy];
  if (gaps.some(({ from, to }) => from <= offset && offset <= to)) return 'lost';
  if (offset <= reached) return offset <= startTop ? 'replayed' : 'live';
  return leftAt === undefined ? 'waiting' : 'left';
}

/** Without an offset, only the order of events in this process says it. */
function unnumbered(subscribed: Subscribed, { handedAt }: Asked, { gaps, stalls }: Troubles): Outcome {
  const { joinedAt, leftAt, blockedSince } = subscribed;
  if (handedAt === undefined) return 'unknown';
  if (joinedAt > handedAt) return 'later';
  const isBlocked = blockedSince > 0 && blockedSince < handedAt;
  if (leftAt !== undefined && (leftAt < handedAt || isBlocked)) return 'left';
  if (isBlocked) return 'waiting';
  const stall = stalls.find(({ at, until }) => at < handedAt && handedAt < until);
  // A gap that was told when the socket had room again stands for what came meanwhile.
  return stall !== undefined && gaps.some(({ at }) => at >= stall.at) ? 'lost' : 'live';
}

function isDuring(at: number, subscribed: Subscribed | undefined): boolean {
  if (subscribed === undefined) return false;
  return at >= subscribed.joinedAt && at <= (subscribed.leftAt ?? Number.POSITIVE_INFINITY);
}

function excludes({ sessions = [], users = [] }: Exclusion, ids: readonly string[], user: string): boolean {
  return users.includes(user) || sessions.some((session) => ids.includes(session));
}
