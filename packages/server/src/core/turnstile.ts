/** Keeps an order where there is waiting: each goes when what it waits for is known and all that came before it has gone. */
import { limits } from '@carillon/protocol';
import { refuse } from './errors.ts';

/** Somebody in a line. */
interface Place {
  readonly bytes: number;
  /** Set when it is known what comes of it. */
  leave: (() => void) | undefined;
}

/** Lines by name; at most {@link limits.waiting} places in all of them, and {@link limits.waitingBytes}. */
export class Turnstile {
  readonly #what: string;
  readonly #lines = new Map<string, Place[]>();
  #places = 0;
  #bytes = 0;

  /** `what` waits here, in the plural, as the refusal says it. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Whether anybody stands in this line, so that who comes now has to queue. */
  isBusy(line: string): boolean {
    return this.#lines.has(line);
  }

  /**
   * Calls `prepare` at once, and `go` with what that resolves to, when nobody stands before it any more. `go` is called in the
   * order of coming, one right after the other; it must not throw. A place whose `prepare` rejects is left without it.
   *
   * @throws {ReplyError} 108 too much waits; `prepare` was not called.
   */
  pass<Prepared, Result>(
    line: string,
    bytes: number,
    prepare: () => Promise<Prepared>,
    go: (prepared: Prepared) => Promise<Result>,
  ): Promise<Result> {
    this.#checkRoom(bytes);
    const place: Place = { bytes, leave: undefined };
    const places = this.#lines.get(line);
    if (places === undefined) this.#lines.set(line, [place]);
    else places.push(place);
    this.#places += 1;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      const known = (leave: () => void): void => {
        place.leave = leave;
        this.#move(line);
      };
      prepare().then(
        (prepared) => known(() => resolve(go(prepared))),
        (error: unknown) => known(() => reject(error)),
      );
    });
  }

  #move(line: string): void {
    const places = this.#lines.get(line) ?? [];
    for (let first = places[0]; first?.leave !== undefined; first = places[0]) {
      places.shift();
      this.#places -= 1;
      this.#bytes -= first.bytes;
      first.leave();
    }
    if (places.length === 0) this.#lines.delete(line);
  }

  #checkRoom(bytes: number): void {
    // A single one may be of any size.
    const isFull = this.#places > 0 && this.#bytes + bytes > limits.waitingBytes;
    if (this.#places < limits.waiting && !isFull) return;
    const much = isFull ? `${limits.waitingBytes} bytes of ${this.#what}` : `${limits.waiting} ${this.#what}`;
    throw refuse('notAvailable', `${much} wait for hooks or schemas; try again later`);
  }
}
