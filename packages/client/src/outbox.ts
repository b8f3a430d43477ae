/** Commands that outlive a connection: they wait for the next one, and are sent again where a cut took the reply. */
import { CarillonError, isTokenFault, type Reason } from './errors.ts';
import type { ConnectionLink, OutboxLink } from './link.ts';
import * as reasons from './reasons.ts';
import type { Settle } from './requests.ts';
import type { Timers } from './timers.ts';

export interface OutboxSettings {
  readonly timers: Timers;
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
  /** Settles the promise, and takes it out. */
  readonly end: Settle;
  sent: boolean;
  /** A fresh token was fetched for it once. */
  renewed: boolean;
}

export class Outbox implements OutboxLink {
  readonly #connection: ConnectionLink;
  readonly #settings: OutboxSettings;
  /** In the order of the calls: waiting and sent alike. */
  readonly #entries = new Set<Entry>();
  /** Random per client, so that two never make the same keys. */
  readonly #keyPrefix = crypto.getRandomValues(new Uint32Array(3)).join('-');
  #keys = 0;

  constructor(connection: ConnectionLink, settings: OutboxSettings) {
    this.#connection = connection;
    this.#settings = settings;
  }

  async submit(command: string, ready: () => boolean, once = false): Promise<unknown> {
    const { timers, maxFrameBytes, queueLimit, queueTimeoutMs } = this.#settings;
    // No code unit takes more than three bytes: most commands need no counting.
    const bytesMax = maxFrameBytes - idBytes;
    if (command.length * 3 > bytesMax && new TextEncoder().encode(command).length > bytesMax)
      throw new CarillonError(reasons.tooLarge);
    const refusal = this.#connection.use();
    if (refusal) throw new CarillonError(refusal);
    const entries = this.#entries;
    if (entries.size >= queueLimit && [...entries].filter(({ sent }) => !sent).length >= queueLimit)
      throw new CarillonError(reasons.queueFull);
    return new Promise((resolve, reject) => {
      const end: Settle = (error, result) => {
        cancel();
        this.#entries.delete(entry);
        if (error) reject(error);
        else resolve(result);
      };
      const entry: Entry = { command, ready, once, end, sent: false, renewed: false };
      const cancel = timers.after(queueTimeoutMs, () => end(new CarillonError(reasons.queueTimeout)));
      this.#entries.add(entry);
      this.flush();
    });
  }

  /** Sends what can be sent, in the order of the calls. */
  flush(): void {
    for (const entry of this.#entries) {
      if (this.#connection.connected && !entry.sent && entry.ready()) this.#send(entry);
    }
  }

  uniqueKey(): string {
    return `${this.#keyPrefix}-${++this.#keys}`;
  }

  /** Nothing will be sent any more: all are refused. Tells whether there were any. */
  stop(reason: Reason): boolean {
    const entries = [...this.#entries];
    for (const { end } of entries) end(new CarillonError(reason));
    return entries.length > 0;
  }

  #send(entry: Entry): void {
    entry.sent = true;
    this.#connection.send(entry.command, (error, result) => {
      // It may have been given up meanwhile.
      if (!this.#entries.has(entry)) return;
      entry.sent = false;
      if (error?.code === reasons.connectionLost.code && !entry.once) return;
      if (error && isTokenFault(error) && !entry.renewed) {
        entry.renewed = true;
        if (this.#connection.renewToken(error)) return;
      }
      entry.end(error, result);
    });
  }
}
