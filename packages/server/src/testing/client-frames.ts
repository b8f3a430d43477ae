/** Frames as a client writes them, rule-breaking ones too, and a reader for what a server answers. */

/** What {@link clientFrame} may do otherwise than a good client does. */
export interface FrameOptions {
  readonly final?: boolean;
  /** The three reserved bits, 0-7. */
  readonly reserved?: number;
  readonly masked?: boolean;
  readonly mask?: number;
  /** The size of the length field: 7, 16 or 64 bits. */
  readonly lengthBits?: 7 | 16 | 64;
  /** What the length field says, where that is not the truth. */
  readonly announced?: number;
}

/** One masked frame. */
export function clientFrame(
  opcode: number,
  payload: Buffer | string = '',
  options: FrameOptions = {},
): Buffer {
  const { final = true, reserved = 0, masked = true, mask = 0x37fa213d } = options;
  const bytes = Buffer.from(payload);
  const length = options.announced ?? bytes.length;
  const bits = options.lengthBits ?? (length < 126 ? 7 : length < 65_536 ? 16 : 64);
  const field = Buffer.alloc(1 + (bits === 7 ? 0 : bits / 8));
  field[0] = (masked ? 0x80 : 0) | (bits === 7 ? length : bits === 16 ? 126 : 127);
  if (bits === 16) field.writeUInt16BE(length, 1);
  if (bits === 64) field.writeBigUInt64BE(BigInt(length), 1);
  const first = Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode]);
  if (!masked) return Buffer.concat([first, field, bytes]);
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask >>> 0);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ (key[at % 4] ?? 0);
  return Buffer.concat([first, field, key, bytes]);
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: Buffer | string = ''): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(reason)]);
}

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole frames at the start of `bytes`, and what is left behind them. Throws when one is not as servers must write it. */
export function serverFrames(bytes: Buffer): {
  readonly frames: readonly ServerFrame[];
  readonly rest: Buffer;
} {
  const frames: ServerFrame[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const first = bytes[at] ?? 0;
    const short = bytes[at + 1] ?? 0;
    if ((first & 0xf0) !== 0x80) throw new Error('a fragment, or reserved bits, from the server');
    if (short > 127) throw new Error('a masked frame from the server');
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length - at < header) break;
    let length = short;
    if (short === 126) length = bytes.readUInt16BE(at + 2);
    if (short === 127) length = Number(bytes.readBigUInt64BE(at + 2));
    if (bytes.length - at < header + length) break;
    frames.push({ opcode: first & 0x0f, payload: bytes.subarray(at + header, at + header + length) });
    at += header + length;
  }
  return { frames, rest: bytes.subarray(at) };
}
