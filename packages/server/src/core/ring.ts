/** A list that keeps so many of what it is given last, in places that are used again: once it is full, nothing is allocated. */
export class Ring<Place> {
  readonly #capacity: number;
  readonly #make: () => Place;
  readonly #places: Place[] = [];
  /** Where the next one goes. */
  #at = 0;

  /** Places are made as they are needed first. */
  constructor(capacity: number, make: () => Place) {
    this.#capacity = capacity;
    this.#make = make;
  }

  get size(): number {
    return this.#places.length;
  }

  /** Whether something has been given up for want of room, or is with the next. */
  get isFull(): boolean {
    return this.#places.length === this.#capacity;
  }

  /** The one that was given longest ago. */
  get oldest(): Place | undefined {
    return this.isFull ? this.#places[this.#at] : this.#places[0];
  }

  /** The place for one more, to be filled at once: it has what was there before. */
  next(): Place {
    const index = this.#at;
    this.#at = index + 1 === this.#capacity ? 0 : index + 1;
    const place = this.#places[index] ?? this.#make();
    this.#places[index] = place;
    return place;
  }

  /** The newest first. */
  *[Symbol.iterator](): Generator<Place> {
    const { size } = this;
    for (let back = 1; back <= size; back++) {
      const place = this.#places[(this.#at - back + size) % size];
      if (place !== undefined) yield place;
    }
  }

  /** Copies of the newest that match, the newest first, at most so many. */
  newest(count: number, matches: (place: Place) => boolean): Place[] {
    const found: Place[] = [];
    for (const place of this) {
      if (found.length === count) break;
      if (matches(place)) found.push({ ...place });
    }
    return found;
  }
}
