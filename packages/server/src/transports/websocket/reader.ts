/** A strict, incremental RFC 6455 parser for what a client sends. It keeps no buffer between messages. */

import { isUtf8 } from 'node:buffer';
import { type Disconnect, disconnects } from '@carillon/protocol';
import { controlPayloadBytes, opcodes, readClose } from './frame.ts';
import { checkUtf8 } from './utf8-check.ts';

/** Where the reader hands what it found. */
export interface FrameSink {
  /** True: hand on nothing more for now. Looked at whenever something was handed on. */
  readonly halted: boolean;
  text(text: string): void;
  bytes(bytes: Buffer): void;
  /** `payload` is a view of the chunk: copy what outlives the call. */
  pinged(payload: Buffer): void;
  /** The peer's close frame. `code` is absent where it had none. */
  closing(code: number | undefined, reason: string): void;
  /** The peer broke the protocol. The sink must be halted from here on: nothing after it can be understood. */
  fault(disconnect: Disconnect): void;
}

/** The parts of a frame, in the order of their arrival. */
const stages = { first: 0, second: 1, length16: 2, length64: 3, mask: 4, payload: 5 } as const;
type Stage = (typeof stages)[keyof typeof stages];

/** A buffer that gathers a message starts at this size at least; it doubles, so that 1-byte chunks cost no more than large ones. */
const gatherBytes = 512;

const longForm = 'a length must take its shortest form';

/** Feed it chunks of any size with {@link FrameReader.read}. After a fault it must not be fed again. */
export class FrameReader {
  readonly #maxBytes: number;

  /** The frame that is being read. */
  #stage: Stage = stages.first;
  #first = 0;
  #length = 0;
  #mask = 0;
  /** Bytes that the stage still needs. */
  #left = 0;

  /** The message that its fragments make up: its opcode, 0 when none is under way; its bytes so far. */
  #opcode = 0;
  #gathered: Buffer | undefined;
  #size = 0;
  /** The text is known to be UTF-8 up to here. */
  #checked = 0;
  /** A control frame's payload that came in pieces. */
  #control: Buffer | undefined;

  /** `maxBytes` bounds a whole message, its fragments together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads on, until the chunk ends or the sink is halted, and returns how many bytes it has taken: the rest must be
   * fed again. Unmasks in place, so the chunk must not be used by anyone else.
   */
  read(chunk: Buffer, sink: FrameSink): number {
    let at = 0;
    while (at < chunk.length && !sink.halted) {
      at =
        this.#stage === stages.payload
          ? this.#readPayload(chunk, at, sink)
          : this.#readHeader(chunk, at, sink);
    }
    return at;
  }

  /** Up to the end of the header, of the chunk, or to a fault. A frame without payload is finished here. */
  #readHeader(chunk: Buffer, start: number, sink: FrameSink): number {
    for (let at = start; at < chunk.length; ) {
      const fault = this.#headerByte(chunk[at++] ?? 0);
      if (fault !== undefined) {
        sink.fault(fault);
        return at;
      }
      if (this.#stage !== stages.payload) continue;
      if (this.#left === 0) this.#frameDone(chunk, at, at, sink);
      return at;
    }
    return chunk.length;
  }

  #headerByte(byte: number): Disconnect | undefined {
    switch (this.#stage) {
      case stages.first:
        this.#first = byte;
        this.#stage = stages.second;
        return firstByteFault(byte, this.#opcode !== 0);
      case stages.second:
        return this.#secondByte(byte);
      case stages.length16:
      case stages.length64:
        if (this.#left === 8 && byte >= 0x80) return violation('a length has 63 bits at most');
        // Beyond 2^53 this is not exact, but then it is far above every limit too.
        this.#length = this.#length * 256 + byte;
        this.#left -= 1;
        return this.#left === 0 ? this.#lengthKnown() : undefined;
      default:
        this.#mask = (this.#mask << 8) | byte;
        this.#left -= 1;
        if (this.#left === 0) this.#enter(stages.payload, this.#length);
        return undefined;
    }
  }

  #secondByte(byte: number): Disconnect | undefined {
    if (byte < 0x80) return violation('a client must mask its frames');
    this.#length = byte & 0x7f;
    if (isControl(this.#first)) {
      if (this.#length > controlPayloadBytes) return violation('a control frame holds at most 125 bytes');
    } else if (this.#length > 125) {
      if (this.#length === 126) this.#enter(stages.length16, 2);
      else this.#enter(stages.length64, 8);
      this.#length = 0;
      return undefined;
    }
    return this.#lengthKnown();
  }

  /** The message is judged by its announced size, before any of it is kept. */
  #lengthKnown(): Disconnect | undefined {
    if (this.#stage === stages.length16 && this.#length < 126) return violation(longForm);
    if (this.#stage === stages.length64 && this.#length < 65_536) return violation(longForm);
    if (!isControl(this.#first) && this.#size + this.#length > this.#maxBytes) {
      return {
        ...disconnects.tooBig,
        reason: `${disconnects.tooBig.reason}: the limit is ${this.#maxBytes} bytes`,
      };
    }
    this.#enter(stages.mask, 4);
    return undefined;
  }

  #enter(stage: Stage, left: number): void {
    this.#stage = stage;
    this.#left = left;
  }

  #readPayload(chunk: Buffer, start: number, sink: FrameSink): number {
    const end = Math.min(chunk.length, start + this.#left);
    unmask(chunk, start, end, this.#mask, this.#length - this.#left);
    this.#left -= end - start;
    if (this.#left === 0) this.#frameDone(chunk, start, end, sink);
    else if (isControl(this.#first)) this.#gatherControl(chunk, start, end);
    else if (!this.#gather(chunk, start, end)) sink.fault(disconnects.invalidText);
    return end;
  }

  /** `chunk` from `start` to `end` is the last piece of the frame. */
  #frameDone(chunk: Buffer, start: number, end: number, sink: FrameSink): void {
    this.#stage = stages.first;
    if (isControl(this.#first)) {
      this.#controlDone(chunk, start, end, sink);
      return;
    }
    const opcode = this.#opcode === 0 ? this.#first & 0x0f : this.#opcode;
    const final = this.#first >= 0x80;
    if (final && this.#opcode === 0 && this.#gathered === undefined) {
      deliver(opcode, chunk, start, end, sink);
      return;
    }
    if (!this.#gather(chunk, start, end)) {
      sink.fault(disconnects.invalidText);
      return;
    }
    this.#opcode = opcode;
    if (final) this.#messageDone(opcode, sink);
  }

  #messageDone(opcode: number, sink: FrameSink): void {
    const bytes = this.#gathered ?? Buffer.alloc(0);
    const size = this.#size;
    const whole = opcode !== opcodes.text || this.#checked === size;
    this.#gathered = undefined;
    this.#opcode = this.#size = this.#checked = 0;
    if (whole) deliver(opcode, bytes, 0, size, sink);
    else sink.fault(disconnects.invalidText);
  }

  /** Adds a piece to the message. False: it is text, and what came so far cannot be UTF-8. */
  #gather(chunk: Buffer, start: number, end: number): boolean {
    if (start === end) return true;
    const size = this.#size + end - start;
    if (this.#gathered === undefined || this.#gathered.length < size) {
      const room = Math.min(Math.max(gatherBytes, this.#size * 2), this.#maxBytes);
      const larger = Buffer.allocUnsafeSlow(Math.max(room, size));
      this.#gathered?.copy(larger, 0, 0, this.#size);
      this.#gathered = larger;
    }
    chunk.copy(this.#gathered, this.#size, start, end);
    this.#size = size;
    const opcode = this.#opcode === 0 ? this.#first & 0x0f : this.#opcode;
    if (opcode !== opcodes.text) return true;
    this.#checked = checkUtf8(this.#gathered, this.#checked, size);
    return this.#checked >= 0;
  }

  #gatherControl(chunk: Buffer, start: number, end: number): void {
    this.#control ??= Buffer.allocUnsafe(this.#length);
    // What is left was already lessened by this piece.
    chunk.copy(this.#control, this.#length - this.#left - (end - start), start, end);
  }

  #controlDone(chunk: Buffer, start: number, end: number, sink: FrameSink): void {
    let payload = chunk.subarray(start, end);
    if (this.#control !== undefined) {
      payload.copy(this.#control, this.#length - (end - start));
      payload = this.#control;
      this.#control = undefined;
    }
    const opcode = this.#first & 0x0f;
    if (opcode === opcodes.ping) sink.pinged(payload);
    else if (opcode === opcodes.close) deliverClose(payload, sink);
  }
}

function deliver(opcode: number, bytes: Buffer, start: number, end: number, sink: FrameSink): void {
  if (opcode === opcodes.binary) {
    sink.bytes(bytes.subarray(start, end));
    return;
  }
  const text = bytes.toString('utf8', start, end);
  // Bytes that are not UTF-8 decode to U+FFFD; only where one is found it must be told from a U+FFFD that was sent.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) sink.fault(disconnects.invalidText);
  else sink.text(text);
}

function deliverClose(payload: Buffer, sink: FrameSink): void {
  const close = readClose(payload);
  if (close === 'protocol') sink.fault(violation('this close code may not be sent'));
  else if (close === 'utf8') sink.fault({ ...disconnects.invalidText, reason: 'close reason is not UTF-8' });
  else sink.closing(close.code, close.reason);
}

function firstByteFault(byte: number, inMessage: boolean): Disconnect | undefined {
  if ((byte & 0x70) !== 0) return violation('reserved bits must be 0');
  const opcode = byte & 0x0f;
  if (opcode > opcodes.pong || (opcode > opcodes.binary && opcode < opcodes.close)) {
    return violation(`opcode ${opcode} is reserved`);
  }
  if (isControl(byte)) return byte < 0x80 ? violation('a control frame must not be fragmented') : undefined;
  if (opcode === opcodes.continuation)
    return inMessage ? undefined : violation('there is no message to continue');
  return inMessage ? violation('the message before is not finished') : undefined;
}

function isControl(first: number): boolean {
  return (first & 0x08) !== 0;
}

function violation(detail: string): Disconnect {
  return { code: disconnects.protocolError.code, reason: `${disconnects.protocolError.reason}: ${detail}` };
}

/** `phase` is how many bytes of the payload came before `start`. */
function unmask(bytes: Buffer, start: number, end: number, mask: number, phase: number): void {
  if (mask === 0) return;
  const turn = (phase & 3) * 8;
  const key = turn === 0 ? mask : (mask << turn) | (mask >>> (32 - turn));
  const a = key >>> 24;
  const b = (key >>> 16) & 0xff;
  const c = (key >>> 8) & 0xff;
  const d = key & 0xff;
  let at = start;
  for (const quads = end - 3; at < quads; at += 4) {
    bytes[at] = (bytes[at] ?? 0) ^ a;
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ b;
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ c;
    bytes[at + 3] = (bytes[at + 3] ?? 0) ^ d;
  }
  if (at < end) bytes[at] = (bytes[at] ?? 0) ^ a;
  if (at + 1 < end) bytes[at + 1] = (bytes[at + 1] ?? 0) ^ b;
  if (at + 2 < end) bytes[at + 2] = (bytes[at + 2] ?? 0) ^ c;
}
