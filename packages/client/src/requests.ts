/** Commands that await their reply on the present connection, by id. */
import { CarillonError } from './errors.ts';
import * as reasons from './reasons.ts';
import type { Cancel, Timers } from './timers.ts';

/**
 * Hears how a command ended. It is called from inside the frame that brought the reply: what the next frame brings
 * may build on it.
 */
export type Settle = (error: CarillonError | undefined, result?: unknown) => void;

export class Requests {
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  readonly #pending = new Map<unknown, { readonly settle: Settle; readonly cancel: Cancel }>();
  #lastId = 0;

  constructor(timers: Timers, timeoutMs: number) {
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Gives a command, as JSON text without an id, its id; returns the text to send. Without a reply in time it ends
   * with {@link reasons.timeout}.
   */
  expect(command: string, settle: Settle): string {
    this.#lastId += 1;
    const id = this.#lastId;
    const cancel = this.#timers.after(this.#timeoutMs, () => {
      this.#pending.delete(id);
      settle(new CarillonError(reasons.timeout));
    });
    this.#pending.set(id, { settle, cancel });
    return `{"id":${id},${command.slice(1)}`;
  }

  /** A reply came. One that nobody awaits (its command timed out) is dropped. */
  replied(reply: {
    readonly id?: unknown;
    readonly result?: unknown;
    readonly code?: unknown;
    readonly msg?: unknown;
  }): void {
    const request = this.#pending.get(reply.id);
    if (request === undefined) return;
    this.#pending.delete(reply.id);
    request.cancel();
    if (typeof reply.code === 'number') {
      request.settle(new CarillonError({ code: reply.code, message: String(reply.msg) }));
    } else {
      request.settle(undefined, reply.result);
    }
  }

  /** The connection is gone, and all replies with it. */
  lost(): void {
    for (const [id, { settle, cancel }] of this.#pending) {
      this.#pending.delete(id);
      cancel();
      settle(new CarillonError(reasons.connectionLost));
    }
  }
}
