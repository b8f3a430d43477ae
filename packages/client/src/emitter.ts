/** Typed events. A listener that throws is reported and does not keep the others from hearing. */

/** Event names and the arguments that their listeners get. */
export type EventMap<Events> = { readonly [K in keyof Events]: readonly unknown[] };

/** A listener of one event. */
export type Listener<Events extends EventMap<Events>, K extends keyof Events> = (...args: Events[K]) => void;

/** Stops listening; harmless the second time. */
export type Off = () => void;

export class Emitter<Events extends EventMap<Events>> {
  readonly #listeners: { [K in keyof Events]?: Set<Listener<Events, K>> } = {};
  readonly #report: (error: unknown, event: keyof Events) => void;

  /** `report` takes what a listener of `event` threw. */
  constructor(report: (error: unknown, event: keyof Events) => void) {
    this.#report = report;
  }

  /** The same function added twice is called once. */
  on<K extends keyof Events>(event: K, listener: Listener<Events, K>): Off {
    this.#listeners[event] ??= new Set();
    this.#listeners[event].add(listener);
    return () => this.off(event, listener);
  }

  off<K extends keyof Events>(event: K, listener: Listener<Events, K>): void {
    this.#listeners[event]?.delete(listener);
  }

  /** How many listen. */
  count(event: keyof Events): number {
    return this.#listeners[event]?.size ?? 0;
  }

  emit<K extends keyof Events>(event: K, ...args: Events[K]): void {
    // A copy: one added while the event is told hears the next one only.
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        listener(...args);
      } catch (error) {
        this.#report(error, event);
      }
    }
  }
}
