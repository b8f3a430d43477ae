/**
 * The connection's state machine: disconnected, connecting, connected. It watches the connection and comes back by
 * itself; what is said over it is not its business.
 */
import { Attempt, type AttemptListener, type AttemptOptions, type Told } from './attempt.ts';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import type { ConnectionListener, ConnectionState } from './connection-state.ts';
import type { Reason } from './errors.ts';
import { type Frame, readFrame } from './frames.ts';
import { Heartbeat } from './heartbeat.ts';
import type { ConnectionLink } from './link.ts';
import * as reasons from './reasons.ts';
import { refreshIn } from './refresh.ts';
import type { Settle } from './requests.ts';
import type { Cancel } from './timers.ts';
import type { TransportName } from './transport.ts';
import { type WakeListener, watchWake } from './wake.ts';

/** A connection that lived this long was no failure: the backoff begins anew. */
const stableMs = 5_000;

/** The longest delay that a server may ask for. */
const adviceMs = 300_000;

export class Connection implements AttemptListener, ConnectionLink, WakeListener {
  readonly #options: AttemptOptions;
  readonly #backoff: BackoffOptions;
  readonly #listener: ConnectionListener;
  readonly #heartbeat: Heartbeat;
  #state: ConnectionState = 'disconnected';
  /** Why it was ended for good; a first use does not open it again then. */
  #ended: Reason | undefined;
  /** The present try; a live one even while the next is waited for, so that `live` tells whether anything changed. */
  #attempt: Attempt;
  #session: string | undefined;
  #formerSession: string | undefined;
  #failures = 0;
  #connectedAt = 0;
  /** The backoff while one is waited for, the advised departure while connected. */
  #cancel: Cancel | undefined;
  #waiting = false;
  #notBefore: number | undefined;
  #cancelRefresh: Cancel | undefined;
  #unwatch: (() => void) | undefined;

  constructor(options: AttemptOptions, backoff: BackoffOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#backoff = backoff;
    this.#listener = listener;
    this.#attempt = new Attempt(options, this);
    this.#heartbeat = new Heartbeat(
      options.timers,
      () => this.#attempt.send('{"op":"ping"}'),
      () => this.lost(reasons.noPong),
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** Undefined while not connected. */
  get transport(): TransportName | undefined {
    return this.connected ? this.#options.transport.name : undefined;
  }

  /** The id of this session, or of the last one while there is none; undefined where the client never authenticated. */
  get session(): string | undefined {
    return this.#session;
  }

  get formerSession(): string | undefined {
    return this.#formerSession;
  }

  use(): Reason | undefined {
    if (this.#ended === undefined) this.connect();
    return this.#ended;
  }

  connect(): void {
    if (this.#state !== 'disconnected') return;
    this.#ended = undefined;
    this.#failures = 0;
    this.#options.token.forget();
    this.#options.token.accepted();
    this.#unwatch = watchWake(this);
    this.#state = 'connecting';
    const attempt = this.#renew();
    this.#listener.changed({ state: 'connecting', reason: reasons.connectCalled });
    if (attempt.live) void attempt.start();
  }

  /** Ends it until {@link connect}. */
  end(reason: Reason): void {
    this.#ended = reason;
    if (this.#state === 'disconnected') return;
    this.#state = 'disconnected';
    this.#renew();
    this.#unwatch?.();
    this.#listener.changed({ state: 'disconnected', reason });
    this.#listener.stopped(reason);
  }

  /** Gives the present try up; the next follows after `retryInMs`, by default after the backoff. */
  lost(reason: Reason, retryInMs?: number): void {
    if (this.#state === 'disconnected') return;
    const { timers } = this.#options;
    if (this.connected && timers.now() - this.#connectedAt >= stableMs) this.#failures = 0;
    const advisedMs = this.#notBefore === undefined ? undefined : Math.max(0, this.#notBefore - timers.now());
    this.#state = 'connecting';
    this.#renew();
    const ms = retryInMs ?? advisedMs ?? backoffMs(this.#failures++, this.#backoff, timers.random());
    // An advised wait is not to be cut short: the server spreads its clients by it.
    this.#waiting = advisedMs === undefined;
    this.#cancel = timers.after(ms, () => this.#open());
    this.#listener.changed({ state: 'connecting', reason, retryInMs: ms });
    this.#listener.cut(reason);
  }

  renewToken(reason: Reason): boolean {
    if (!this.#options.token.renewable) return false;
    this.#options.token.forget();
    this.lost(reason);
    return true;
  }

  send(command: string, settle: Settle): void {
    this.#attempt.send(this.#options.requests.expect(command, settle));
  }

  later(failures: number, task: () => void): Cancel {
    const { timers } = this.#options;
    return timers.after(backoffMs(failures, this.#backoff, timers.random()), task);
  }

  opened({ session, expires }: Told): void {
    if (session !== undefined) {
      this.#formerSession = this.#session;
      this.#session = session;
    }
    this.#state = 'connected';
    this.#connectedAt = this.#options.timers.now();
    this.#heartbeat.start();
    const attempt = this.#attempt;
    const { token, timers } = this.#options;
    if (expires !== undefined && token.renewable)
      this.#cancelRefresh = refreshIn(expires, this, token, timers);
    const transport = this.#options.transport.name;
    this.#listener.changed({ state: 'connected', reason: reasons.connected, transport });
    if (attempt.live) this.#listener.opened();
  }

  received(text: unknown): void {
    const frames = readFrame(text);
    if (frames === undefined) {
      this.lost(reasons.badFrame);
      return;
    }
    this.#heartbeat.heard();
    const attempt = this.#attempt;
    for (const frame of frames) {
      if (frame.event === undefined) this.#options.requests.replied(frame);
      else if (frame.event === '$server') this.#advised(frame);
      else this.#listener.received(frame);
      // A listener may have closed the client: what follows belongs to nobody.
      if (!attempt.live) return;
    }
  }

  failed(reason: Reason, again: boolean): void {
    if (again) this.lost(reason);
    else this.end(reason);
  }

  report(error: unknown): void {
    this.#listener.report(error);
  }

  woken(): void {
    if (this.connected) this.#heartbeat.probe();
    if (!this.#waiting) return;
    this.#failures = 0;
    this.#open();
  }

  slept(): void {
    if (this.connected) this.lost(reasons.offline);
  }

  #open(): void {
    void this.#renew().start();
  }

  #advised({ type, delay }: Frame): void {
    if (type !== 'reconnect' || !this.connected) return;
    const { timers } = this.#options;
    const ms = typeof delay === 'number' ? Math.min(Math.max(delay, 0), adviceMs) : 0;
    this.#notBefore = timers.now() + ms;
    this.#cancel?.();
    this.#cancel = timers.after(ms, () => this.lost(reasons.advised, 0));
  }

  /** Drops the present try with all that hangs on it, and returns the next, not yet started. */
  #renew(): Attempt {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = false;
    this.#notBefore = undefined;
    this.#heartbeat.stop();
    this.#cancelRefresh?.();
    this.#cancelRefresh = undefined;
    this.#attempt.close();
    this.#attempt = new Attempt(this.#options, this);
    const attempt = this.#attempt;
    this.#options.requests.lost();
    return attempt;
  }
}
