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
  #isOpen = false;
  /** When the present transport opened, or was asked to. */
  #since = 0;
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
    const fellSilent = this.#livedMs >= openMs && (this.#sent || !this.#isOpen);
    if (fellSilent && !this.#heard) this.#ladder.failed(2);
  }

  get #livedMs(): number {
    return this.#timers.now() - this.#since;
  }

  #try(): void {
    const { transport, hasOther } = this.#ladder;
    this.#since = this.#timers.now();
    if (hasOther) this.#cancel = this.#timers.after(openMs, () => this.#next(1006, 'it did not open'));
    try {
      this.#link = transport.open(this.#url, {
        opened: (session) => this.#opened(session),
        received: (frame) => this.#received(frame),
        closed: (code, reason) => this.#closed(code, reason),
      });
    } catch (error) {
      this.#cancel?.();
      // The runtime refuses this way; only where there is no other, that is the end.
      if (!this.#ladder.failed(Number.POSITIVE_INFINITY)) throw error;
      this.#try();
    }
  }

  #opened(session: string | undefined): void {
    this.#cancel?.();
    this.#isOpen = true;
    this.#since = this.#timers.now();
    this.#callbacks.opened(session);
  }

  #received(frame: unknown): void {
    if (!this.#heard) this.#hear();
    this.#callbacks.received(frame);
  }

  #closed(code: number, reason: string): void {
    // No proxy has close codes of its own there.
    if (code >= 3000) this.#hear();
    if (!this.#isOpen && !this.#heard) {
      this.#next(code, reason);
      return;
    }
    this.#cancel?.();
    if (!this.#heard && (this.#sent || this.#livedMs < idleMs)) this.#ladder.failed(1);
    this.#callbacks.closed(code, reason);
  }

  /** It did not open. */
  #next(code: number, reason: string): void {
    this.#cancel?.();
    this.#link?.close();
    if (this.#ladder.failed(2)) this.#try();
    else this.#callbacks.closed(code, reason);
  }

  #hear(): void {
    this.#heard = true;
    this.#ladder.worked();
  }
}
