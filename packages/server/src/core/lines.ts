/** Has what concerns one thing done one after another, while other things go on. */
export class Lines {
  /** The end of each line; a thing that nothing is done about has none. */
  readonly #ends = new Map<string, Promise<void>>();

  /** Calls `act` when all that was asked about `name` before is over, whatever came of it. Who asks bounds how much waits. */
  run<T>(name: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#ends.get(name) ?? Promise.resolve()).then(act);
    const over = (): void => {
      if (this.#ends.get(name) === end) this.#ends.delete(name);
    };
    const end = turn.then(over, over);
    this.#ends.set(name, end);
    return turn;
  }
}
