/** Commands that await their reply on the present connection, by id. */
import { CarillonError } from './errors.ts';
import type { Frame } from './frames.ts';
import * as reasons from './reasons.ts';
import type { Timers } from './timers.ts';

/**
 * Hears how a command ended. It is called from inside the frame that brought the reply: what the next frame brings
 * may build on it.
 */
export type Settle = (error: CarillonError | undefined, result?: unknown) => void;

export class Requests {
  readonly #timers: Timers;
  readonly #timeoutMs: number;
  readonly #pending = new Map<unknown, Settle>();
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
    const id = ++this.#lastId;
    const cancel = this.#timers.after(this.#timeoutMs, () => end(new CarillonError(reasons.timeout)));
    const end: Settle = (error, result) => {
      this.#pending.delete(id);
      cancel();
      settle(error, result);
    };
    this.#pending.set(id, end);
    return `{"id":${id},${command.slice(1)}`;
  }

  /** A reply came. One that nobody awaits (its command timed out) is dropped. */
  replied({ id, result, code, msg }: Frame): void {
    this.#pending.get(id)?.(
      code === undefined ? code : new CarillonError({ code, message: msg ?? '' }),
      result,
    );
  }

  /** The connection is gone, and all replies with it. */
  lost(): void {
    for (const end of this.#pending.values()) end(new CarillonError(reasons.connectionLost));
  }
}
