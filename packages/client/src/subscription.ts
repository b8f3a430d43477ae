/** A subscription's state machine: unsubscribed, subscribing, subscribed; through every connection, with recovery. */
import type { SubscribeResult } from '@carillon/protocol';
import { alreadySubscribedCode, tokenExpiredCode, unrecoverablePositionCode } from './codes.ts';
import { Cursor } from './cursor.ts';
import type { Emitter } from './emitter.ts';
import { CarillonError, isTemporary, isTokenFault, type Reason } from './errors.ts';
import type { Ack, ChannelEvents, Gap, Message, SubscribeOptions, SubscriptionState } from './events.ts';
import type { Frame } from './frames.ts';
import type { ConnectionLink, Link } from './link.ts';
import * as reasons from './reasons.ts';
import type { Cancel } from './timers.ts';
import type { TokenSource } from './token.ts';

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
  /** The server subscribed this session by itself while that was to be asked, with a place to go on from. */
  #granted: SubscribeResult | undefined;
  /** The last reply; what a second `subscribe` gets. */
  #result: SubscribeResult | undefined;
  #waiters: Waiter[] = [];
  #leavers: (() => void)[] = [];
  #failures = 0;
  #token: TokenSource | undefined;
  /** A fresh token was fetched since it was last in force. */
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
  want({ since, last, token }: SubscribeOptions = {}): void {
    const asked = (since ?? last) !== undefined;
    if (this.#state === 'unsubscribed' || (asked && this.#phase === 'idle' && !this.cursor.begun)) {
      this.cursor.reset(since, last);
    } else if (asked) {
      const message = 'already subscribed: unsubscribe() first';
      throw new CarillonError({ code: alreadySubscribedCode, message });
    }
    if (token) this.#token = this.#link.tokenSource(token);
    if (this.#state !== 'unsubscribed') return;
    this.#change('subscribing', reasons.subscribeCalled);
    queueMicrotask(() => this.advance());
  }

  async subscribe(options?: SubscribeOptions): Promise<SubscribeResult> {
    const refusal = this.#connection.use();
    if (refusal) throw new CarillonError(refusal);
    this.want(options);
    if (this.#state === 'subscribed' && this.#result) return this.#result;
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async unsubscribe(): Promise<void> {
    this.#abandoned = this.#phase === 'joining';
    if (this.#state !== 'unsubscribed') this.#ended(reasons.unsubscribeCalled);
    this.advance();
    if (this.#phase !== 'idle') await new Promise<void>((resolve) => this.#leavers.push(resolve));
  }

  /**
   * The connection is gone. `isFinal`: the client gave up; nobody can wait, but the next `connect()` brings the
   * subscription back. Tells whether anybody heard of it.
   */
  cut(reason: Reason, isFinal: boolean): boolean {
    const heard = this.#isHeard;
    this.#calm();
    this.#idle();
    this.#granted = undefined;
    if (this.#state === 'subscribed') this.#change('subscribing', reason);
    if (isFinal) this.#reject(this.#waiters.splice(0), reason);
    return heard;
  }

  /** The server subscribed this session by itself. True where nothing was wanted here, and nobody listens. */
  granted({ epoch, offset, recoverable }: Frame): boolean {
    const isNews = this.#phase === 'idle' && this.#state === 'unsubscribed';
    const place = { channel: this.#channel, epoch, offset, recoverable, recovered: false } as SubscribeResult;
    if (isNews || (this.#state === 'subscribing' && !this.cursor.query())) this.#joined(place);
    else this.#granted = place;
    return isNews && !this.#events.count('message');
  }

  /** An event of this channel; false where there can be none, because the server holds no subscription. */
  received({ event: _, type, ...rest }: Frame): boolean {
    const { offset, member, code = 0, msg: message = '' } = rest;
    if (this.#phase === 'idle') return false;
    if (type === 'unsubscribed') this.#granted = undefined;
    // What comes while leaving belongs to nobody, and what comes before the reply will come again.
    if (this.#state !== 'subscribed') return true;
    const told = { channel: this.#channel, ...rest };
    if (!type && this.cursor.advance(offset)) {
      this.#events.emit('message', rest.data, {
        ...told,
        recovered: this.cursor.replayed(offset),
      } as Message);
    } else if (type === 'gap') {
      this.cursor.skip(rest);
      this.#events.emit('gap', { ...told, reason: reasons.skipped } as Gap);
    } else if (type === 'ack') {
      this.#events.emit(type, told as unknown as Ack);
    } else if (type === 'unsubscribed') {
      this.#phase = 'idle';
      const reason = { code, message };
      if (code !== tokenExpiredCode || !this.#renew(reason)) this.#ended(reason);
      this.advance();
    } else if (member) this.#events.emit(type as 'join' | 'leave', member);
    return true;
  }

  /** Asks the server for what is wanted and not asked yet. */
  advance(): void {
    if (!this.#connection.connected) return;
    if (this.#phase === 'joined' && (this.#abandoned || this.#state === 'unsubscribed')) this.#leave();
    if (this.#phase !== 'idle') return;
    this.#idle();
    if (this.#state === 'subscribing' && !this.#cancelRetry) this.#join();
  }

  /** Somebody hears how it ends. */
  get #isHeard(): boolean {
    return this.#waiters.length > 0 || this.#events.count('state') > 0;
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
    const session = this.#connection.formerSession;
    const command = { op: 'subscribe', channel: this.#channel, ...query, session };
    this.#connection.ask(
      command,
      (error, result) => {
        // The server may have been first, and the refusal says no more than that.
        if (this.#phase !== 'joining') return;
        if (this.#abandoned) this.#phase = error && !this.#granted ? 'idle' : 'joined';
        else if (error) this.#refused(error);
        else this.#joined(result as SubscribeResult);
        this.advance();
      },
      this.#token,
    );
  }

  #leave(): void {
    this.#phase = 'leaving';
    // A refusal means that the server knows of no such subscription, which is what is wanted.
    this.#connection.ask({ op: 'unsubscribe', channel: this.#channel }, () => {
      this.#granted = undefined;
      this.#phase = 'idle';
      this.advance();
    });
  }

  #joined(result: SubscribeResult): void {
    this.#phase = 'joined';
    this.#failures = 0;
    this.#renewed = false;
    this.#granted = undefined;
    this.#result = result;
    const { recovered, gap } = this.cursor.subscribed(result);
    this.#change('subscribed', reasons.subscribed);
    for (const { resolve } of this.#waiters.splice(0)) resolve(result);
    if (recovered) this.#events.emit('recovered', { channel: this.#channel, ...recovered });
    if (gap) this.#events.emit('gap', { channel: this.#channel, ...gap });
  }

  #refused(error: CarillonError): void {
    this.#phase = 'idle';
    if (this.#granted) this.#takeGranted(this.#granted, error.code);
    else if (isTokenFault(error) && this.#renew(error)) return;
    else if (isTemporary(error)) this.#retry(error);
    else if (error.code !== unrecoverablePositionCode || !this.cursor.lose()) {
      const heard = this.#isHeard;
      this.#ended(error);
      if (!heard) this.#link.report(error);
    }
  }

  /** The rules may not admit this client, and the server subscribed it all the same. */
  #takeGranted(place: SubscribeResult, code: number): void {
    if (code === alreadySubscribedCode) {
      // They do admit it: subscribing anew brings what was missed.
      this.#phase = 'joined';
      this.#abandoned = true;
    } else {
      this.cursor.lose();
      this.#joined(place);
    }
  }

  /** Another try with a fresh token, the channel's own or else the connection's, once; false where there is none to get. */
  #renew(reason: Reason): boolean {
    const token = this.#token;
    if (this.#renewed) return false;
    this.#renewed = true;
    if (!token?.renewable) return !token && this.#connection.renewToken(reason);
    token.forget();
    this.#change('subscribing', reason);
    return true;
  }

  #retry(error: CarillonError): void {
    this.#cancelRetry = this.#connection.later(this.#failures++, () => {
      this.#cancelRetry = undefined;
      this.advance();
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
    for (const { reject } of waiters) reject(new CarillonError(reason));
  }

  #change(state: SubscriptionState, reason: Reason): void {
    this.#state = state;
    this.#events.emit('state', { state, reason });
    this.#link.outbox.flush();
  }
}
