import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { closePayload, serverFrames } from '../../testing/client-frames.ts';
import { base64Frame, closeFrame, opcodes, pingFrame, pongFrame, readClose, textFrame } from './frame.ts';

/** The peer's own frame writer, which is not part of its typed face. */
const { Sender } = createRequire(import.meta.url)('ws') as {
  readonly Sender: { frame(data: Buffer, options: Readonly<Record<string, unknown>>): readonly Buffer[] };
};

function peerFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat(
    Sender.frame(payload, { fin: true, opcode, mask: false, readOnly: true, rsv1: false }),
  );
}

describe('a frame', () => {
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
  test.each(sizes)('of %i bytes is the one that ws writes', (size) => {
    const text = 'x'.repeat(size);
    expect(textFrame(text).equals(peerFrame(opcodes.text, Buffer.from(text)))).toBe(true);
    const bytes = Buffer.alloc(size, 0xa7);
    expect(base64Frame(bytes.toString('base64')).equals(peerFrame(opcodes.binary, bytes))).toBe(true);
  });

  test.each(['grüße', '你好', '🎐'.repeat(100), 'ÿ'.repeat(126), '\u0000'])(
    'holds the UTF-8 of %j',
    (text) => {
      expect(textFrame(text).equals(peerFrame(opcodes.text, Buffer.from(text)))).toBe(true);
    },
  );

  test('replaces an unpaired surrogate, which UTF-8 cannot hold', () => {
    expect(serverFrames(textFrame('a\ud800b')).frames[0]?.payload.toString()).toBe('a\ufffdb');
  });

  test.each(['QQ', 'QUI', 'Q Q\n=', '****', 'QUJD=', '-_-_'])(
    'holds what base64 that is not canonical, %j, stands for',
    (base64) => {
      expect(serverFrames(base64Frame(base64)).frames[0]?.payload).toEqual(Buffer.from(base64, 'base64'));
    },
  );

  test('of a control kind carries its payload', () => {
    expect(pingFrame()).toEqual(Buffer.from([0x89, 0]));
    expect(pongFrame(Buffer.from('hi'))).toEqual(Buffer.from([0x8a, 2, 0x68, 0x69]));
    expect(closeFrame()).toEqual(Buffer.from([0x88, 0]));
    expect(closeFrame(3001, 'bye')).toEqual(Buffer.from([0x88, 5, 0x0b, 0xb9, 0x62, 0x79, 0x65]));
  });

  test('of a close cuts a long reason between two characters', () => {
    const [frame] = serverFrames(closeFrame(3000, '界'.repeat(60))).frames;
    expect(frame?.payload.length).toBe(2 + 41 * 3);
    expect(frame?.payload.subarray(2).toString()).toBe('界'.repeat(41));
  });
});

describe('a close payload', () => {
  test('may be empty, or a code with a reason', () => {
    expect(readClose(Buffer.alloc(0))).toEqual({ reason: '' });
    expect(readClose(closePayload(1000, 'grüße'))).toEqual({ code: 1000, reason: 'grüße' });
  });

  test('of one byte is a fault', () => {
    expect(readClose(Buffer.from([3]))).toBe('protocol');
  });

  const good = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
  ];
  test.each(good)('may carry the code %i', (code) => {
    expect(readClose(closePayload(code))).toEqual({ code, reason: '' });
  });

  const bad = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
  test.each(bad)('may not carry the code %i', (code) => {
    expect(readClose(closePayload(code))).toBe('protocol');
  });

  test('with a reason that is not UTF-8 is told apart', () => {
    expect(readClose(closePayload(1000, Buffer.from([0xce, 0xba, 0xff])))).toBe('utf8');
  });
});
