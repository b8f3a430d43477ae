/** The clock of the real world. */
import type { Clock } from '../core/clock.ts';

/** How far the wall clock may be ahead before it is followed: a machine that slept, a clock that was set. */
const leapMs = 1_000;

/** Follows the wall clock forward, also over a sleep of the machine, but never back. */
export class SystemClock implements Clock {
  #base = Date.now() - performance.now();

  now(): number {
    const now = this.#base + performance.now();
    const wall = Date.now();
    if (wall - now < leapMs) return now;
    this.#base += wall - now;
    return wall;
  }

  after(ms: number, task: () => void): () => void {
    const timer = setTimeout(task, ms).unref();
    return () => clearTimeout(timer);
  }

  atTurnEnd(task: () => void): void {
    setImmediate(task);
  }
}
