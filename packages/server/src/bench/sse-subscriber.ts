/** One subscriber over Server-Sent Events: the same work and the same checks as over WebSocket. */
import type { Arrival, Checker } from './checker.ts';
import { getRequest, HttpSocket } from './http-socket.ts';
import type { Receiver } from './link.ts';
import { type EventSink, SseReader } from './sse-reader.ts';
import type { Audience, Member } from './subscriber.ts';
import { BenchError, type Target } from './target.ts';

const eventLine = 'event: message\n';
const dataField = '\ndata: ';
const carriageReturn = 0x0d;
const letters = { e: 0x65, i: 0x69 } as const;

export class SseSubscriber implements Member, Receiver, EventSink {
  readonly index: number;
  frames = 0;
  bytes = 0;
  readonly #crowd: Audience;
  readonly #channel: string;
  readonly #checker: Checker | undefined;
  readonly #reader = new SseReader(this);
  #socket: HttpSocket | undefined;
  #now = 0;
  #isOpen = false;
  #confirm: (error?: Error) => void = () => undefined;

  constructor(crowd: Audience, index: number, channel: string, checker: Checker | undefined) {
    this.#crowd = crowd;
    this.index = index;
    this.#channel = channel;
    this.#checker = checker;
  }

  get checked(): boolean {
    return this.#checker !== undefined;
  }

  async open(target: Target, localAddress: string | undefined): Promise<void> {
    const socket = await HttpSocket.open(target, localAddress, this);
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      this.#confirm = (error) => (error === undefined ? resolve() : reject(error));
      const path = `/sub?channel=${encodeURIComponent(this.#channel)}`;
      socket.write(getRequest(target, { path, accept: 'text/event-stream' }));
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  received(bytes: Buffer, start: number, end: number): void {
    const crowd = this.#crowd;
    const before = this.frames;
    const length = end - start;
    if (
      this.#checker === undefined &&
      length % crowd.frameBytes === 0 &&
      this.#reader.aligned &&
      beginsEvent(bytes, start)
    ) {
      this.frames += length / crowd.frameBytes;
      this.bytes += length;
    } else this.#read(bytes, start, end);
    crowd.frames += this.frames - before;
    if (crowd.arrived !== undefined && this.frames > before) crowd.arrived(before, this.frames);
  }

  opened(): void {
    this.#isOpen = true;
    this.#confirm();
  }

  block(bytes: Buffer, from: number, to: number, wireBytes: number): void {
    const crowd = this.#crowd;
    const known = this.#checker && crowd.known?.match(this.#checker.next, bytes, from, to);
    const text = known === undefined ? bytes.toString('utf8', from, to) : '';
    if (known === undefined && !isPublication(text)) {
      // What has no data is a comment, or the beginning that tells `retry` and a cursor.
      if (text.includes(dataField)) crowd.counts.unexpected += 1;
      return;
    }
    this.frames += 1;
    this.bytes += wireBytes;
    crowd.frameBytes = wireBytes;
    if (this.#checker === undefined) return;
    const arrival = known ?? parseEvent(text);
    if (arrival === undefined) {
      crowd.counts.unexpected += 1;
      return;
    }
    if (known === undefined) crowd.known?.keep(bytes, from, to, arrival);
    this.#checker.arrived(arrival);
    crowd.latency?.add(this.#now - arrival.sentAt);
  }

  closed(reason: string): void {
    if (!this.#isOpen) this.#confirm(new BenchError(`A subscriber was not answered: ${reason}.`, 69));
    this.#crowd.counts.unexpected += 1;
    this.#crowd.closeReason ??= reason;
  }

  #read(bytes: Buffer, start: number, end: number): void {
    this.#now = performance.now();
    try {
      this.#reader.read(bytes, start, end);
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      this.#confirm(error);
      if (this.#isOpen) this.#crowd.counts.unexpected += 1;
      this.#crowd.closeReason ??= error.message;
      this.close();
    }
  }
}

function isPublication(text: string): boolean {
  return text.includes(eventLine) && text.includes(dataField);
}

/** Whether a chunk with an event begins here: its size, then the line of the id, or of the event where there is no history. */
function beginsEvent(bytes: Buffer, start: number): boolean {
  for (let at = start + 1; at <= start + 4; at++) {
    if (bytes[at] === carriageReturn) return bytes[at + 2] === letters.i || bytes[at + 2] === letters.e;
  }
  return false;
}

/** Undefined when it is no publication of the run. Cursors are opaque to clients, but their end is the offset, which is checked here. */
function parseEvent(text: string): Arrival | undefined {
  const data = text.slice(text.indexOf(dataField) + dataField.length);
  const offset = /^id: \S*\.(\d+)$/m.exec(text)?.[1];
  try {
    const { n, t } = JSON.parse(data) as { n?: unknown; t?: unknown };
    if (typeof n !== 'number' || typeof t !== 'number') return undefined;
    return { n, sentAt: t / 1000, offset: offset === undefined ? undefined : Number(offset) };
  } catch {
    return undefined;
  }
}
