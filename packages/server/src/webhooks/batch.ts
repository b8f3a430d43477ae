/** Events on their way to one webhook: as they wait, as they go together, and as they stay behind. */

/** One event as JSON text. */
export interface QueuedEvent {
  readonly json: string;
  readonly bytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Events that go in one request, and go together again however often it is tried. */
export interface Batch {
  /** The `webhook-id`. Has no `.`, which separates what is signed. */
  readonly id: string;
  /** JSON texts. */
  readonly events: readonly string[];
  readonly bytes: number;
}

/** A batch that was given up. */
export interface DeadLetter extends Batch {
  /** When it was given up, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly reason: string;
  /** Of the last answer, where there was one. */
  readonly status?: number;
  readonly attempts: number;
}

export function bodyOf({ events }: Batch): string {
  return `{"events":[${events.join()}]}`;
}

/** What waits, in order, with its bytes counted. */
export class EventQueue {
  #events: QueuedEvent[] = [];
  /** Events before it were taken. */
  #start = 0;
  #bytes = 0;

  get length(): number {
    return this.#events.length - this.#start;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the event came that has waited longest. */
  get oldestAt(): number | undefined {
    return this.#events[this.#start]?.at;
  }

  push(event: QueuedEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
  }

  /** Takes the oldest: at most `size`, and at most `maxBytes` unless a single one is larger. Undefined when there is none. */
  take(id: string, size: number, maxBytes: number): Batch | undefined {
    const events: string[] = [];
    let bytes = 0;
    for (let next = this.#events[this.#start]; next !== undefined; next = this.#events[this.#start]) {
      if (events.length === size || (events.length > 0 && bytes + next.bytes > maxBytes)) break;
      events.push(next.json);
      bytes += next.bytes;
      this.#start += 1;
    }
    this.#bytes -= bytes;
    if (this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
    return events.length === 0 ? undefined : { id, events, bytes };
  }
}
