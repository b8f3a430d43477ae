/** One end of the link between a worker and the primary. Many frames leave in one write. */
import type { Duplex } from 'node:stream';
import { limits } from '@carillon/protocol';
import { FrameReader, type Kind } from './frame-reader.ts';

export interface FrameStreamOptions {
  /** Runs a task in a later turn of the event loop; of the real one by default. */
  readonly later?: (task: () => void) => void;
}

/** Neither end ever stops reading because its own writes wait: else both could wait for each other. */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #later: (task: () => void) => void;
  readonly #reader = new FrameReader();
  readonly #receivers = new Map<Kind, (body: Buffer) => void>();
  readonly #endings: (() => void)[] = [];
  readonly #takings: (() => void)[] = [];
  /** What has not been handed to the socket, the oldest first. */
  #queue: Buffer[] = [];
  #waitingBytes = 0;
  #leavings: (() => void)[] = [];
  #isScheduled = false;
  #isWriting = false;
  /** Reasons why no further frame is received at present. */
  #holds = 0;
  #isEnding = false;
  /** Nothing more comes, so what is here is received whatever holds it. */
  #isClosing = false;
  #isOver = false;
  #fault: unknown;

  constructor(socket: Duplex, { later = setImmediate }: FrameStreamOptions = {}) {
    this.#socket = socket;
    this.#later = later;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#read();
    });
    // 'close' follows, and says enough.
    socket.on('error', () => {});
    socket.on('close', () => this.#over());
    // Whoever ends it has nothing more to ask or to say: that is known before what others do because of it.
    socket.on('end', () => {
      this.end();
      this.#over();
    });
  }

  /** Bytes that the other end has not taken. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether the other end is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why this end gave the link up; undefined where it did not. */
  get fault(): unknown {
    return this.#fault;
  }

  /** Frames of this kind go there, in their order among all kinds. One receiver for each kind. */
  receive(kind: Kind, receiver: (body: Buffer) => void): void {
    this.#receivers.set(kind, receiver);
  }

  /** Called once, when the other end is gone. */
  onEnded(ended: () => void): void {
    this.#endings.push(ended);
  }

  /** Called whenever the other end has taken something. */
  onTaken(taken: () => void): void {
    this.#takings.push(taken);
  }

  /** Called once, when something of what waits now is about to leave. */
  onceLeaving(leaving: () => void): void {
    this.#leavings.push(leaving);
  }

  /**
   * Further frames are received in a later turn: until then, what was set off by the last one goes its way. `until`: or as late as
   * that, and nothing is taken from the other end meanwhile. It must not wait for anything that comes over this link.
   */
  hold(until?: Promise<void>): void {
    this.#holds += 1;
    const goOn = (): void => {
      this.#holds -= 1;
      if (this.#holds > 0) return;
      this.#socket.resume();
      this.#read();
    };
    if (until === undefined) this.#later(goOn);
    else {
      this.#socket.pause();
      void until.then(goOn);
    }
  }

  /** Leaves with everything else of this turn. Who lets too much wait for an end that does not read, loses the link. */
  send(bytes: Buffer): void {
    if (this.#isEnding || this.#socket.destroyed) return;
    this.#queue.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > limits.linkBytes) this.giveUp(new Error('the other process does not read'));
    else if (!this.#isScheduled && !this.#isWriting) {
      this.#isScheduled = true;
      this.#later(() => {
        this.#isScheduled = false;
        this.#write();
      });
    }
  }

  /** What waits leaves now, and not only with everything else of this turn. */
  flush(): void {
    if (!this.#isWriting) this.#write();
  }

  /** Ends it when everything has been taken. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isWriting) this.#write();
  }

  /** Ends it at once, since it is of no use any more. */
  giveUp(fault: unknown): void {
    this.#fault ??= fault;
    this.#isEnding = true;
    this.#queue = [];
    this.#socket.destroy();
  }

  /** Hands the socket so much that it is soon known how much of it was taken. */
  #write(): void {
    if (this.#isWriting || this.#socket.destroyed) return;
    const part = this.#nextPart();
    if (part === undefined) {
      if (this.#isEnding && !this.#socket.writableEnded) this.#socket.end();
      return;
    }
    this.#isWriting = true;
    this.#socket.write(part, () => {
      this.#isWriting = false;
      this.#waitingBytes -= part.length;
      this.#write();
      for (const taken of this.#takings) taken();
    });
  }

  #nextPart(): Buffer | undefined {
    for (const leaving of this.#leavings.splice(0)) leaving();
    const queue = this.#queue;
    let [count, bytes] = [0, 0];
    for (const { length } of queue) {
      if (count > 0 && bytes + length > limits.joinedWriteBytes) break;
      bytes += length;
      count += 1;
    }
    const frames = count === queue.length ? queue : queue.splice(0, count);
    if (frames === queue) this.#queue = [];
    return frames.length > 1 ? Buffer.concat(frames, bytes) : frames[0];
  }

  #read(): void {
    try {
      while (this.#holds === 0 || this.#isClosing) {
        const next = this.#reader.next();
        if (next === undefined) break;
        const receiver = this.#receivers.get(next.kind);
        if (receiver === undefined) throw new Error(`a frame of the unknown kind ${next.kind}`);
        receiver(next.body);
      }
    } catch (error) {
      // What follows cannot be understood any more.
      this.giveUp(error);
    }
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isClosing = true;
    if (this.#fault === undefined) this.#read();
    this.#isOver = true;
    for (const ended of this.#endings) ended();
  }
}
