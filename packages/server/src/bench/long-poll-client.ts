/** One client that long-polls on a kept connection: every answer is read and checked, and its cursor goes into the next poll. */
import { type Arrival, Checker, type Counts } from './checker.ts';
import { getRequest, HttpSocket } from './http-socket.ts';
import type { Receiver } from './link.ts';
import { BenchError, type Target } from './target.ts';

const headEnd = '\r\n\r\n';
/** The longest that a server holds a poll. */
const holdSeconds = 60;

/** An answer, read. */
interface Answer {
  readonly cursor: string;
  readonly arrivals: readonly Arrival[];
}

/** What all clients of a run share. */
export interface PollAudience {
  readonly target: Target;
  readonly channel: string;
  readonly counts: Counts;
  /** Told of every publication, by its place in the client's stream. */
  arrived(place: number, arrival: Arrival): void;
  /** Told of every answer that had publications. */
  answered(wireBytes: number): void;
  /** Why the server ended connections or refused polls, if it did. */
  failure: string | undefined;
  /** Clients mostly get the same answer, so the newest body is kept beside what it says. */
  known: { readonly body: string; readonly answer: Answer } | undefined;
}

export class LongPollClient implements Receiver {
  /** Publications received. */
  publications = 0;
  readonly #audience: PollAudience;
  readonly #checker: Checker;
  #socket: HttpSocket | undefined;
  #partial = '';
  #cursor = '';
  #opened: (error?: Error) => void = () => undefined;

  constructor(audience: PollAudience) {
    this.#audience = audience;
    this.#checker = new Checker(audience.counts);
  }

  /** Connects and learns where the channel stands, then polls on and on. Rejects with BenchError 69. */
  async open(localAddress: string | undefined): Promise<void> {
    const { target } = this.#audience;
    this.#socket = await HttpSocket.open(target, localAddress, this);
    await new Promise<void>((resolve, reject) => {
      this.#opened = (error) => (error === undefined ? resolve() : reject(error));
      this.#poll(0);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  received(bytes: Buffer, start: number, end: number): void {
    const text = this.#partial + bytes.toString('latin1', start, end);
    const body = bodyOf(text);
    if (body === undefined) {
      this.#partial = text;
      return;
    }
    this.#partial = '';
    const answer = text.startsWith('HTTP/1.1 200') ? this.#read(body) : undefined;
    if (answer === undefined) {
      this.#fail(`a poll was answered ${text.split('\r\n', 1)[0]} ${body.slice(0, 300)}`);
      return;
    }
    this.#take(answer, text.length);
  }

  closed(reason: string): void {
    this.#fail(reason);
  }

  #take({ cursor, arrivals }: Answer, wireBytes: number): void {
    const audience = this.#audience;
    const isFirst = this.#cursor === '';
    this.#cursor = cursor;
    // Before anything else, as a client does that wants to miss nothing for long.
    this.#poll(holdSeconds);
    if (isFirst) this.#opened();
    if (arrivals.length > 0) audience.answered(wireBytes);
    for (const arrival of arrivals) {
      this.#checker.arrived(arrival);
      audience.arrived(this.publications, arrival);
      this.publications += 1;
    }
  }

  #poll(seconds: number): void {
    const { target, channel } = this.#audience;
    const cursor = this.#cursor === '' ? '' : `&cursor=${this.#cursor}`;
    const path = `/sub?channel=${encodeURIComponent(channel)}&timeout=${seconds}${cursor}`;
    this.#socket?.write(getRequest(target, { path, accept: 'application/json' }));
  }

  #read(body: string): Answer | undefined {
    const { known, channel } = this.#audience;
    if (known?.body === body) return known.answer;
    const answer = parseAnswer(body, channel);
    if (answer !== undefined) this.#audience.known = { body, answer };
    return answer;
  }

  #fail(reason: string): void {
    this.#audience.counts.unexpected += 1;
    this.#audience.failure ??= reason;
    this.#opened(new BenchError(`Long-polling ${this.#audience.channel} failed: ${reason}.`, 69));
    this.close();
  }
}

/** One request is on the way, so the text ends where the answer does; undefined before that. */
function bodyOf(text: string): string | undefined {
  const head = text.indexOf(headEnd);
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  const body = text.slice(head + headEnd.length);
  return body.length >= Number(length ?? 0) ? body : undefined;
}

/** Undefined when it is no answer to a poll of this channel, has lost something, or holds what is not of the run. */
function parseAnswer(body: string, channel: string): Answer | undefined {
  try {
    const { messages, cursor, recovered } = JSON.parse(body) as {
      messages?: readonly {
        channel?: unknown;
        offset?: unknown;
        data?: { n?: unknown; t?: unknown };
      }[];
      cursor?: unknown;
      recovered?: unknown;
    };
    if (!Array.isArray(messages) || typeof cursor !== 'string' || recovered === false) return undefined;
    const arrivals: Arrival[] = [];
    for (const { channel: name, offset, data } of messages) {
      const { n, t } = data ?? {};
      if (name !== channel || typeof n !== 'number' || typeof t !== 'number') return undefined;
      arrivals.push({ n, sentAt: t / 1000, offset: typeof offset === 'number' ? offset : undefined });
    }
    return { cursor, arrivals };
  } catch {
    return undefined;
  }
}
