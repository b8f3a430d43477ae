/** The end of a transport: all that is open is told, the last of it is waited for, and what takes too long is cut off. */
import type { Disconnect } from '@carillon/protocol';
import type { Clock } from './clock.ts';

/** Something open to a client. It stays in the set of what is open until its socket has said that it is gone. */
export interface Closable {
  close(reason: Disconnect): void;
  destroy(): void;
}

export class Closing<Open extends Closable> {
  readonly #clock: Clock;
  readonly #open: Iterable<Open> & { readonly size: number };
  #hasBegun = false;
  /** Resolves `close`, once nothing is left. */
  #emptied: (() => void) | undefined;

  constructor(clock: Clock, open: Iterable<Open> & { readonly size: number }) {
    this.#clock = clock;
    this.#open = open;
  }

  /** Nothing more is to be opened. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Call it whenever something is gone. */
  gone(): void {
    if (this.#open.size === 0) this.#emptied?.();
  }

  /** Ends everything with `reason`. Resolves when all is gone; what is not within `graceMs` is destroyed. */
  async close(reason: Disconnect, graceMs: number): Promise<void> {
    this.#hasBegun = true;
    if (this.#open.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const each of [...this.#open]) each.close(reason);
    const cancel = this.#clock.after(graceMs, () => {
      for (const each of [...this.#open]) each.destroy();
    });
    await emptied;
    cancel();
  }
}
