/**
 * A channel's connections of one wire and one label. A frame is made once for all of them; they get everything that one
 * turn of the event loop gathered in one write of shared bytes. Who cannot keep up is set aside and reads the log at its own pace.
 */
import { limits } from '@carillon/protocol';
import type { Exclusion, Publication } from './broker.ts';
import type { Connection } from './connection.ts';
import { FrameLog } from './frame-log.ts';
import type { Handed, Place, Subscription } from './subscription.ts';
import type { Wire } from './wire.ts';

/** What a lane may ask of the hub. */
export interface LaneContext {
  readonly logFrames: number;
  readonly logBytes: number;
  /** The subscriptions in `lane` that an exclusion names, found by index. */
  excluded(lane: Lane, exclude: Exclusion): Iterable<Subscription>;
  /** The log no longer has what `subscription` needs: it must read history, or be told. */
  reread(subscription: Subscription): void;
  delivered(wire: Wire, frames: number, bytes: number): void;
  /** Milliseconds; decides when a wide lane lets others have the turn. */
  now(): number;
}

/** Members are looked at in groups of this many before the clock is. */
const sliceMembers = 256;
const nothing = Buffer.alloc(0);
/** Up to this many that are aside, the log is cut to the slowest of them; beyond, only to its bound. */
const exactTrimMembers = 64;

/**
 * Live members are sorted by how far the current sweep has come: those below `#swept` have everything before frame
 * `#next`, the others everything before frame `#written`. Between sweeps all are at `#next`.
 */
export class Lane implements Place {
  /** The channel's name. */
  readonly channel: string;
  readonly wire: Wire;
  readonly label: string;
  readonly log: FrameLog;
  readonly handed: Handed;
  /** Appended since the last sweep that came to its end. */
  gatheredBytes = 0;
  readonly #context: LaneContext;
  readonly #members: Subscription[] = [];
  /** The members' connections, at the same places: the loop need not touch the members. */
  readonly #connections: Connection[] = [];
  readonly #aside = new Set<Subscription>();
  #swept = 0;
  #written = 0;
  #next = 0;
  #bytes: Buffer = nothing;
  #exclusions = 0;

  constructor(channel: string, wire: Wire, label: string, handed: Handed, context: LaneContext) {
    this.channel = channel;
    this.wire = wire;
    this.label = label;
    this.log = new FrameLog(handed.offset);
    this.handed = handed;
    this.#context = context;
  }

  /** Lets the sessions that are in several lanes gather this turn's writes. */
  cork(): void {
    for (const { session } of this.#isShared ? this.#members : this.#aside) {
      if (session.subscriptionCount > 1) session.cork();
    }
  }

  /** Its members share their bytes; else each reads the log for itself, and none is ever live. */
  get #isShared(): boolean {
    return this.wire.stamp === undefined;
  }

  get size(): number {
    return this.#members.length + this.#aside.size;
  }

  /** Encodes the publication, once for everybody, and keeps the frame until the turn ends. Returns its bytes. */
  append(publication: Publication, epoch: string): number {
    const { offset, exclude } = publication;
    const frame = this.wire.publication(this.label, publication, epoch);
    this.log.append(frame, offset, exclude);
    this.gatheredBytes += frame.length;
    if (exclude !== undefined) this.#exclusions += 1;
    return frame.length;
  }

  /** Does the same with an event that is no publication: `text` is a message of the protocol. */
  tell(text: string, exclude: Exclusion | undefined): number {
    const frame = this.wire.message(text);
    this.log.append(frame, 0, exclude);
    this.gatheredBytes += frame.length;
    if (exclude !== undefined) this.#exclusions += 1;
    return frame.length;
  }

  /**
   * Gives the live members what has been appended. Stops at `deadline` (milliseconds of the clock) and returns false when
   * there is more to do: call again in the next turn.
   */
  sweep(deadline: number): boolean {
    while (this.#swept < this.#members.length || this.#startSweep()) {
      if (!this.#writeMembers(deadline)) return false;
    }
    for (const subscription of this.#aside) if (subscription.state === 'behind') this.readOn(subscription);
    this.#trim();
    return true;
  }

  /** Takes a subscription that is not yet live; it gets nothing before `attach`. */
  join(subscription: Subscription): void {
    subscription.cursor = this.log.end;
    this.#aside.add(subscription);
  }

  /** Lets a joining or rereading subscription go on from this log with what comes after its offset. */
  attach(subscription: Subscription): void {
    const { epoch, cursor, state } = subscription;
    const place = cursor < 0 ? -1 - cursor : cursor;
    subscription.cursor = this.log.nextFor(subscription, place);
    subscription.state = 'behind';
    if (epoch === '') return;
    this.handed.epoch ??= epoch;
    // History brought the publications back that the log no longer had; other events are not in it.
    if (state === 'rereading' && place < this.log.lostBefore) subscription.session.tellGap(subscription, {});
  }

  leave(subscription: Subscription): void {
    if (subscription.index >= 0) this.#remove(subscription);
    else this.#aside.delete(subscription);
    subscription.state = 'ended';
    this.#trimIfUnread();
  }

  /** Takes a live member out of step, where it stands. */
  setAside(subscription: Subscription): void {
    if (subscription.index < 0) return;
    subscription.cursor = subscription.index < this.#swept ? this.#next : this.#written;
    subscription.offset = this.log.offsetBefore(subscription.cursor);
    subscription.state = 'behind';
    this.#remove(subscription);
    this.#aside.add(subscription);
  }

  /** Takes everybody out of step: something is missing, and the log does not reach back over that. */
  cut(): void {
    for (const subscription of [...this.#members]) this.setAside(subscription);
    this.log.cut();
    this.#next = this.log.end;
  }

  /** Has a subscription that can do nothing at present look again when something comes. */
  park(subscription: Subscription): void {
    // Before everything in the log, and still to be known.
    if (subscription.cursor >= 0) subscription.cursor = -1 - subscription.cursor;
    subscription.state = 'behind';
  }

  /** Everybody but those whose subscribe has not been answered yet. */
  subscribed(): Subscription[] {
    return [...this.#members, ...this.#aside].filter(
      ({ state }) => state !== 'joining' && state !== 'confirmed',
    );
  }

  /** Those who read the log at their own pace. */
  behind(): Subscription[] {
    return [...this.#aside].filter(({ state }) => state === 'behind');
  }

  /** As its place in the log says: nothing is noted for each recipient. */
  reached({ index, offset }: Subscription): number {
    return index < 0 ? offset : this.log.offsetBefore(index < this.#swept ? this.#next : this.#written);
  }

  /** Gives a subscription that is behind what the log has for it, until its connection is full or it is live. */
  readOn(subscription: Subscription): void {
    const { session } = subscription;
    session.flushOutbox();
    while (!session.isBlocked && subscription.state === 'behind') {
      if (subscription.cursor < this.log.base) {
        this.#context.reread(subscription);
        return;
      }
      if (subscription.cursor >= this.#next) {
        if (this.#isShared && this.#isInStep(subscription)) this.#goLive(subscription);
        return;
      }
      this.#readPart(subscription);
    }
  }

  /** It may know more than the live members so far, from history or because it came between two sweeps: then it waits for them. */
  #isInStep({ cursor, offset }: Subscription): boolean {
    return cursor === this.#next && offset <= this.log.offsetBefore(this.#next);
  }

  #readPart(subscription: Subscription): void {
    const { log, wire } = this;
    const from = subscription.cursor;
    const { bytes, next } = log.join(from, this.#next, limits.joinedWriteBytes, subscription);
    this.#context.delivered(wire, next - from, bytes.length);
    subscription.cursor = next;
    subscription.offset = Math.max(subscription.offset, log.offsetBefore(next));
    if (bytes.length > 0) subscription.session.write(bytes);
  }

  #startSweep(): boolean {
    if (this.#next >= this.log.end) return false;
    if (this.#members.length === 0) {
      this.#next = this.log.end;
      return false;
    }
    if (this.#exclusions > 0) this.#setAsideExcluded();
    const { bytes, next } = this.log.join(this.#next, this.log.end, limits.joinedWriteBytes);
    this.#context.delivered(
      this.wire,
      (next - this.#next) * this.#members.length,
      bytes.length * this.#members.length,
    );
    this.#written = this.#next;
    this.#next = next;
    this.#bytes = bytes;
    this.#swept = 0;
    return true;
  }

  /** The loop that everything else is arranged around: one shared buffer, one write per member. */
  #writeMembers(deadline: number): boolean {
    const connections = this.#connections;
    const bytes = this.#bytes;
    let group = sliceMembers;
    for (let to = connections[this.#swept]; to !== undefined; to = connections[this.#swept]) {
      const isFree = to.write(bytes);
      const index = this.#swept++;
      if (!isFree) this.#members[index]?.session.blocked();
      if (--group === 0) {
        if (this.#context.now() >= deadline) return this.#swept >= connections.length;
        group = sliceMembers;
      }
    }
    return true;
  }

  #goLive(subscription: Subscription): void {
    this.#aside.delete(subscription);
    subscription.state = 'live';
    this.#place(this.#members.length, subscription);
    this.#swap(this.#swept, subscription.index);
    this.#swept += 1;
    this.#trimIfUnread();
  }

  #remove(subscription: Subscription): void {
    let hole = subscription.index;
    if (hole < this.#swept) {
      this.#swept -= 1;
      this.#swap(hole, this.#swept);
      hole = this.#swept;
    }
    this.#swap(hole, this.#members.length - 1);
    this.#members.pop();
    this.#connections.pop();
    subscription.index = -1;
  }

  #swap(first: number, second: number): void {
    const [a, b] = [this.#members[first], this.#members[second]];
    if (a === undefined || b === undefined) return;
    this.#place(first, b);
    this.#place(second, a);
  }

  #place(index: number, subscription: Subscription): void {
    this.#members[index] = subscription;
    this.#connections[index] = subscription.session.connection;
    subscription.index = index;
  }

  #setAsideExcluded(): void {
    for (const exclude of this.log.exclusions(this.#next)) {
      for (const subscription of this.#context.excluded(this, exclude)) this.setAside(subscription);
    }
  }

  #trim(): void {
    this.#exclusions = 0;
    this.gatheredBytes = 0;
    this.#bytes = nothing;
    if (this.#aside.size === 0) this.log.trim(this.#next);
    else if (this.#aside.size <= exactTrimMembers) this.log.trim(Math.min(this.#next, this.#slowest()));
    this.log.bound(this.#next, this.#context.logFrames, this.#context.logBytes);
  }

  /** Nobody needs what everybody has: a channel may stay quiet for long. */
  #trimIfUnread(): void {
    if (this.#aside.size === 0)
      this.log.trim(this.#swept < this.#members.length ? this.#written : this.#next);
  }

  #slowest(): number {
    let slowest = this.#next;
    for (const { state, cursor } of this.#aside)
      if (state !== 'rereading') slowest = Math.min(slowest, cursor);
    return slowest;
  }
}
