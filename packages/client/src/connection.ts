/**
 * The connection's state machine: disconnected, connecting, connected. It opens connections, shows the token, watches what is
 * open, and comes back by itself; what is said over it is not its business.
 */
import { shouldReconnect } from '@carillon/protocol';
import { backoffMs } from './backoff.ts';
import { expiredClose, invalidTokenClose } from './codes.ts';
import type { ConnectionListener, ConnectionState } from './connection-state.ts';
import { CarillonError, isTemporary, isTokenFault, type Reason } from './errors.ts';
import { type Frame, readFrame } from './frames.ts';
import { Heartbeat } from './heartbeat.ts';
import type { ConnectionLink } from './link.ts';
import type { Settings } from './options.ts';
import * as reasons from './reasons.ts';
import { Requests, type Settle } from './requests.ts';
import type { Cancel } from './timers.ts';
import type { TokenSource } from './token.ts';
import type { TransportConnection, TransportName } from './transport.ts';
import { type WakeListener, watchWake } from './wake.ts';

/** A connection that lived this long was no failure: the backoff begins anew. */
const stableMs = 5_000;

/** The longest delay that a server may ask for. */
const adviceMs = 300_000;

/** Timers hold no longer delay. */
const timerMaxMs = 2_147_483_647;

/** What the server told of a connection that is open. */
interface Told {
  readonly session?: string | undefined;
  /** Seconds until the token expires, where it does. */
  readonly expires?: number;
}

export class Connection implements ConnectionLink, WakeListener {
  readonly #settings: Settings;
  readonly #listener: ConnectionListener;
  readonly #requests: Requests;
  readonly #heartbeat: Heartbeat;
  /** The id of this session, or of the last one while there is none; undefined where the client never authenticated. */
  #session: string | undefined;
  #formerSession: string | undefined;
  #state: ConnectionState = 'disconnected';
  /** Why it was ended for good; a first use does not open it again then. */
  #ended: Reason | undefined;
  /** The present try, or the last one while the next is waited for: what belongs to another must have no effect any more. */
  #attempt = {};
  #link: TransportConnection | undefined;
  #failures = 0;
  #connectedAt = 0;
  /** The backoff while one is waited for, the limit of a try that is under way, the advised departure while connected. */
  #cancel: Cancel | undefined;
  #waiting = false;
  #notBefore: number | undefined;
  #cancelRefresh: Cancel | undefined;
  #unwatch: (() => void) | undefined;

  constructor(settings: Settings, listener: ConnectionListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#requests = new Requests(settings.timers, settings.timeoutMs);
    this.#heartbeat = new Heartbeat(
      settings.timers,
      () => this.#link?.send('{"op":"ping"}'),
      () => this.lost(reasons.noPong),
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get session(): string | undefined {
    return this.#session;
  }

  get formerSession(): string | undefined {
    return this.#formerSession;
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** Undefined while not connected. */
  get transport(): TransportName | undefined {
    return this.connected ? this.#settings.transport.name : undefined;
  }

  use(): Reason | undefined {
    if (!this.#ended) this.connect();
    return this.#ended;
  }

  connect(): void {
    if (this.#state !== 'disconnected') return;
    this.#ended = undefined;
    this.#failures = 0;
    this.#settings.token.renew();
    this.#unwatch = watchWake(this);
    this.#state = 'connecting';
    const attempt = this.#renew();
    this.#listener.changed({ state: 'connecting', reason: reasons.connectCalled });
    if (attempt === this.#attempt) void this.#start(attempt);
  }

  /** Ends it until {@link connect}. */
  end(reason: Reason): void {
    this.#ended = reason;
    if (this.#state === 'disconnected') return;
    this.#state = 'disconnected';
    this.#renew();
    this.#unwatch?.();
    this.#listener.changed({ state: 'disconnected', reason });
  }

  /** Gives the present try up; the next follows after `retryInMs`, by default after the backoff. */
  lost(reason: Reason, retryInMs?: number): void {
    if (this.#state === 'disconnected') return;
    const { timers } = this.#settings;
    if (this.connected && timers.now() - this.#connectedAt >= stableMs) this.#failures = 0;
    const advisedMs = this.#notBefore && Math.max(0, this.#notBefore - timers.now());
    this.#state = 'connecting';
    this.#renew();
    const ms = retryInMs ?? advisedMs ?? this.#backoff(this.#failures++);
    // An advised wait is not to be cut short: the server spreads its clients by it.
    this.#waiting = advisedMs === undefined;
    this.#cancel = timers.after(ms, () => this.#open());
    this.#listener.changed({ state: 'connecting', reason, retryInMs: ms });
  }

  renewToken(reason: Reason): boolean {
    const { token } = this.#settings;
    if (token.renewable) {
      token.forget();
      this.lost(reason);
    }
    return token.renewable;
  }

  send(command: string, settle: Settle): void {
    this.#link?.send(this.#requests.expect(command, settle));
  }

  ask(command: object, settle: Settle, token?: TokenSource): void {
    const attempt = this.#attempt;
    if (token)
      token.get().then(
        (shown) => attempt === this.#attempt && this.ask({ ...command, token: shown }, settle),
        (error) => {
          this.#tell(error, attempt);
          if (attempt === this.#attempt) settle(new CarillonError(reasons.tokenFailed));
        },
      );
    else
      this.send(JSON.stringify(command), (error, result) => {
        if (error?.code === reasons.timeout.code) this.lost(error);
        else if (error?.code !== reasons.connectionLost.code) settle(error, result);
      });
  }

  later(failures: number, task: () => void): Cancel {
    return this.#settings.timers.after(this.#backoff(failures), task);
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

  #backoff(failures: number): number {
    const { backoff, timers } = this.#settings;
    return backoffMs(failures, backoff, timers.random());
  }

  #open(): void {
    void this.#start(this.#renew());
  }

  /** Drops the present try with all that hangs on it, and returns the next, not yet started. */
  #renew(): object {
    this.#cancel?.();
    this.#cancelRefresh?.();
    this.#cancelRefresh = undefined;
    this.#waiting = false;
    this.#notBefore = undefined;
    this.#heartbeat.stop();
    this.#link?.close();
    this.#link = undefined;
    const attempt = {};
    this.#attempt = attempt;
    this.#requests.lost();
    return attempt;
  }

  /** From the token to the connection's end. */
  async #start(attempt: object): Promise<void> {
    const { token, transport, url } = this.#settings;
    let fault = reasons.tokenFailed;
    try {
      const shown = await token.get();
      if (attempt !== this.#attempt) return;
      // The runtime may refuse the address itself (mixed content, a content policy): trying again would not help.
      fault = reasons.openFailed;
      this.#limit();
      this.#link = transport.open(url, {
        opened: (session) => (shown ? this.#authenticate(shown) : this.#opened({ session })),
        received: (frame) => this.#received(frame),
        closed: (code, message) => this.#closed({ code, message }),
      });
    } catch (error) {
      this.#tell(error, attempt);
      if (attempt === this.#attempt) this.#failed(fault, fault === reasons.tokenFailed);
    }
  }

  /** Tells the application what its own code threw; that it took too long is told with what comes of it. */
  #tell(error: unknown, attempt: object): void {
    if (attempt === this.#attempt && error !== reasons.tokenFailed) this.#listener.report(error);
  }

  #limit(): void {
    const { timers, timeoutMs } = this.#settings;
    this.#cancel?.();
    this.#cancel = timers.after(timeoutMs, () => this.lost(reasons.connectTimeout));
  }

  #authenticate(shown: string): void {
    const { token, device } = this.#settings;
    this.#limit();
    this.ask({ op: 'auth', token: shown, device }, (error, result) => {
      if (error) {
        this.#failed(error, isTemporary(error) || (isTokenFault(error) && token.refused()));
      } else {
        token.accepted();
        this.#opened(result as Told);
      }
    });
  }

  #opened({ session, expires }: Told): void {
    this.#cancel?.();
    if (session) {
      this.#formerSession = this.#session;
      this.#session = session;
    }
    this.#state = 'connected';
    this.#connectedAt = this.#settings.timers.now();
    this.#heartbeat.start();
    this.#refreshIn(expires);
    this.#listener.changed({ state: 'connected', reason: reasons.connected, transport: this.transport });
  }

  /**
   * Shows a fresh token 30 s before the time of the present one, or a tenth of a short one. Where that fails, the server ends the
   * connection in its time, and the next begins with a fresh token.
   */
  #refreshIn(seconds = 0): void {
    const { token, timers } = this.#settings;
    if (!seconds || !token.renewable) return;
    const ms = Math.min(Math.max(seconds * 900, seconds * 1_000 - 30_000), timerMaxMs);
    this.#cancelRefresh = timers.after(ms, () => {
      token.forget();
      this.ask(
        { op: 'refresh' },
        (error, result) => {
          if (!error) this.#refreshIn((result as Told).expires);
          else if (!isTemporary(error)) this.lost(error);
        },
        token,
      );
    });
  }

  #received(text: unknown): void {
    const frames = readFrame(text);
    if (!frames) {
      this.lost(reasons.badFrame);
      return;
    }
    this.#heartbeat.heard();
    const attempt = this.#attempt;
    for (const frame of frames) {
      if (frame.event === undefined) this.#requests.replied(frame);
      else if (frame.event === '$server') this.#advised(frame);
      else this.#listener.received(frame);
      // A listener may have closed the client: what follows belongs to nobody.
      if (attempt !== this.#attempt) return;
    }
  }

  #advised({ type, delay }: Frame): void {
    if (type !== 'reconnect' || !this.connected) return;
    const { timers } = this.#settings;
    const ms = Math.min(Math.max(Number(delay) || 0, 0), adviceMs);
    this.#notBefore = timers.now() + ms;
    this.#cancel?.();
    this.#cancel = timers.after(ms, () => this.lost(reasons.advised, 0));
  }

  #closed(reason: Reason): void {
    const { token } = this.#settings;
    const { code } = reason;
    if (code === expiredClose) token.forget();
    this.#failed(reason, code === invalidTokenClose ? token.refused() : shouldReconnect(code));
  }

  #failed(reason: Reason, again: boolean): void {
    if (again) this.lost(reason);
    else this.end(reason);
  }
}
