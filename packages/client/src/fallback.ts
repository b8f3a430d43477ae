/** Several transports as one: each connection goes through the first that gets through. */
import type { Ladder } from './ladder.ts';
import type { Cancel, Timers } from './timers.ts';
import type { Transport, TransportCallbacks, TransportConnection, TransportName } from './transport.ts';

/** How long a transport may take to open while another could take its place. */
const openMs = 4_000;

/** A connection that lived so long without anything being asked of it says nothing by its silence. */
const idleMs = 5_000;

export class FallbackTransport implements Transport {
  readonly #ladder: Ladder;
  readonly #timers: Timers;

  constructor(ladder: Ladder, timers: Timers) {
    this.#ladder = ladder;
    this.#timers = timers;
  }

  get name(): TransportName {
    return this.#ladder.transport.name;
  }

  open(url: string, callbacks: TransportCallbacks): TransportConnection {
    this.#ladder.begin();
    return new FallbackConnection(url, callbacks, this.#ladder, this.#timers);
  }
}

class FallbackConnection implements TransportConnection {
  readonly #url: string;
  readonly #callbacks: TransportCallbacks;
  readonly #ladder: Ladder;
  readonly #timers: Timers;
  #link: TransportConnection | undefined;
  #cancel: Cancel | undefined;
  #openedAt: number | undefined;
  #sent = false;
  /** Something came from the server. */
  #heard = false;

  constructor(url: string, callbacks: TransportCallbacks, ladder: Ladder, timers: Timers) {
    this.#url = url;
    this.#callbacks = callbacks;
    this.#ladder = ladder;
    this.#timers = timers;
    this.#try();
  }

  send(text: string): void {
    this.#sent = true;
    this.#link?.send(text);
  }

  close(): void {
    this.#cancel?.();
    this.#link?.close();
    // The client gives up what fell silent; what it ends at once was all right as far as anybody knows.
    if (!this.#heard && this.#livedLong)
      this.#ladder.failed(this.#sent || this.#openedAt === undefined ? 2 : 0);
  }

  get #livedLong(): boolean {
    return this.#timers.now() - (this.#openedAt ?? Number.NEGATIVE_INFINITY) >= idleMs;
  }

  #try(): void {
    const { transport, hasOther } = this.#ladder;
    if (hasOther)
      this.#cancel = this.#timers.after(openMs, () => this.#next(1006, 'it took too long to open'));
    let isTried = true;
    const current = (): boolean => isTried;
    try {
      const link = transport.open(this.#url, {
        opened: (session) => current() && this.#opened(session),
        received: (frame) => current() && this.#received(frame),
        closed: (code, reason) => current() && this.#closed(code, reason),
      });
      this.#link = {
        send: (text) => link.send(text),
        close: () => {
          isTried = false;
          link.close();
        },
      };
    } catch (error) {
      // The runtime refuses this way; only where there is no other, that is the end.
      if (!this.#ladder.failed(Number.POSITIVE_INFINITY)) throw error;
      this.#cancel?.();
      this.#try();
    }
  }

  #opened(session: string | undefined): void {
    this.#cancel?.();
    this.#openedAt = this.#timers.now();
    this.#callbacks.opened(session);
  }

  #received(frame: unknown): void {
    this.#hear();
    this.#callbacks.received(frame);
  }

  #closed(code: number, reason: string): void {
    this.#cancel?.();
    // No proxy has close codes of its own there.
    if (code >= 3000) this.#hear();
    if (this.#openedAt === undefined) {
      this.#next(code, reason);
      return;
    }
    if (!this.#heard && (this.#sent || !this.#livedLong)) this.#ladder.failed(1);
    this.#callbacks.closed(code, reason);
  }

  /** It did not open. */
  #next(code: number, reason: string): void {
    this.#link?.close();
    if (!this.#heard && this.#ladder.failed(2)) this.#try();
    else this.#callbacks.closed(code, reason);
  }

  #hear(): void {
    if (this.#heard) return;
    this.#heard = true;
    this.#ladder.worked();
  }
}
