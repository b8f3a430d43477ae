/** RFC 6455 frames as a server writes them: header and payload in one buffer of exact size, never masked, never fragmented. */
import { isUtf8 } from 'node:buffer';

/** What a frame carries: the low four bits of its first byte. */
export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The payload of a control frame holds no more bytes (RFC 6455, 5.5). */
export const controlPayloadBytes = 125;

const final = 0x80;
const length16 = 126;
const length64 = 127;
const none = Buffer.alloc(0);

/** A text frame. An unpaired surrogate leaves as U+FFFD, so the frame is always valid UTF-8. */
export function textFrame(text: string): Buffer {
  const size = Buffer.byteLength(text);
  const frame = openFrame(opcodes.text, size);
  // Where every character is one byte the text is ASCII, and latin1 copies it without encoding.
  frame.write(text, frame.length - size, size === text.length ? 'latin1' : 'utf8');
  return frame;
}

/** A binary frame of the bytes that `base64` stands for. */
export function base64Frame(base64: string): Buffer {
  const size = Buffer.byteLength(base64, 'base64');
  const frame = openFrame(opcodes.binary, size);
  const written = frame.write(base64, frame.length - size, 'base64');
  // The size above is an estimate that holds for canonical base64 only; a frame must not end in stale memory.
  return written === size ? frame : bytesFrame(opcodes.binary, Buffer.from(base64, 'base64'));
}

/** A ping, by default empty. `payload`: at most 125 bytes. */
export function pingFrame(payload: Buffer = none): Buffer {
  return bytesFrame(opcodes.ping, payload);
}

/** The answer to a ping: the same payload. */
export function pongFrame(payload: Buffer): Buffer {
  return bytesFrame(opcodes.pong, payload);
}

/** A close frame; without a code it is empty. A reason longer than 123 bytes is cut between characters. */
export function closeFrame(code?: number, reason = ''): Buffer {
  if (code === undefined) return bytesFrame(opcodes.close, none);
  const text = cutUtf8(Buffer.from(reason), controlPayloadBytes - 2);
  const frame = openFrame(opcodes.close, 2 + text.length);
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

/** What a peer's close frame says; `code` is absent where its payload is empty. */
export interface ClosePayload {
  readonly code?: number;
  readonly reason: string;
}

/** Reads the payload of a close frame; of one that breaks the rules, says which kind of rule. */
export function readClose(payload: Buffer): ClosePayload | 'protocol' | 'utf8' {
  if (payload.length === 0) return { reason: '' };
  if (payload.length === 1) return 'protocol';
  const code = payload.readUInt16BE(0);
  if (!mayBeSent(code)) return 'protocol';
  const reason = payload.subarray(2);
  return isUtf8(reason) ? { code, reason: reason.toString() } : 'utf8';
}

/** The codes that may stand in a close frame: those registered, and the ranges for libraries and applications. */
function mayBeSent(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  if (code < 1000 || code > 1014) return false;
  return code !== 1004 && code !== 1005 && code !== 1006;
}

function bytesFrame(opcode: number, payload: Buffer): Buffer {
  const frame = openFrame(opcode, payload.length);
  payload.copy(frame, frame.length - payload.length);
  return frame;
}

/** A frame whose header is written and whose last `size` bytes are still to be filled. */
function openFrame(opcode: number, size: number): Buffer {
  if (size < length16) {
    const frame = Buffer.allocUnsafe(2 + size);
    frame[0] = final | opcode;
    frame[1] = size;
    return frame;
  }
  if (size <= 0xffff) {
    const frame = Buffer.allocUnsafe(4 + size);
    frame[0] = final | opcode;
    frame[1] = length16;
    frame.writeUInt16BE(size, 2);
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + size);
  frame[0] = final | opcode;
  frame[1] = length64;
  frame.writeUInt32BE(Math.floor(size / 0x1_0000_0000), 2);
  frame.writeUInt32BE(size >>> 0, 6);
  return frame;
}

function cutUtf8(text: Buffer, maxBytes: number): Buffer {
  if (text.length <= maxBytes) return text;
  let end = maxBytes;
  while (((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return text.subarray(0, end);
}
