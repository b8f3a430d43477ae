/** What could not be delivered, kept within bounds so that it can be looked at and delivered again; the oldest goes first. */
import { limits } from '@carillon/protocol';
import type { DeadLetter } from './batch.ts';

export class DeadLetters {
  /** The oldest first. */
  #letters: DeadLetter[] = [];
  #events = 0;
  #bytes = 0;

  /** Events in all letters together. */
  get events(): number {
    return this.#events;
  }

  /** Keeps one more, and returns how many events of older ones were forgotten for it. */
  add(letter: DeadLetter): number {
    this.#letters.push(letter);
    this.#count(letter, 1);
    let forgotten = 0;
    while (this.#events > limits.webhookDeadEvents || this.#bytes > limits.webhookDeadBytes) {
      const oldest = this.#letters.shift();
      if (oldest === undefined) break;
      this.#count(oldest, -1);
      forgotten += oldest.events.length;
    }
    return forgotten;
  }

  /** The newest first. */
  newest(count: number): readonly DeadLetter[] {
    return count === 0 ? [] : this.#letters.slice(-count).toReversed();
  }

  /** Hands out those with these ids, or all of them, the oldest first, as far as `fits` lets them go, and keeps them no longer. */
  take(ids: ReadonlySet<string> | undefined, fits: (letter: DeadLetter) => boolean): readonly DeadLetter[] {
    const taken = this.#letters.filter((letter) => (ids?.has(letter.id) ?? true) && fits(letter));
    const gone = new Set(taken);
    this.#letters = this.#letters.filter((letter) => !gone.has(letter));
    for (const letter of taken) this.#count(letter, -1);
    return taken;
  }

  #count({ events, bytes }: DeadLetter, sign: 1 | -1): void {
    this.#events += sign * events.length;
    this.#bytes += sign * bytes;
  }
}
