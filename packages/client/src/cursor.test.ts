import type { SubscribeResult } from '@carillon/protocol';
import { describe, expect, test } from 'vitest';
import { Cursor } from './cursor.ts';
import * as reasons from './reasons.ts';

const reply = (offset: number, more: Partial<SubscribeResult> = {}): SubscribeResult => ({
  channel: 'a',
  epoch: 'e',
  offset,
  recovered: false,
  recoverable: true,
  ...more,
});
const notKept: SubscribeResult = { channel: 'a', recovered: false, recoverable: false };

/** A cursor that began at `offset`. */
function begun(offset: number): Cursor {
  const cursor = new Cursor();
  cursor.subscribed(reply(offset));
  return cursor;
}

describe('a fresh subscription', () => {
  test('begins after the newest publication and tells no gap', () => {
    const cursor = new Cursor();
    expect(cursor.query()).toBeUndefined();
    expect(cursor.subscribed(reply(7))).toEqual({});
    expect(cursor.query()).toEqual({ since: { epoch: 'e', offset: 7 } });
  });

  test('with last takes the replay as news, and asks for the rest of it after a cut', () => {
    const cursor = new Cursor();
    cursor.reset(undefined, 3);
    expect(cursor.query()).toEqual({ last: 3 });
    cursor.subscribed(reply(7));
    expect([5, 6].map((offset) => cursor.advance(offset))).toEqual([true, true]);
    expect(cursor.replayed(6)).toBe(true);
    expect(cursor.query()).toEqual({ since: { epoch: 'e', offset: 6 } });
  });

  test('with last above the top begins at the beginning', () => {
    const cursor = new Cursor();
    cursor.reset(undefined, 10);
    cursor.subscribed(reply(2));
    expect(cursor.position).toEqual({ epoch: 'e', offset: 0 });
  });
});

describe('publications', () => {
  test('a repeat is no news, and a hole is none to worry about', () => {
    const cursor = begun(3);
    const offsets = [3, 4, 4, 2, 7, 7, 8];
    expect(offsets.filter((offset) => cursor.advance(offset))).toEqual([4, 7, 8]);
  });

  test('without offsets all are news', () => {
    const cursor = new Cursor();
    cursor.subscribed(notKept);
    expect(cursor.advance(undefined)).toBe(true);
    expect(cursor.advance(undefined)).toBe(true);
    expect(cursor.position).toBeUndefined();
  });
});

describe('coming back', () => {
  test('recovered: everything after the last position follows', () => {
    const cursor = begun(3);
    cursor.advance(4);
    const outcome = cursor.subscribed(reply(9, { recovered: true }));
    expect(outcome).toEqual({ recovered: { since: { epoch: 'e', offset: 4 }, offset: 9 } });
    expect(cursor.advance(5)).toBe(true);
    expect([cursor.replayed(9), cursor.replayed(10)]).toEqual([true, false]);
  });

  test('too late: a gap is told, and what the history still has is taken', () => {
    const cursor = begun(3);
    const { gap } = cursor.subscribed(reply(90));
    expect(gap).toEqual({ reason: reasons.notRecovered, epoch: 'e', from: 4 });
    expect([80, 81].map((offset) => cursor.advance(offset))).toEqual([true, true]);
  });

  test('another epoch: a gap is told, and the new stream is taken from its beginning', () => {
    const cursor = begun(30);
    const { gap } = cursor.subscribed(reply(2, { epoch: 'f' }));
    expect(gap).toEqual({ reason: reasons.notRecovered, epoch: 'f', from: 1 });
    expect([1, 2, 2, 3].map((offset) => cursor.advance(offset))).toEqual([true, true, false, true]);
    expect(cursor.position).toEqual({ epoch: 'f', offset: 3 });
  });

  test('a position above the top of its epoch is no position', () => {
    const cursor = new Cursor();
    cursor.reset({ epoch: 'e', offset: 50 });
    expect(cursor.subscribed(reply(2)).gap).toMatchObject({ reason: reasons.notRecovered });
    expect(cursor.advance(3)).toBe(true);
  });

  test('a gap is told once where nothing was published since', () => {
    const cursor = begun(3);
    expect(cursor.subscribed(reply(90)).gap).toBeDefined();
    expect(cursor.subscribed(reply(90)).gap).toBeUndefined();
    expect(cursor.subscribed(reply(91)).gap).toBeDefined();
  });

  test('where no history is kept, an interruption is a gap', () => {
    const cursor = new Cursor();
    expect(cursor.subscribed(notKept)).toEqual({});
    expect(cursor.subscribed(notKept)).toEqual({ gap: { reason: reasons.notKept } });
  });

  test('a history that begins or ends between two connections is a gap', () => {
    const cursor = begun(3);
    expect(cursor.subscribed(notKept).gap).toEqual({ reason: reasons.notKept });
    expect(cursor.subscribed(reply(5)).gap).toEqual({ reason: reasons.notRecovered, epoch: 'e' });
    expect(cursor.position).toEqual({ epoch: 'e', offset: 5 });
  });
});

describe('a gap event', () => {
  test('moves the place to its end', () => {
    const cursor = begun(3);
    cursor.skip({ epoch: 'e', from: 4, to: 60 });
    expect([60, 61].map((offset) => cursor.advance(offset))).toEqual([false, true]);
  });

  test('of a new epoch begins there', () => {
    const cursor = begun(300);
    cursor.skip({ epoch: 'f', from: 1, to: 5 });
    expect(cursor.position).toEqual({ epoch: 'f', offset: 5 });
    expect(cursor.advance(6)).toBe(true);
    expect(cursor.replayed(6)).toBe(false);
  });

  test('that knows nothing moves nothing', () => {
    const cursor = begun(3);
    cursor.skip({});
    expect(cursor.position).toEqual({ epoch: 'e', offset: 3 });
  });
});
