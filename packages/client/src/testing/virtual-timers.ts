/** Time that passes only when a test says so. */
import type { Cancel, Timers } from '../timers.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

export class VirtualTimers implements Timers {
  #now = 0;
  #order = 0;
  #due: Due[] = [];
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): Cancel {
    this.#order += 1;
    const due = { at: this.#now + ms, order: this.#order, task };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return this.#seed / 2_147_483_648;
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#due.length;
  }

  /** Lets time pass, and after each task lets promises settle. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#due[0];
      if (next === undefined || next.at > until) break;
      this.#due.shift();
      this.#now = next.at;
      next.task();
      await settled();
    }
    this.#now = until;
  }
}

/** Resolves when every promise that can settle without time has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
