/** This node's channels and the fan-out: takes publications from the broker, and once per turn writes what came to those who listen. */
import { disconnects, limits } from '@carillon/protocol';
import type { Broker, BrokerSink, Exclusion, Publication } from './broker.ts';
import { Channel } from './channel.ts';
import type { Clock } from './clock.ts';
import { type Counters, increment } from './figures.ts';
import type { Lane, LaneContext } from './lane.ts';
import type { Registry } from './registry.ts';
import { Subscription } from './subscription.ts';
import { Trail } from './trail.ts';
import type { Wire } from './wire.ts';

/** What the hub needs of a session to write its replies. */
export interface Corkable {
  flushOutbox(): void;
  uncork(): void;
}

/** Someone who wants to be a subscription. */
type Joining = ConstructorParameters<typeof Subscription>[0];

export interface HubOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly counters: Counters;
  readonly laneLogBytes: number;
  /** Reads history for a subscription that the lane's log cannot serve any more. */
  readonly reread: (subscription: Subscription) => void;
  /** What is remembered of what passes here; absent: for the hub alone. */
  readonly trail?: Trail;
}

/** How long a flush writes before it lets the rest of the process have a turn. */
const sliceMs = 5;
/** Lanes are swept in groups of this many before the clock is looked at; so many get on in every flush. */
const sliceLanes = 64;
/** A flush that follows another one within this time waits that long to gather more, if the other wrote to many. */
const gatherMs = 1;
const wideFrames = 256;

export class Hub implements BrokerSink {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #counters: Counters;
  readonly #trail: Trail;
  readonly #channels = new Map<string, Channel>();
  /** Broker unsubscribes that are under way: a new subscribe waits for them. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #laneContext: LaneContext;
  #dirtyLanes = new Set<Lane>();
  #outboxes: Corkable[] = [];
  #corked: Corkable[] = [];
  #isScheduled = false;
  #flushedAt = 0;
  /** Frames that lanes have and the live members do not yet. */
  #gatheredBytes = 0;
  #waiting: (() => void)[] = [];
  #lastFlushWrites = 0;

  constructor({ broker, clock, registry, counters, laneLogBytes, reread, trail }: HubOptions) {
    this.#trail = trail ?? new Trail(clock);
    this.#broker = broker;
    this.#clock = clock;
    this.#registry = registry;
    this.#counters = counters;
    this.#laneContext = {
      logFrames: limits.laneLogFrames,
      logBytes: laneLogBytes,
      excluded: (lane, exclude) => this.#excluded(lane, exclude),
      reread,
      delivered: (wire, frames, bytes) => this.#delivered(wire, frames, bytes),
      now: () => clock.now(),
    };
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /** The bytes that lanes keep for those who are behind. */
  get laneLogBytes(): number {
    let bytes = 0;
    for (const { lanes } of this.#channels.values()) for (const { log } of lanes) bytes += log.bytes;
    return bytes;
  }

  subscribers(channel: string): number {
    return this.#channels.get(channel)?.subscribers ?? 0;
  }

  /** The subscription comes into force. Returns how many of its channel are. */
  enter(subscription: Subscription): number {
    const channel = this.#channels.get(subscription.channel);
    if (channel === undefined || subscription.isEntered) return 0;
    subscription.isEntered = true;
    channel.entered += 1;
    return channel.entered;
  }

  /** How many subscriptions of the channel are in force. */
  entered(channel: string): number {
    return this.#channels.get(channel)?.entered ?? 0;
  }

  /** Those in the channel whose subscribe has been answered. */
  subscribed(channel: string): Subscription[] {
    return this.#channels.get(channel)?.lanes.flatMap((lane) => lane.subscribed()) ?? [];
  }

  channelNames(): IterableIterator<string> {
    return this.#channels.keys();
  }

  /** Has the channel delivered to this node, until as many `release` calls. */
  hold(name: string): Channel {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      const ready = (this.#leaving.get(name) ?? Promise.resolve()).then(() => this.#broker.subscribe(name));
      // Whoever holds the channel awaits `ready` and reports; this keeps Node.js from calling it unhandled meanwhile.
      ready.catch(() => undefined);
      channel = new Channel(name, ready);
      this.#channels.set(name, channel);
    }
    channel.holds += 1;
    return channel;
  }

  release(channel: Channel): void {
    channel.holds -= 1;
    if (channel.holds > 0 || this.#channels.get(channel.name) !== channel) return;
    const { name } = channel;
    this.#channels.delete(name);
    const gone = channel.ready
      .then(() => this.#broker.unsubscribe(name))
      .catch(() => undefined)
      .then(() => {
        if (this.#leaving.get(name) === gone) this.#leaving.delete(name);
      });
    this.#leaving.set(name, gone);
  }

  /** Puts a session into the channel; it gets nothing before `Lane.attach`. */
  join(session: Joining, channel: Channel, label: string, formerSession?: string): Subscription {
    const lane = channel.lane(session.connection.wire, label, this.#laneContext);
    const subscription = new Subscription(session, channel.name, label, lane, formerSession);
    subscription.joinedAt = this.#trail.stamp();
    lane.join(subscription);
    if (formerSession !== undefined) this.#registry.addSuccessor(formerSession, subscription);
    return subscription;
  }

  /** From here on, nothing of the channel is written to the session. Releases the channel. */
  leave(subscription: Subscription): void {
    const channel = this.#channels.get(subscription.channel);
    if (channel === undefined) return;
    this.#trail.hasLeft(subscription, subscription.lane.reached(subscription));
    channel.leave(subscription);
    if (subscription.isEntered) channel.entered -= 1;
    const { formerSession } = subscription;
    if (formerSession !== undefined) this.#registry.removeSuccessor(formerSession, subscription);
    this.release(channel);
  }

  publications(name: string, batch: readonly Publication[], epoch: string): void {
    this.#counters.publications += batch.length;
    const channel = this.#listening(name);
    this.#trail.wasHanded(channel?.name ?? name, batch, epoch, channel?.subscribers ?? 0);
    if (channel === undefined) return;
    const { handed } = channel;
    // A new stream, or the rest of an old one: offsets of both must not be compared.
    if (epoch !== '' && handed.epoch !== undefined && handed.epoch !== epoch) this.gap(name);
    for (const publication of batch) this.#gatheredBytes += channel.append(publication, epoch);
    for (const lane of channel.lanes) this.#markDirty(lane);
  }

  /**
   * Tells the channel's native subscribers of something that is no publication, in order with those: an event whose members besides
   * its name are `members`, JSON text. Returns how many subscribers there are to tell.
   */
  tell(name: string, members: string, exclude?: Exclusion): number {
    let told = 0;
    for (const lane of this.#channels.get(name)?.lanes ?? []) {
      if (!lane.wire.carriesEvents) continue;
      this.#gatheredBytes += lane.tell(`{"event":${JSON.stringify(lane.label)},${members}}`, exclude);
      this.#markDirty(lane);
      told += lane.size;
    }
    return told;
  }

  /**
   * Resolves when what waits to be written is within its bound; undefined when it is so already. Who publishes waits for it, so
   * that nobody publishes faster than this node can write.
   */
  room(): Promise<void> | undefined {
    if (this.#gatheredBytes <= limits.gatheredBytes) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  gap(name: string): void {
    for (const subscription of this.#listening(name)?.cut() ?? []) {
      if (subscription.state === 'behind') this.#laneContext.reread(subscription);
    }
  }

  /** The channel, unless what arrives for it belongs to a subscription that is being given up: a hole is between that and the next. */
  #listening(name: string): Channel | undefined {
    return this.#leaving.size > 0 && this.#leaving.has(name) ? undefined : this.#channels.get(name);
  }

  /** Tells the subscribers of the channels that match of a loss that no offset names, since nothing of it got here; how many. */
  tellLoss(matches: (channel: string) => boolean): number {
    const channels = [...this.#channels.values()].filter(({ name }) => matches(name));
    const told = channels.flatMap(({ lanes }) => lanes.flatMap((lane) => lane.subscribed()));
    for (const subscription of told) {
      subscription.session.tellGap(subscription, {}, disconnects.insufficientState);
    }
    this.#counters.gaps += told.length;
    return told.length;
  }

  /** The lane has something to do at the end of this turn. */
  #markDirty(lane: Lane): void {
    this.#dirtyLanes.add(lane);
    this.#schedule();
  }

  /** The session's outbox is to be written at the end of this turn. */
  outboxFilled(session: Corkable): void {
    this.#outboxes.push(session);
    this.#schedule();
  }

  /** The session gathers its writes; the flush that is under way ends that. */
  corked(session: Corkable): void {
    this.#corked.push(session);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    const isBusy = this.#lastFlushWrites >= wideFrames && this.#clock.now() - this.#flushedAt < gatherMs;
    if (!isBusy) this.#scheduleAtTurnEnd();
    else {
      this.#isScheduled = true;
      this.#clock.after(gatherMs, this.#flush);
    }
  }

  #scheduleAtTurnEnd(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.atTurnEnd(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#lastFlushWrites = 0;
    const outboxes = this.#outboxes;
    this.#outboxes = [];
    for (const session of outboxes) session.flushOutbox();
    this.#sweep();
    this.#uncork();
    this.#flushedAt = this.#clock.now();
    this.#gatheredBytes = bytesGathered(this.#dirtyLanes);
    if (this.#gatheredBytes <= limits.gatheredBytes) for (const goOn of this.#waiting.splice(0)) goOn();
    // A sweep that was interrupted goes on at once: its members have waited already.
    if (this.#dirtyLanes.size > 0) this.#scheduleAtTurnEnd();
  };

  #sweep(): void {
    const lanes = this.#dirtyLanes;
    this.#dirtyLanes = new Set();
    const deadline = this.#clock.now() + sliceMs;
    if (lanes.size > 1 && isOneWrite(lanes)) for (const lane of lanes) lane.cork();
    let group = sliceLanes;
    let isLate = false;
    for (const lane of lanes) {
      if (isLate || !lane.sweep(deadline)) this.#dirtyLanes.add(lane);
      if (--group > 0) continue;
      group = sliceLanes;
      isLate ||= this.#clock.now() >= deadline;
    }
  }

  #uncork(): void {
    const corked = this.#corked;
    this.#corked = [];
    for (const session of corked) session.uncork();
  }

  #delivered(wire: Wire, frames: number, bytes: number): void {
    this.#lastFlushWrites += frames;
    this.#counters.deliveredBytes += bytes;
    increment(this.#counters.deliveries, wire.name, frames);
  }

  *#excluded(lane: Lane, { sessions = [], users = [] }: Exclusion): Generator<Subscription> {
    for (const id of sessions) {
      yield* this.#in(lane, this.#registry.session(id));
      for (const subscription of this.#registry.successors(id))
        if (subscription.lane === lane) yield subscription;
    }
    for (const user of users) for (const session of this.#registry.user(user)) yield* this.#in(lane, session);
  }

  *#in(
    lane: Lane,
    session: { subscription(channel: string): Subscription | undefined } | undefined,
  ): Generator<Subscription> {
    const subscription = session?.subscription(lane.channel);
    if (subscription?.lane === lane) yield subscription;
  }
}

/** What is gathered in a cork is pinned by a connection that is full, so it must not be more than one write may be. */
function isOneWrite(lanes: Iterable<Lane>): boolean {
  return bytesGathered(lanes) <= limits.joinedWriteBytes;
}

function bytesGathered(lanes: Iterable<Lane>): number {
  let bytes = 0;
  for (const { gatheredBytes } of lanes) bytes += gatheredBytes;
  return bytes;
}
