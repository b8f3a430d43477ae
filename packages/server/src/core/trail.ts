/**
 * What is remembered of publications and of who listened, so that it can be told what became of one: what came in and where it
 * went, once per publication; how subscriptions began, stalled and ended; never anything per delivery.
 */
import { type Disconnect, limits, type Position } from '@carillon/protocol';
import type { Exclusion, Publication } from './broker.ts';
import type { Clock } from './clock.ts';
import type { PublishSource } from './publisher.ts';
import { Ring } from './ring.ts';
import type { Subscription } from './subscription.ts';
import type {
  AcknowledgedTrace,
  EndedTrace,
  HandedTrace,
  LeftTrace,
  PublishedTrace,
  RefusedTrace,
  TracedSession,
  TroubleTrace,
  Way,
} from './traces.ts';
import type { Gap } from './wire.ts';

/** Times in the same turn are told apart by so much, which a number of today's size can still tell. */
const tick = 1 / 2_048;
/** A socket that is full for no longer than this is nothing to remember. */
const briefStallMs = 1_000;

export class Trail {
  readonly #clock: Pick<Clock, 'now' | 'atTurnEnd'>;
  #last = 0;
  /** As they were handed on last: who publishes says the same names in texts of its own, which need not be kept. */
  #channel = '';
  #epoch = '';
  /** The time of this turn, if the clock has been asked in it: asking costs more than all that is remembered of a publication. */
  #now = 0;
  #isKnown = false;
  readonly published = new Ring<PublishedTrace>(limits.tracedPublications, () => ({
    ...{ at: 0, channel: '', way: 'api', session: '', epoch: '', offset: 0, isKeyed: false },
  }));
  readonly handed = new Ring<HandedTrace>(limits.tracedPublications, () => ({
    ...{ at: 0, channel: '', epoch: '', offset: 0, listeners: 0, exclude: undefined, workers: undefined },
  }));
  readonly refusals = new Ring<RefusedTrace>(limits.tracedRefusals, () => ({
    ...{ at: 0, channel: '', action: 'publish', way: 'api', session: '', user: '', code: 0, message: '' },
  }));
  readonly left = new Ring<LeftTrace>(limits.tracedSubscriptions, () => ({
    ...{ joinedAt: 0, at: 0, channel: '', session: '', former: '', user: '', epoch: '' },
    ...{ startOffset: 0, startTop: 0, startedBy: 'newest', reached: 0, blockedSince: 0 },
  }));
  readonly ended = new Ring<EndedTrace>(limits.tracedSubscriptions, () => ({
    ...{ begunAt: 0, at: 0, session: '', user: '', wire: '', code: 0, reason: '' },
  }));
  readonly troubles = new Ring<TroubleTrace>(limits.tracedTroubles, () => ({
    ...{ at: 0, kind: 'gap', session: '', user: '', channel: '', until: 0, from: 0, to: 0 },
  }));
  readonly acknowledged = new Ring<AcknowledgedTrace>(limits.tracedTroubles, () => ({
    ...{ at: 0, channel: '', device: '', session: '', epoch: '', offset: 0 },
  }));

  constructor(clock: Pick<Clock, 'now' | 'atTurnEnd'>) {
    this.#clock = clock;
  }

  /** Milliseconds of the clock, as of this turn of the event loop, and later than every stamp before: it says what came first, too. */
  stamp(): number {
    if (!this.#isKnown) {
      this.#isKnown = true;
      this.#now = this.#clock.now();
      this.#clock.atTurnEnd(this.#turnOver);
    }
    this.#last = this.#now > this.#last ? this.#now : this.#last + tick;
    return this.#last;
  }

  readonly #turnOver = (): void => {
    this.#isKnown = false;
  };

  /** A publication came in at `at`, and was answered. */
  wasPublished(
    at: number,
    channel: string,
    source: PublishSource | undefined,
    position: Position | undefined,
    isKeyed: boolean,
  ): void {
    const place = this.published.next();
    const epoch = position?.epoch ?? '';
    place.at = at;
    place.channel = channel === this.#channel ? this.#channel : channel;
    place.way = wayOf(source);
    place.session = typeof source === 'object' ? (source.id ?? '') : '';
    place.epoch = epoch === this.#epoch ? this.#epoch : epoch;
    place.offset = position?.offset ?? 0;
    place.isKeyed = isKeyed;
  }

  /** The broker handed publications on. */
  wasHanded(
    channel: string,
    batch: readonly Publication[],
    epoch: string,
    listeners: number,
    workers?: readonly number[],
  ): void {
    if (channel !== this.#channel) this.#channel = channel;
    if (epoch !== this.#epoch) this.#epoch = epoch;
    for (const { offset, exclude } of batch) {
      const place = this.handed.next();
      place.at = this.stamp();
      place.channel = this.#channel;
      place.epoch = this.#epoch;
      place.offset = offset;
      place.listeners = listeners;
      place.exclude = exclude === undefined || !isBrief(exclude) ? undefined : exclude;
      place.workers = workers;
    }
  }

  publishRefused(channel: string, source: PublishSource | undefined, error: unknown): void {
    const client = typeof source === 'object' ? source : undefined;
    this.#refused('publish', wayOf(source), channel, client?.id, client?.identity.user, error);
  }

  subscribeRefused(channel: string, session: string, user: string | undefined, error: unknown): void {
    this.#refused('subscribe', 'client', channel, session, user, error);
  }

  /** A subscription is over. `reached`: the newest offset that was written to its connection. */
  hasLeft(subscription: Subscription, reached: number): void {
    const { session, state } = subscription;
    if (state === 'joining' || isUnasked(session)) return;
    const place = this.left.next();
    place.joinedAt = subscription.joinedAt;
    place.at = this.stamp();
    place.channel = subscription.channel;
    place.session = session.id;
    place.former = subscription.formerSession ?? '';
    place.user = session.user ?? '';
    place.epoch = subscription.epoch;
    place.startOffset = subscription.startOffset;
    place.startTop = subscription.startTop;
    place.startedBy = subscription.startedBy;
    place.reached = reached;
    place.blockedSince = session.blockedSince;
  }

  /** A session is over, and its subscriptions will be at once. */
  hasEnded(
    session: TracedSession & { readonly isAdmitted: boolean },
    wire: string,
    end: Partial<Disconnect>,
  ): void {
    if (isUnasked(session)) return;
    const place = this.ended.next();
    place.begunAt = session.begunAt;
    place.at = this.stamp();
    place.session = session.id;
    place.user = session.user ?? '';
    place.wire = wire;
    place.code = end.code ?? 0;
    place.reason = end.reason ?? '';
  }

  /** A client is told that publications are gone for it. */
  gapTold(
    { id, user }: Pick<TracedSession, 'id' | 'user'>,
    channel: string,
    { from = 0, to = 0 }: Gap,
  ): void {
    this.#trouble('gap', this.stamp(), id, user, channel, from, to);
  }

  /** A socket has room again. */
  stallOver({ id, user, blockedSince }: TracedSession): void {
    const now = this.#clock.now();
    if (now - blockedSince < briefStallMs) return;
    const place = this.#trouble('stall', blockedSince, id, user, '', 0, 0);
    place.until = now;
  }

  wasAcknowledged(
    channel: string,
    device: string | undefined,
    session: string | undefined,
    position: Position,
  ): void {
    const place = this.acknowledged.next();
    place.at = this.stamp();
    place.channel = channel;
    place.device = device ?? '';
    place.session = session ?? '';
    place.epoch = position.epoch;
    place.offset = position.offset;
  }

  #refused(
    action: RefusedTrace['action'],
    way: Way,
    channel: string,
    session: string | undefined,
    user: string | undefined,
    error: unknown,
  ): void {
    const place = this.refusals.next();
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    place.at = this.stamp();
    place.channel = channel;
    place.action = action;
    place.way = way;
    place.session = session ?? '';
    place.user = user ?? '';
    place.code = typeof code === 'number' ? code : 100;
    place.message = String(message).slice(0, limits.tracedTextCharacters);
  }

  #trouble(
    kind: TroubleTrace['kind'],
    at: number,
    session: string,
    user: string | undefined,
    channel: string,
    from: number,
    to: number,
  ): TroubleTrace {
    const place = this.troubles.next();
    place.at = at;
    place.kind = kind;
    place.session = session;
    place.user = user ?? '';
    place.channel = channel;
    place.until = 0;
    place.from = from;
    place.to = to;
    return place;
  }
}

function wayOf(source: PublishSource | undefined): Way {
  if (typeof source === 'object') return 'client';
  return source ?? 'server';
}

/** Polls of nobody in particular come and go with each answer, and nobody can ask for them. */
function isUnasked({
  user,
  isAdmitted,
}: {
  readonly user: string | undefined;
  readonly isAdmitted: boolean;
}): boolean {
  return user === undefined && !isAdmitted;
}

function isBrief({ sessions = [], users = [] }: Exclusion): boolean {
  return sessions.length + users.length <= limits.tracedExclusions;
}
