/** Events that want no answer, on their way to hooks: in order, so many at once, so many more in a queue, and the rest is counted. */
import { type JsonText, limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { increment } from '../core/figures.ts';
import type { Log } from '../core/log.ts';
import type { Settled } from './settled.ts';

export interface ToldEventsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** By hook; kept here. */
  readonly dropped: Map<string, number>;
  /** Never rejects. */
  readonly ask: (name: string, event: JsonText) => Promise<Settled>;
}

/** Losses are logged together. */
const quietMs = 10_000;

export class ToldEvents {
  readonly #options: ToldEventsOptions;
  #queue: (readonly [name: string, event: JsonText])[] = [];
  /** Where the queue begins: what is before has left. */
  #head = 0;
  #underWay = 0;
  #bytes = 0;
  #lost = 0;
  #isQuiet = false;
  #whenDone: (() => void) | undefined;

  constructor(options: ToldEventsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  add(name: string, event: JsonText): void {
    if (this.waiting >= limits.hookEvents || this.#bytes + event.length > limits.hookCallBytes) {
      this.#drop(name);
      return;
    }
    this.#queue.push([name, event]);
    this.#bytes += event.length;
    this.#next();
  }

  /** Resolves when nothing is under way any more, or after this time. */
  done(ms: number): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#whenDone = () => {
        cancel();
        resolve();
      };
    });
  }

  #next(): void {
    while (this.#underWay < limits.hookEventsAtOnce) {
      const first = this.#queue[this.#head];
      if (first === undefined) return;
      this.#head += 1;
      if (this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#bytes -= first[1].length;
      void this.#tell(...first);
    }
  }

  async #tell(name: string, event: JsonText): Promise<void> {
    this.#underWay += 1;
    const { outcome } = await this.#options.ask(name, event);
    this.#underWay -= 1;
    if (outcome === 'unavailable' || outcome === 'late') this.#drop(name);
    this.#next();
    if (this.#underWay === 0) this.#whenDone?.();
  }

  /** Counted at once; told now, and then from time to time. */
  #drop(name: string): void {
    const { clock, log, dropped } = this.#options;
    increment(dropped, name);
    this.#lost += 1;
    if (this.#isQuiet) return;
    this.#isQuiet = true;
    this.#lost = 0;
    log.warn(
      `an event for the hook '${name}' was dropped, because the hook does not answer or too many wait`,
    );
    clock.after(quietMs, () => {
      this.#isQuiet = false;
      if (this.#lost > 0)
        log.warn(`${this.#lost} more events for hooks were dropped in ${quietMs / 1_000} s`);
    });
  }
}
