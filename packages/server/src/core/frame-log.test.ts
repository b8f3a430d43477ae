import { describe, expect, test } from 'vitest';
import type { Exclusion } from './broker.ts';
import { FrameLog, type FrameReader } from './frame-log.ts';

/** A log of frames named by their offset: `1;`, `2;` and so on; `excluded` ones exclude the session `x`. */
function logOf(count: number, { from = 1, excluded = [] as readonly number[] } = {}): FrameLog {
  const log = new FrameLog(from - 1);
  for (let offset = from; offset < from + count; offset++) {
    log.append(frame(offset), offset, excluded.includes(offset) ? { sessions: ['x'] } : undefined);
  }
  return log;
}

function frame(offset: number): Buffer {
  return Buffer.from(`${offset};`);
}

function reader(session: string, offset = 0, stamp?: string): FrameReader {
  return {
    offset,
    isStamped: stamp !== undefined,
    isExcluded: ({ sessions }: Exclusion) => sessions?.includes(session) ?? false,
    suffix: (at) => (stamp === undefined ? undefined : Buffer.from(`${stamp}${at};`)),
  };
}

function text(log: FrameLog, from: number, to: number, maxBytes = 1_000, who?: FrameReader): string {
  const { bytes, next } = log.join(from, to, maxBytes, who);
  return `${bytes.toString()} then ${next}`;
}

describe('joining', () => {
  test('gives the frames of a range as one', () => {
    const log = logOf(5);
    expect(text(log, 0, 5)).toBe('1;2;3;4;5; then 5');
    expect(text(log, 1, 3)).toBe('2;3; then 3');
    expect(text(log, 5, 5)).toBe(' then 5');
  });

  test('stops before it exceeds its bytes, but never before the first frame', () => {
    const log = logOf(5);
    expect(text(log, 0, 5, 4)).toBe('1;2; then 2');
    expect(text(log, 0, 5, 5)).toBe('1;2; then 2');
    expect(text(log, 2, 5, 1)).toBe('3; then 3');
  });

  test('gives the same bytes to all who ask for the same range', () => {
    const log = logOf(5);
    expect(log.join(0, 5, 99).bytes).toBe(log.join(0, 5, 99).bytes);
    expect(log.join(0, 5, 99, reader('y')).bytes).toBe(log.join(0, 5, 99).bytes);
  });

  test('copies nothing for a single frame', () => {
    const log = new FrameLog(0);
    const only = frame(1);
    log.append(only, 1, undefined);
    expect(log.join(0, 1, 99).bytes).toBe(only);
  });

  test('leaves out what excludes the reader, or what it has', () => {
    const log = logOf(6, { excluded: [2, 5] });
    expect(text(log, 0, 6, 99, reader('x'))).toBe('1;3;4;6; then 6');
    expect(text(log, 0, 6, 99, reader('y'))).toBe('1;2;3;4;5;6; then 6');
    expect(text(log, 0, 6, 99, reader('y', 3))).toBe('4;5;6; then 6');
    expect(text(log, 1, 2, 99, reader('x'))).toBe(' then 2');
  });

  test('is not confused by what another reader was given before', () => {
    const log = logOf(3, { excluded: [2] });
    expect(text(log, 0, 3, 99, reader('x'))).toBe('1;3; then 3');
    expect(text(log, 0, 3)).toBe('1;2;3; then 3');
    expect(text(log, 0, 3, 99, reader('x'))).toBe('1;3; then 3');
  });

  test('puts a stamp behind each frame for readers that want one', () => {
    const log = logOf(3, { excluded: [2] });
    expect(text(log, 0, 3, 99, reader('x', 0, '@'))).toBe('1;@1;3;@3; then 3');
    expect(text(log, 0, 3)).toBe('1;2;3; then 3');
  });
});

describe('forgetting', () => {
  test('keeps numbers, counts bytes, and knows the newest offset that is gone', () => {
    const log = logOf(5, { from: 11 });
    expect([log.base, log.end, log.bytes, log.floor]).toEqual([0, 5, 15, 10]);
    log.trim(2);
    expect([log.base, log.end, log.bytes, log.floor]).toEqual([2, 5, 9, 12]);
    log.trim(1);
    log.trim(-1);
    expect(log.base).toBe(2);
    expect(text(log, 2, 5)).toBe('13;14;15; then 5');
    log.trim(99);
    expect([log.base, log.end, log.bytes, log.floor]).toEqual([5, 5, 0, 15]);
    log.append(frame(16), 16, undefined);
    expect(text(log, 5, 6)).toBe('16; then 6');
  });

  test('gives no bytes that were joined before it', () => {
    const log = logOf(3);
    log.join(0, 3, 99);
    log.trim(1);
    expect(text(log, 1, 3)).toBe('2;3; then 3');
  });

  test.each([
    ['frames', 100, 1_000_000],
    ['bytes', 1_000_000, 2 * 100],
  ])('past its bound of %s it makes a quarter of it free', (_, frames, bytes) => {
    const log = new FrameLog(0);
    let most = 0;
    for (let offset = 1; offset <= 1_000; offset++) {
      log.append(Buffer.from('ab'), offset, undefined);
      log.bound(log.end, frames, bytes);
      most = Math.max(most, log.end - log.base);
      expect(log.end - log.base).toBeGreaterThanOrEqual(Math.min(offset, 75));
    }
    expect(most).toBe(100);
  });

  test('never forgets what is not handed out yet', () => {
    const log = logOf(10);
    log.bound(4, 2, 1);
    expect(log.base).toBe(4);
  });

  test('a cut forgets offsets, too', () => {
    const log = logOf(5, { from: 11 });
    log.cut();
    expect([log.base, log.end, log.bytes, log.floor]).toEqual([5, 5, 0, 0]);
    log.append(frame(3), 3, undefined);
    expect(log.nextFor(reader('y', 2), 0)).toBe(5);
    expect(log.offsetBefore(6)).toBe(3);
  });
});

describe('finding', () => {
  test('the frame after an offset', () => {
    const log = logOf(5, { from: 11 });
    expect([0, 10, 11, 13, 15, 99].map((offset) => log.nextFor(reader('y', offset), 0))).toEqual([
      0, 0, 1, 3, 5, 5,
    ]);
    log.trim(2);
    expect([10, 12, 13].map((offset) => log.nextFor(reader('y', offset), 0))).toEqual([2, 2, 3]);
  });

  test('the offset before a frame', () => {
    const log = logOf(5, { from: 11 });
    expect([0, 1, 5].map((number) => log.offsetBefore(number))).toEqual([10, 11, 15]);
    log.trim(5);
    expect(log.offsetBefore(5)).toBe(15);
  });

  test('frames without an offset between numbered ones hide none of those', () => {
    const log = logOf(3, { from: 11 });
    log.append(Buffer.from('a;'), 0, undefined);
    log.append(frame(14), 14, undefined);
    log.append(Buffer.from('b;'), 0, undefined);
    log.append(Buffer.from('c;'), 0, { sessions: ['x'] });
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((number) => log.offsetBefore(number))).toEqual([
      10, 11, 12, 13, 13, 14, 14, 14,
    ]);
    // Who has read up to 11 needs 12; who has 14 needs what has no offset, from where it stood.
    expect([10, 11, 12, 13, 14].map((offset) => log.nextFor(reader('y', offset), 0))).toEqual([
      0, 1, 2, 3, 3,
    ]);
    expect([3, 4, 5, 6, 7].map((from) => log.nextFor(reader('y', 14), from))).toEqual([3, 5, 5, 6, 7]);
    expect(text(log, 3, 7, 99, reader('y', 14))).toBe('a;b;c; then 7');
    expect(text(log, 0, 7, 99, reader('x', 12))).toBe('13;a;14;b; then 7');
    expect([4, 5].map((from) => log.nextFor(reader('x', 14), from))).toEqual([5, 5]);
    expect(log.nextFor(reader('x', 14), 6)).toBe(7);
    log.trim(4);
    expect([log.floor, log.offsetBefore(4), log.offsetBefore(5), log.nextFor(reader('y', 13), 0)]).toEqual([
      13, 13, 14, 4,
    ]);
    log.trim(7);
    expect([
      log.floor,
      log.offsetBefore(7),
      log.nextFor(reader('y', 14), 0),
      log.nextFor(reader('y', 13), 0),
    ]).toEqual([14, 14, 7, 7]);
  });

  test('whether a reader has missed a frame without an offset', () => {
    const log = logOf(3);
    log.append(Buffer.from('a;'), 0, undefined);
    log.append(frame(4), 4, undefined);
    expect(log.lostBefore).toBe(0);
    log.trim(3);
    expect(log.lostBefore).toBe(0);
    log.trim(5);
    expect(log.lostBefore).toBe(4);
    log.append(Buffer.from('b;'), 0, undefined);
    log.cut();
    expect([log.lostBefore, log.base]).toEqual([6, 6]);
  });

  test('the exclusions from a frame on', () => {
    const log = logOf(5, { excluded: [1, 4] });
    expect([...log.exclusions(0)]).toHaveLength(2);
    expect([...log.exclusions(1)]).toHaveLength(1);
    expect([...log.exclusions(4)]).toHaveLength(0);
  });
});
