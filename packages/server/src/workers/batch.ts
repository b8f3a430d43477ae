/** Numbers by name that are on their way to another process: they leave together, once in a turn of the event loop. */
export class Batch {
  readonly #leave: (entries: readonly (readonly [string, number])[]) => void;
  #entries = new Map<string, number>();

  constructor(leave: (entries: readonly (readonly [string, number])[]) => void) {
    this.#leave = leave;
  }

  get(name: string): number | undefined {
    return this.#entries.get(name);
  }

  set(name: string, value: number): void {
    if (this.#entries.size === 0) setImmediate(() => this.#flush());
    this.#entries.set(name, value);
  }

  #flush(): void {
    const entries = [...this.#entries];
    this.#entries = new Map();
    this.#leave(entries);
  }
}
