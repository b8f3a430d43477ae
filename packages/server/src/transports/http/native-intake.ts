/** A session's way in: the frames of its POSTs, held back while the session takes none. */

/** What became of frames that were handed over. */
export type Delivery = 'taken' | 'unknown' | 'full';

/** POSTs of one session that are held at a time. */
const heldMax = 8;

export class Intake {
  /** What waits, in the order in which it came; undefined while frames are taken as they come. */
  #held: ((isOpen: boolean) => void)[] | undefined;
  #isPaused = false;
  #isClosed = false;

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    while (held !== undefined && held.length > 0 && !this.#isPaused) held.shift()?.(true);
    if (held?.length === 0) this.#held = undefined;
  }

  /** Nothing is taken any more. */
  close(): void {
    this.#isClosed = true;
    for (const decide of this.#held ?? []) decide(false);
    this.#held = undefined;
  }

  /** Hands `frames` over, as soon as the session takes some. */
  take(frames: readonly string[], receive: (frame: string) => void): Promise<Delivery> {
    const handOver = (isOpen: boolean): Delivery => {
      for (const frame of isOpen ? frames : []) if (!this.#isClosed) receive(frame);
      return isOpen ? 'taken' : 'unknown';
    };
    if (this.#isClosed) return Promise.resolve('unknown');
    if (!this.#isPaused && this.#held === undefined) return Promise.resolve(handOver(true));
    this.#held ??= [];
    if (this.#held.length >= heldMax) return Promise.resolve('full');
    const held = this.#held;
    return new Promise((resolve) => held.push((isOpen) => resolve(handOver(isOpen))));
  }
}
