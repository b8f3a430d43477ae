/** A process in virtual time: it can be stopped, goes on later, and can be killed; whatever it does begins on its clock. */
import type { Cancel, Clock } from '../../../packages/server/src/core/clock.ts';

export class SimProcess implements Clock {
  readonly #clock: Clock;
  #isAlive = true;
  #isPaused = false;
  #held: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Alive, and not stopped. */
  get isRunning(): boolean {
    return this.#isAlive && !this.#isPaused;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, task: () => void): Cancel {
    let isCancelled = false;
    const act = (): void => {
      if (!isCancelled) task();
    };
    const cancel = this.#clock.after(ms, () => this.run(act));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  atTurnEnd(task: () => void): void {
    this.#clock.atTurnEnd(() => this.run(task));
  }

  /** In a later turn, when what promises have ready has run. */
  readonly later = (task: () => void): void => void this.after(0, task);

  /** Now, or when it goes on; a dead process does nothing any more. */
  run(task: () => void): void {
    if (this.#isPaused) this.#held.push(task);
    else if (this.#isAlive) task();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const task of this.#held.splice(0)) this.later(task);
  }

  kill(): void {
    this.#isAlive = false;
    this.#isPaused = false;
    this.#held = [];
  }
}
