/** Real time that a test can move forward: for what runs in a thread of its own, where virtual time does not reach. */
import { SystemClock } from '../system/clock.ts';

export class ShiftedClock extends SystemClock {
  #shiftMs = 0;

  override now(): number {
    return super.now() + this.#shiftMs;
  }

  shift(ms: number): void {
    this.#shiftMs += ms;
  }
}
