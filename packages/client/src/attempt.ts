/** One try at a connection, from the token to its end. It decides whether another try makes sense, not when. */
import { shouldReconnect } from '@carillon/protocol';
import { expiredClose, invalidTokenClose } from './codes.ts';
import { type CarillonError, isTemporary, isTokenFault, type Reason } from './errors.ts';
import * as reasons from './reasons.ts';
import type { Requests } from './requests.ts';
import type { Cancel, Timers } from './timers.ts';
import type { TokenSource } from './token.ts';
import type { Transport, TransportConnection } from './transport.ts';

export interface AttemptOptions {
  readonly url: string;
  readonly transport: Transport;
  readonly token: TokenSource;
  readonly requests: Requests;
  readonly timers: Timers;
  /** For the token, and again for opening and authenticating after it. */
  readonly timeoutMs: number;
}

/** What the server told of a connection that is open. */
export interface Told {
  readonly session?: string | undefined;
  /** Seconds until the token expires, where it does. */
  readonly expires?: number;
}

export interface AttemptListener {
  /** Open and authenticated. */
  opened(told: Told): void;
  received(frame: unknown): void;
  /** It is over. `again`: another try makes sense. */
  failed(reason: Reason, again: boolean): void;
  report(error: unknown): void;
}

export class Attempt {
  readonly #options: AttemptOptions;
  readonly #listener: AttemptListener;
  #live = true;
  #link: TransportConnection | undefined;
  #cancel: Cancel | undefined;

  constructor(options: AttemptOptions, listener: AttemptListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** False once it was closed: what belongs to it must have no effect any more. */
  get live(): boolean {
    return this.#live;
  }

  async start(): Promise<void> {
    let fault = reasons.tokenFailed;
    this.#limit(fault);
    try {
      const token = await this.#options.token.get();
      // The runtime may refuse the address itself (mixed content, a content policy): trying again would not help.
      fault = reasons.openFailed;
      if (this.#live) this.#open(token);
    } catch (error) {
      if (this.#live) this.#listener.report(error);
      if (this.#live) this.#listener.failed(fault, fault === reasons.tokenFailed);
    }
  }

  send(text: string): void {
    this.#link?.send(text);
  }

  /** Gives it up; the listener hears nothing more. */
  close(): void {
    this.#live = false;
    this.#cancel?.();
    this.#link?.close();
  }

  #open(token: string): void {
    const { transport, url } = this.#options;
    this.#limit(reasons.connectTimeout);
    this.#link = transport.open(url, {
      opened: (session) => (token ? this.#authenticate(token) : this.#opened({ session })),
      received: (frame) => this.#listener.received(frame),
      closed: (code, message) => this.#closed({ code, message }),
    });
  }

  #authenticate(token: string): void {
    this.#limit(reasons.connectTimeout);
    const command = JSON.stringify({ op: 'auth', token });
    const text = this.#options.requests.expect(command, (error, result) => {
      if (!this.#live) return;
      if (error !== undefined) {
        this.#refused(error);
        return;
      }
      this.#options.token.accepted();
      this.#opened(result as Told);
    });
    this.send(text);
  }

  #opened(told: Told): void {
    this.#cancel?.();
    this.#listener.opened(told);
  }

  #refused(error: CarillonError): void {
    const again = isTemporary(error) || (isTokenFault(error) && this.#options.token.refused());
    this.#listener.failed(error, again);
  }

  #closed(reason: Reason): void {
    const { token } = this.#options;
    const { code } = reason;
    if (code === expiredClose) token.forget();
    this.#listener.failed(reason, code === invalidTokenClose ? token.refused() : shouldReconnect(code));
  }

  #limit(reason: Reason): void {
    this.#cancel?.();
    this.#cancel = this.#options.timers.after(this.#options.timeoutMs, () =>
      this.#listener.failed(reason, true),
    );
  }
}
