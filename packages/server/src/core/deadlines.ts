/** Many deadlines of one length with one timer: they fall due in the order in which they were set. */
import type { Clock } from './clock.ts';

export class Deadlines {
  readonly #clock: Clock;
  readonly #ms: number;
  #queue: { readonly at: number; readonly due: () => void }[] = [];
  #isRunning = false;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Calls `due` when the time is over. It cannot be taken back: let `due` see whether it still matters. */
  add(due: () => void): void {
    this.#queue.push({ at: this.#clock.now() + this.#ms, due });
    this.#run();
  }

  #run(): void {
    const [first] = this.#queue;
    if (this.#isRunning || first === undefined) return;
    this.#isRunning = true;
    this.#clock.after(Math.max(1, first.at - this.#clock.now()), () => {
      this.#isRunning = false;
      const now = this.#clock.now();
      const count = this.#queue.findIndex(({ at }) => at > now);
      const due = count === -1 ? this.#queue.splice(0) : this.#queue.splice(0, count);
      for (const { due: call } of due) call();
      this.#run();
    });
  }
}
