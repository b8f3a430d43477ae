/** A clock that tests move: nothing happens on it but by `advance`, `elapse` and `flushTurn`. */
import type { Cancel, Clock } from '../core/clock.ts';

interface Timer {
  readonly at: number;
  readonly task: () => void;
}

/** Turns that may follow each other without time passing; more is a task that always makes another. */
const maxTurns = 10_000;

export class VirtualClock implements Clock {
  #now: number;
  /** In the order of their making, which decides between timers of one instant. */
  readonly #timers = new Set<Timer>();
  #turnTasks: (() => void)[] = [];

  /** `startMs`: what `now` says at first. */
  constructor(startMs = 1_000_000) {
    this.#now = startMs;
  }

  /** Timers that have neither run nor been cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(0, ms), task };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  atTurnEnd(task: () => void): void {
    this.#turnTasks.push(task);
  }

  /** Ends the turn: runs what waits for that, and what it makes wait in turn. */
  flushTurn(): void {
    for (let turn = 0; this.#turnTasks.length > 0; turn++) {
      if (turn === maxTurns) throw new Error('tasks at the end of the turn never come to an end');
      const tasks = this.#turnTasks;
      this.#turnTasks = [];
      for (const task of tasks) task();
    }
  }

  /** Lets `ms` milliseconds pass: runs the timers that fall due, in order, and ends the turn after each. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.flushTurn();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#run(timer);
    }
    this.#now = end;
  }

  /** As {@link advance}, but what promises and sockets have ready runs between two timers. */
  async elapse(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#settle();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#run(timer);
      await this.#settle();
    }
    this.#now = end;
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    return first;
  }

  #run(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.task();
    this.flushTurn();
  }

  async #settle(): Promise<void> {
    this.flushTurn();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.flushTurn();
  }
}
