/** A subscription's state machine: unsubscribed, subscribing, subscribed; through every connection, with recovery. */
import type { SubscribeResult } from '@carillon/protocol';
import { alreadySubscribedCode, unrecoverablePositionCode } from './codes.ts';
import { Cursor } from './cursor.ts';
import type { Emitter } from './emitter.ts';
import { CarillonError, isTemporary, isTokenFault, type Reason } from './errors.ts';
import {
  type ChannelEvents,
  gapOf,
  messageOf,
  type SubscribeOptions,
  type SubscriptionState,
} from './events.ts';
import type { Frame } from './frames.ts';
import type { ConnectionLink, Link } from './link.ts';
import * as reasons from './reasons.ts';
import type { Settle } from './requests.ts';
import type { Cancel } from './timers.ts';

/** What the server was asked on the present connection. */
type Phase = 'idle' | 'joining' | 'joined' | 'leaving';

interface Waiter {
  readonly resolve: (result: SubscribeResult) => void;
  readonly reject: (error: CarillonError) => void;
}

export class Subscription {
  readonly cursor = new Cursor();
  readonly #channel: string;
  readonly #link: Link;
  readonly #connection: ConnectionLink;
  readonly #events: Emitter<ChannelEvents<unknown>>;
  #state: SubscriptionState = 'unsubscribed';
  #phase: Phase = 'idle';
  /** The subscribe command on its way is no longer what is wanted. */
  #abandoned = false;
  /** The last reply; what a second `subscribe` gets. */
  #result: SubscribeResult | undefined;
  #waiters: Waiter[] = [];
  #leavers: (() => void)[] = [];
  #failures = 0;
  #renewed = false;
  #cancelRetry: Cancel | undefined;

  constructor(channel: string, link: Link, events: Emitter<ChannelEvents<unknown>>) {
    this.#channel = channel;
    this.#link = link;
    this.#connection = link.connection;
    this.#events = events;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Wants the subscription; the command goes out at the end of the present task, so that options may still come. */
  want(options: SubscribeOptions = {}): void {
    const asked = options.since !== undefined || options.last !== undefined;
    if (this.#state === 'unsubscribed' || (asked && this.#phase === 'idle' && !this.cursor.begun)) {
      this.cursor.reset(options.since, options.last);
    } else if (asked) {
      const message = 'already subscribed: unsubscribe() first';
      throw new CarillonError({ code: alreadySubscribedCode, message });
    }
    if (this.#state !== 'unsubscribed') return;
    this.#change('subscribing', reasons.subscribeCalled);
    queueMicrotask(() => this.#advance());
  }

  async subscribe(options?: SubscribeOptions): Promise<SubscribeResult> {
    const refusal = this.#connection.use();
    if (refusal !== undefined) throw new CarillonError(refusal);
    this.want(options);
    if (this.#state === 'subscribed' && this.#result !== undefined) return this.#result;
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async unsubscribe(): Promise<void> {
    this.#abandoned = this.#phase === 'joining';
    if (this.#state !== 'unsubscribed') this.#ended(reasons.unsubscribeCalled);
    this.#advance();
    if (this.#phase !== 'idle') await new Promise<void>((resolve) => this.#leavers.push(resolve));
  }

  /** The client is connected. */
  opened(): void {
    this.#advance();
  }

  /** The connection is gone. Whether and when another comes is not known here. */
  cut(reason: Reason): void {
    this.#calm();
    this.#idle();
    if (this.#state === 'subscribed') this.#change('subscribing', reason);
  }

  /**
   * The client gave up: nobody can wait, but the next `connect()` brings the subscription back. Tells whether anybody
   * heard of it.
   */
  stopped(reason: Reason): boolean {
    const heard = this.#waiters.length > 0 || this.#events.count('state') > 0;
    this.cut(reason);
    this.#reject(this.#waiters.splice(0), reason);
    return heard;
  }

  /** An event of this channel. */
  received(frame: Frame): void {
    // What comes while leaving, and after, belongs to nobody.
    if (this.#state !== 'subscribed') return;
    if (frame.type === undefined) {
      if (!this.cursor.advance(frame.offset)) return;
      const message = messageOf(this.#channel, frame, this.cursor.replayed(frame.offset));
      this.#events.emit('message', message.data, message);
    } else if (frame.type === 'gap') {
      this.cursor.skip(frame);
      this.#events.emit('gap', gapOf(this.#channel, frame));
    } else if (frame.type === 'unsubscribed') {
      this.#phase = 'idle';
      this.#ended({ code: frame.code ?? 0, message: frame.msg ?? '' });
    }
  }

  /** Asks the server for what is wanted and not asked yet. */
  #advance(): void {
    if (!this.#connection.connected) return;
    if (this.#phase === 'joined' && (this.#abandoned || this.#state === 'unsubscribed')) this.#leave();
    if (this.#phase !== 'idle') return;
    this.#idle();
    if (this.#state === 'subscribing' && this.#cancelRetry === undefined) this.#join();
  }

  /** The server holds no subscription of this channel for this connection. */
  #idle(): void {
    this.#phase = 'idle';
    this.#abandoned = false;
    for (const resolve of this.#leavers.splice(0)) resolve();
  }

  #join(): void {
    this.#phase = 'joining';
    const query = this.cursor.query();
    const session = query.since && this.#connection.formerSession;
    this.#ask({ op: 'subscribe', channel: this.#channel, ...query, session }, (error, result) => {
      if (this.#abandoned) this.#phase = error === undefined ? 'joined' : 'idle';
      else if (error === undefined) this.#joined(result as SubscribeResult);
      else this.#refused(error);
      this.#advance();
    });
  }

  #leave(): void {
    this.#phase = 'leaving';
    // A refusal means that the server knows of no such subscription, which is what is wanted.
    this.#ask({ op: 'unsubscribe', channel: this.#channel }, () => {
      this.#phase = 'idle';
      this.#advance();
    });
  }

  #ask(command: object, settle: Settle): void {
    this.#connection.send(JSON.stringify(command), (error, result) => {
      // What a cut means is told to `cut`.
      if (error?.code === reasons.connectionLost.code) return;
      if (error?.code === reasons.timeout.code) this.#connection.lost(error);
      else settle(error, result);
    });
  }

  #joined(result: SubscribeResult): void {
    this.#phase = 'joined';
    this.#failures = 0;
    this.#renewed = false;
    this.#result = result;
    const { recovered, gap } = this.cursor.subscribed(result);
    this.#change('subscribed', reasons.subscribed);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(result);
    if (recovered) this.#events.emit('recovered', { channel: this.#channel, ...recovered });
    if (gap) this.#events.emit('gap', { channel: this.#channel, ...gap });
  }

  #refused(error: CarillonError): void {
    this.#phase = 'idle';
    const renewable = isTokenFault(error) && !this.#renewed;
    if (renewable) this.#renewed = true;
    if (renewable && this.#connection.renewToken(error)) return;
    if (isTemporary(error)) this.#retry(error);
    else if (error.code !== unrecoverablePositionCode || !this.cursor.lose()) {
      const awaited = this.#waiters.length > 0 || this.#events.count('state') > 0;
      this.#ended(error);
      if (!awaited) this.#link.report(error);
    }
  }

  #retry(error: CarillonError): void {
    this.#cancelRetry = this.#connection.later(this.#failures++, () => {
      this.#cancelRetry = undefined;
      this.#advance();
    });
    this.#change('subscribing', error);
  }

  #calm(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  #ended(reason: Reason): void {
    this.#calm();
    const waiters = this.#waiters.splice(0);
    this.#change('unsubscribed', reason);
    this.#reject(waiters, reason);
  }

  #reject(waiters: readonly Waiter[], reason: Reason): void {
    for (const waiter of waiters) waiter.reject(new CarillonError(reason));
  }

  #change(state: SubscriptionState, reason: Reason): void {
    this.#state = state;
    this.#events.emit('state', { state, reason });
    this.#link.outbox.flush();
  }
}
