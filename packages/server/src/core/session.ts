/** One client's conversation with this node, as everybody else sees it: who it is, what it listens to, and its way out. */
import { type Disconnect, disconnects, limits } from '@carillon/protocol';
import { type Identity, isAuthenticated } from './access.ts';
import type { Addressee } from './addressee.ts';
import type { Connection } from './connection.ts';
import { Positions } from './cursor.ts';
import { refuse } from './errors.ts';
import type { Expiring } from './expiries.ts';
import { increment } from './figures.ts';
import { clientOf } from './hook-facts.ts';
import type { HookRequest } from './hooks.ts';
import type { Corkable } from './hub.ts';
import type { Joined, SubscribeRequest } from './recovery.ts';
import type { Followed, SessionContext, StartingPoint } from './session-context.ts';
import type { Subscriber, Subscription } from './subscription.ts';
import type { Gap } from './wire.ts';

/** Why a connection is not read for a while; it is read again when no reason is left. */
export const pauseReasons = { blocked: 1, busy: 2, arriving: 4 } as const;

/** Up to this much waits in an outbox for the end of the turn before a page of history is put behind it. */
const gatheredBytes = 16_384;

const nothing: readonly Buffer[] = Object.freeze([]);

export class Session implements Subscriber, Addressee, Corkable, Expiring {
  readonly id: string;
  readonly order: number;
  readonly connection: Connection;
  heapIndex = -1;
  /** Which of its user's devices the client says to be: in the handshake, or with the last `auth` that was accepted. */
  device: string | undefined;
  /** Its IP address. */
  readonly address: string;
  /** Of the handshake: only as long as a token may be expected whose judge wants to see them. */
  headers: HookRequest['headers'] | undefined;
  /** When it came. */
  readonly begunAt: number;
  /** Since when its connection has been full; 0 while it is not. */
  blockedSince = 0;
  /** Where the client stands, for wires that stamp. */
  readonly #positions: Positions | undefined;
  readonly #context: SessionContext;
  #identity: Identity;
  #subscriptions: Subscription[] = [];
  /** Shared and empty while nothing waits, as almost always. */
  #outbox: readonly Buffer[] = nothing;
  #outboxBytes = 0;
  #pauses = 0;
  #isCorked = false;
  #isClosed = false;
  #isAdmitted = false;
  #waiting: (() => void)[] | undefined;

  constructor(
    id: string,
    connection: Connection,
    { identity, address }: { readonly identity: Identity; readonly address: string },
    context: SessionContext,
  ) {
    this.id = id;
    this.address = address;
    this.connection = connection;
    this.#positions = connection.wire.stamp === undefined ? undefined : new Positions();
    this.#identity = identity;
    this.#context = context;
    this.begunAt = context.trail.stamp();
    this.order = context.registry.add(this);
    context.expiries.add(this);
  }

  get identity(): Identity {
    return this.#identity;
  }

  get user(): string | undefined {
    return this.#identity.user;
  }

  get expiresAt(): number | undefined {
    return this.#identity.expiresAt;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  get isBlocked(): boolean {
    return (this.#pauses & pauseReasons.blocked) !== 0;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.length;
  }

  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions;
  }

  subscription(channel: string): Subscription | undefined {
    return this.#subscriptions.find((subscription) => subscription.channel === channel);
  }

  subscribed(channel: string): boolean {
    const state = this.subscription(channel)?.state;
    return state !== undefined && state !== 'joining';
  }

  granted(channel: string): boolean {
    return this.#context.channelTokens.admits(this, channel);
  }

  /** @throws {ReplyError} 101 the user or the token is blocked; everything stays as it was. */
  identify(identity: Identity): void {
    // Who asked may be gone by the time that the answer comes.
    if (this.#isClosed) return;
    const { registry, expiries, blocks } = this.#context;
    blocks.check(identity);
    const previous = this.#identity;
    registry.removeUser(this);
    expiries.remove(this);
    this.#identity = identity;
    registry.addUser(this, previous);
    expiries.add(this);
    if (isAuthenticated(identity)) this.admit();
  }

  /** It has been let in, and has logged in where that is asked for. From here on it is told of: that it came, and that it went. */
  admit(): void {
    if (isAuthenticated(this.#identity)) this.headers = undefined;
    if (this.#isAdmitted || this.#isClosed) return;
    this.#isAdmitted = true;
    const { lifecycle } = this.#context;
    if (lifecycle.wants('connect')) lifecycle.tell('connect', { ...clientOf(this), address: this.address });
  }

  /** The token has run out, and nobody has shown a fresh one. */
  expired(): void {
    this.close(disconnects.expired);
  }

  /** @throws {ReplyError} 105 subscribed already, 106 too many channels, 108 the broker cannot deliver the channel, or the session is over. */
  async subscribe(request: SubscribeRequest): Promise<Joined> {
    const { hub, recovery, clientLimits } = this.#context;
    const { channelsPerConnection } = clientLimits;
    const { channel: name, label, formerSession } = request;
    if (this.#isClosed) throw refuse('notAvailable', 'the session is over');
    if (this.subscription(name) !== undefined) throw refuse('alreadySubscribed');
    if (this.#subscriptions.length >= channelsPerConnection) {
      throw refuse(
        'limitExceeded',
        `a connection may have ${channelsPerConnection} channels; unsubscribe from one first`,
      );
    }
    const channel = hub.hold(name);
    const subscription = hub.join(this, channel, label, formerSession);
    this.#subscriptions.push(subscription);
    try {
      await channel.ready;
      const joined = await recovery.confirm(subscription, request);
      if (subscription.state === 'ended') throw refuse('notAvailable', 'the subscription ended meanwhile');
      subscription.state = 'confirmed';
      this.#context.attendance.came(this, subscription);
      return joined;
    } catch (error) {
      this.#leave(subscription);
      throw error;
    }
  }

  /**
   * Subscribes to channels that are known to be delivered here. `start` says from where; without it, the channel keeps no
   * history and the subscription begins now. All have their place, and are told their losses, before anything of one of them
   * is written: the cursor behind it must name them all.
   */
  follow(followed: readonly Followed[]): void {
    const { hub, recovery, attendance } = this.#context;
    const begun = followed.map(({ channel, start }) => {
      const subscription = hub.join(this, hub.hold(channel.name), channel.name);
      this.#subscriptions.push(subscription);
      if (start !== undefined) this.#startAt(subscription, start);
      attendance.came(this, subscription);
      return { subscription, start };
    });
    for (const { subscription, start } of begun) {
      // What was told may have ended the session.
      if (subscription.state !== 'ended') recovery.goOn(subscription, start?.top ?? 0, start?.cuts ?? 0);
    }
  }

  /** Ends a subscription; false when there is none. Nothing of the channel follows. */
  unsubscribe(channel: string): boolean {
    const subscription = this.subscription(channel);
    if (subscription === undefined) return false;
    this.#leave(subscription);
    return true;
  }

  push(frame: Buffer): void {
    if (this.#isClosed) return;
    if (this.#outbox.length === 0) {
      this.#outbox = [frame];
      this.#context.hub.outboxFilled(this);
    } else (this.#outbox as Buffer[]).push(frame);
    this.#outboxBytes += frame.length;
    if (this.#outboxBytes > limits.outboxBytes) this.close(disconnects.slow);
  }

  /** Sends a message of the protocol: a reply, or an event that is no publication. */
  send(text: string): void {
    this.push(this.connection.wire.message(text));
  }

  flushOutbox(): void {
    if (this.#outbox.length === 0 || this.isBlocked || this.#isClosed) return;
    const frames = this.#outbox;
    const [only] = frames;
    const bytes = frames.length === 1 && only !== undefined ? only : Buffer.concat(frames, this.#outboxBytes);
    this.#outbox = nothing;
    this.#outboxBytes = 0;
    if (!this.connection.write(bytes)) this.blocked();
    else this.#wake();
  }

  write(bytes: Buffer): void {
    this.flushOutbox();
    if (!this.connection.write(bytes)) this.blocked();
  }

  hasRoom(): boolean {
    if (this.#outboxBytes > gatheredBytes) this.flushOutbox();
    return !this.isBlocked;
  }

  writable(): Promise<void> {
    this.flushOutbox();
    if (!this.isBlocked || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting ??= [];
      this.#waiting.push(resolve);
    });
  }

  cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.connection.cork();
    this.#context.hub.corked(this);
  }

  uncork(): void {
    this.#isCorked = false;
    if (!this.connection.uncork()) this.blocked();
  }

  blocked(): void {
    if (!this.isBlocked) this.blockedSince = this.#context.trail.stamp();
    this.pause(pauseReasons.blocked);
    for (const subscription of this.#subscriptions) subscription.lane.setAside(subscription);
  }

  /** The connection has room again. */
  drained(): void {
    this.#unblocked();
    this.flushOutbox();
    for (const subscription of this.#subscriptions) subscription.lane.readOn(subscription);
    if (this.isBlocked) return;
    if (this.#pauses === 0) this.connection.resume();
    this.#wake();
  }

  #unblocked(): void {
    if (!this.isBlocked) return;
    this.#pauses &= ~pauseReasons.blocked;
    this.#context.trail.stallOver(this);
    this.blockedSince = 0;
  }

  pause(reason: number): void {
    if (this.#pauses === 0) this.connection.pause();
    this.#pauses |= reason;
  }

  resume(reason: number): void {
    const before = this.#pauses;
    this.#pauses &= ~reason;
    if (before !== 0 && this.#pauses === 0) this.connection.resume();
  }

  tellGap({ label, channel }: Subscription, gap: Gap, otherwise: Disconnect = disconnects.slow): void {
    const { wire } = this.connection;
    this.#context.trail.gapTold(this, channel, gap);
    if (wire.gap !== undefined) this.push(wire.gap(label, gap));
    else if (wire.carriesEvents) this.send(JSON.stringify({ event: label, type: 'gap', ...gap }));
    else this.close(otherwise);
  }

  cursorAt({ channel, epoch }: Subscription, offset: number): string {
    if (epoch !== '') this.#positions?.set(channel, epoch, offset);
    return String(this.#positions ?? '');
  }

  /** Ends the session from the server's side, after what it was sent. */
  close(reason: Disconnect): void {
    if (this.#isClosed) return;
    increment(this.#context.counters.disconnects, reason.code);
    this.flushOutbox();
    this.#end(reason);
    this.connection.close(reason);
  }

  /** The connection is gone; `end`: as was said why. */
  closed(end?: Partial<Disconnect>): void {
    this.#end(end);
  }

  #end(end: Partial<Disconnect> = {}): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { hub, attendance, lifecycle, channelTokens, trail } = this.#context;
    trail.hasEnded(this, this.connection.wire.name, end);
    for (const subscription of this.#subscriptions) {
      hub.leave(subscription);
      channelTokens.left(this, subscription.channel);
      attendance.left(this, subscription, true);
    }
    this.#subscriptions = [];
    this.#outbox = nothing;
    this.#context.registry.remove(this);
    this.#context.expiries.remove(this);
    this.#wake();
    if (!this.#isAdmitted || !lifecycle.wants('disconnect')) return;
    lifecycle.tell('disconnect', { ...clientOf(this), ...end });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const resume of waiting ?? []) resume();
  }

  #leave(subscription: Subscription): void {
    if (subscription.state === 'ended') return;
    this.#context.hub.leave(subscription);
    this.#context.channelTokens.left(this, subscription.channel);
    this.#context.attendance.left(this, subscription, false);
    this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
  }

  #startAt(subscription: Subscription, { epoch, offset, top, lost }: StartingPoint): void {
    subscription.epoch = epoch;
    subscription.offset = offset;
    subscription.startsHere(top, lost === undefined ? 'since' : 'lost');
    if (epoch !== '') {
      // The history was asked before it joined: what came in between, others of the lane may have still to come.
      subscription.cursor = subscription.lane.log.base;
      this.#positions?.set(subscription.channel, epoch, offset);
    }
    // A wire without words for it has told of the loss before: in the head of the answer.
    if (lost !== undefined && this.connection.wire.gap !== undefined) this.tellGap(subscription, lost);
  }
}
