/** Frames of the link between a worker and the primary: a length, a kind, and bytes. Many leave in one write. */
import type { Duplex } from 'node:stream';

/** What a frame carries; one byte. The first five are the broker's, the others those of calls. */
export const kinds = {
  ask: 1,
  answer: 2,
  refusal: 3,
  publications: 4,
  gap: 5,
  call: 6,
  result: 7,
  fault: 8,
  tell: 9,
} as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

export interface Frame {
  readonly kind: Kind;
  readonly body: Buffer;
}

/** Length of what follows it, and the kind. */
const headBytes = 5;

export function frame(kind: Kind, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + body.length);
  bytes.writeUInt32LE(body.length, 0);
  bytes.writeUInt8(kind, 4);
  body.copy(bytes, headBytes);
  return bytes;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #needed = headBytes;

  /** Takes in what has arrived. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next frame that is whole by now. Its body shares the memory of what arrived. */
  next(): Frame | undefined {
    if (this.#bytes < this.#needed) return undefined;
    const bytes = this.#joined();
    this.#needed = headBytes + bytes.readUInt32LE(0);
    if (bytes.length < this.#needed) return undefined;
    const found = { kind: bytes.readUInt8(4) as Kind, body: bytes.subarray(headBytes, this.#needed) };
    this.#chunks = [bytes.subarray(this.#needed)];
    this.#bytes -= this.#needed;
    this.#needed = headBytes;
    return found;
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [joined];
    return joined;
  }
}

/** One end of a link. Neither end ever stops reading because its own writes wait: else both could wait for each other. */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  readonly #receivers = new Map<Kind, (body: Buffer) => void>();
  readonly #endings: (() => void)[] = [];
  #isCorked = false;
  #isHeld = false;
  #isOver = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#read();
    });
    // 'close' follows, and says enough.
    socket.on('error', () => {});
    socket.on('close', () => this.#over());
    // Whoever ends it has nothing more to ask or to say: that is known before what others do because of it.
    socket.on('end', () => {
      socket.end();
      this.#over();
    });
  }

  /** Bytes that the other end has not taken. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether the other end is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Frames of this kind go there, in their order among all kinds. One receiver for each kind. */
  receive(kind: Kind, receiver: (body: Buffer) => void): void {
    this.#receivers.set(kind, receiver);
  }

  /** Called once, when the other end is gone. */
  onEnded(ended: () => void): void {
    this.#endings.push(ended);
  }

  /** Called when everything has been taken, after it had to wait. */
  onDrained(drained: () => void): void {
    this.#socket.on('drain', drained);
  }

  /** Further frames are received in a later turn: until then, what was set off by the last one goes its way. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    setImmediate(() => {
      this.#isHeld = false;
      this.#read();
    });
  }

  /** Leaves with everything else of this turn, in one write. */
  send(bytes: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(() => {
        this.#isCorked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(bytes);
  }

  /** Ends it when everything has been taken. */
  end(): void {
    this.#socket.end();
  }

  #read(): void {
    while (!this.#isHeld) {
      const next = this.#reader.next();
      if (next === undefined) break;
      this.#receivers.get(next.kind)?.(next.body);
    }
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isHeld = false;
    this.#read();
    this.#isOver = true;
    for (const ended of this.#endings) ended();
  }
}
