/** Commands that outlive a connection: they wait for the next one, and are sent again where a cut took the reply. */
import { CarillonError, isTokenFault, type Reason } from './errors.ts';
import type { ConnectionLink, OutboxLink } from './link.ts';
import * as reasons from './reasons.ts';
import type { Cancel, Timers } from './timers.ts';

export interface OutboxLimits {
  /** Commands that may wait. */
  readonly queueLimit: number;
  /** Milliseconds that a command may wait in all. */
  readonly queueTimeoutMs: number;
  /** Bytes of one command. */
  readonly maxFrameBytes: number;
}

/** What a command grows by when it gets its id. */
const idBytes = 24;

interface Entry {
  readonly command: string;
  readonly ready: () => boolean;
  readonly once: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CarillonError) => void;
  readonly cancel: Cancel;
  sent: boolean;
  /** A fresh token was fetched for it once. */
  renewed: boolean;
}

export class Outbox implements OutboxLink {
  readonly #connection: ConnectionLink;
  readonly #timers: Timers;
  readonly #limits: OutboxLimits;
  /** In the order of the calls: waiting and sent alike. */
  readonly #entries = new Set<Entry>();
  #waiting = 0;
  /** Random per client, so that two never make the same keys. */
  readonly #keyPrefix = crypto.getRandomValues(new Uint32Array(3)).join('-');
  #keys = 0;

  constructor(connection: ConnectionLink, timers: Timers, limits: OutboxLimits) {
    this.#connection = connection;
    this.#timers = timers;
    this.#limits = limits;
  }

  async submit(command: string, ready: () => boolean, once = false): Promise<unknown> {
    const bytesMax = this.#limits.maxFrameBytes - idBytes;
    // No code unit takes more than three bytes: most commands need no counting.
    if (command.length * 3 > bytesMax && new TextEncoder().encode(command).length > bytesMax) {
      throw new CarillonError(reasons.tooLarge);
    }
    const refusal = this.#connection.use();
    if (refusal !== undefined) throw new CarillonError(refusal);
    if (this.#waiting >= this.#limits.queueLimit) throw new CarillonError(reasons.queueFull);
    return new Promise((resolve, reject) => {
      const cancel = this.#timers.after(this.#limits.queueTimeoutMs, () => {
        this.#fail(entry, new CarillonError(reasons.queueTimeout));
      });
      const entry: Entry = { command, ready, once, resolve, reject, cancel, sent: false, renewed: false };
      this.#entries.add(entry);
      this.#waiting += 1;
      this.flush();
    });
  }

  /** Sends what can be sent, in the order of the calls. */
  flush(): void {
    if (this.#waiting === 0) return;
    for (const entry of this.#entries) {
      if (!this.#connection.connected) return;
      if (!entry.sent && entry.ready()) this.#send(entry);
    }
  }

  uniqueKey(): string {
    this.#keys += 1;
    return `${this.#keyPrefix}-${this.#keys}`;
  }

  /** Nothing will be sent any more: all are refused. Tells whether there were any. */
  stop(reason: Reason): boolean {
    const entries = [...this.#entries];
    for (const entry of entries) this.#fail(entry, new CarillonError(reason));
    return entries.length > 0;
  }

  #send(entry: Entry): void {
    entry.sent = true;
    this.#waiting -= 1;
    this.#connection.send(entry.command, (error, result) => {
      // It may have been given up meanwhile.
      if (!this.#entries.has(entry)) return;
      if (error === undefined) {
        this.#remove(entry);
        entry.resolve(result);
      } else if (error.code === reasons.connectionLost.code && !entry.once) {
        this.#wait(entry);
      } else if (isTokenFault(error) && !entry.renewed) {
        entry.renewed = true;
        this.#wait(entry);
        if (!this.#connection.renewToken(error)) this.#fail(entry, error);
      } else {
        this.#fail(entry, error);
      }
    });
  }

  #wait(entry: Entry): void {
    entry.sent = false;
    this.#waiting += 1;
  }

  #fail(entry: Entry, error: CarillonError): void {
    this.#remove(entry);
    entry.reject(error);
  }

  #remove(entry: Entry): void {
    entry.cancel();
    this.#entries.delete(entry);
    if (!entry.sent) this.#waiting -= 1;
  }
}
