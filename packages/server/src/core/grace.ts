/** Waits a little before it is told that somebody is gone: who is back in time was never away. One timer for all who are waited for. */
import { limits } from '@carillon/protocol';
import type { Clock } from './clock.ts';
import { TimerWheel, type WheelEntry } from './timer-wheel.ts';

/** Somebody who is waited for. */
export interface Wait extends WheelEntry {
  readonly over: () => void;
}

/** How exact the end of a wait is: it comes late by this part of the grace at most. */
const ticksPerGrace = 20;
const shortestTickMs = 5;

export class Grace {
  readonly #wheel: TimerWheel<Wait>;
  readonly #ms: number;

  /** `ms`: how long is waited; 0 for not at all. */
  constructor(clock: Clock, ms: number) {
    this.#ms = ms;
    const tickMs = Math.max(shortestTickMs, ms / ticksPerGrace);
    this.#wheel = new TimerWheel(clock, tickMs, ms + tickMs, ({ over }) => over());
  }

  /** How many are waited for. */
  get size(): number {
    return this.#wheel.size;
  }

  /** Calls `over` after the time, unless it is cancelled; at once, and returns undefined, where no more can be waited for. */
  wait(over: () => void): Wait | undefined {
    if (this.#ms === 0 || this.#wheel.size >= limits.absences) {
      over();
      return undefined;
    }
    const wait: Wait = { over, dueTick: 0 };
    // One more, because a deadline set between two ticks comes early.
    this.#wheel.schedule(wait, this.#wheel.ticks(this.#ms) + 1);
    return wait;
  }

  cancel(wait: Wait): void {
    this.#wheel.remove(wait);
  }
}
