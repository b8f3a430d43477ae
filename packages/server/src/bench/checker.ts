/** Whether one subscriber got every publication once and in order. */

/** What the generator puts into `data`, and the offset that the server gave it. */
export interface Arrival {
  readonly n: number;
  readonly sentAt: number;
  readonly offset: number | undefined;
}

/** What went wrong on the way; all zero is the only good run. */
export interface Counts {
  missing: number;
  duplicate: number;
  outOfOrder: number;
  /** Frames that are no publication of the run, replies that are errors, connections that the server ended. */
  unexpected: number;
}

export function noCounts(): Counts {
  return { missing: 0, duplicate: 0, outOfOrder: 0, unexpected: 0 };
}

export function addedCounts(a: Counts, b: Counts): Counts {
  return {
    missing: a.missing + b.missing,
    duplicate: a.duplicate + b.duplicate,
    outOfOrder: a.outOfOrder + b.outOfOrder,
    unexpected: a.unexpected + b.unexpected,
  };
}

/** Publications are numbered from 0 by the one that sends them to the channel; offsets must rise by 1 beside. */
export class Checker {
  readonly #counts: Counts;
  readonly #skipped = new Set<number>();
  #next = 0;
  #offset: number | undefined;

  constructor(counts: Counts) {
    this.#counts = counts;
  }

  /** Number of the publication that should come now. */
  get next(): number {
    return this.#next;
  }

  arrived(arrival: Arrival): void {
    if (arrival.n === this.#next) {
      if (this.#offset !== undefined && arrival.offset !== this.#offset + 1) this.#counts.outOfOrder += 1;
      this.#next += 1;
    } else if (arrival.n > this.#next) {
      for (let n = this.#next; n < arrival.n; n++) this.#skipped.add(n);
      this.#next = arrival.n + 1;
    } else if (this.#skipped.delete(arrival.n)) this.#counts.outOfOrder += 1;
    else this.#counts.duplicate += 1;
    this.#offset = arrival.offset;
  }
}

/** Reads an event frame of the run; undefined when it is anything else. */
export function parseArrival(text: string, channel: string): Arrival | undefined {
  try {
    const event = JSON.parse(text) as {
      event?: unknown;
      data?: { n?: unknown; t?: unknown };
      offset?: unknown;
    };
    const { n, t } = event.data ?? {};
    if (event.event !== channel || typeof n !== 'number' || typeof t !== 'number') return undefined;
    return { n, sentAt: t / 1000, offset: typeof event.offset === 'number' ? event.offset : undefined };
  } catch {
    return undefined;
  }
}

/**
 * The JSON text of a publication: its number, the time it is sent at, and padding up to `size` bytes.
 * The time is whole microseconds: a fraction would change its length in servers that parse and write numbers anew.
 */
export function payload(n: number, sentAt: number, size: number): string {
  const head = `{"n":${n},"t":${Math.round(sentAt * 1000)},"pad":"`;
  return `${head}${'x'.repeat(Math.max(0, size - head.length - 2))}"}`;
}

interface KnownFrame {
  readonly bytes: Buffer;
  readonly arrival: Arrival;
}

const kept = 8192;

/**
 * Frames of a channel that were read and checked on one socket.
 * All subscribers get the same bytes, so the others are checked by comparison, which is stricter and far cheaper than to parse again.
 */
export class KnownFrames {
  readonly #frames: (KnownFrame | undefined)[] = [];

  keep(bytes: Buffer, at: number, to: number, arrival: Arrival): void {
    this.#frames[arrival.n % kept] = { bytes: Buffer.from(bytes.subarray(at, to)), arrival };
  }

  /** The publication with this number, if the bytes [at, to) are exactly its frame. */
  match(n: number, bytes: Buffer, at: number, to: number): Arrival | undefined {
    const known = this.#frames[n % kept];
    if (known === undefined || known.arrival.n !== n || known.bytes.length !== to - at) return undefined;
    return known.bytes.compare(bytes, at, to) === 0 ? known.arrival : undefined;
  }
}
