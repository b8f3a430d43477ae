/** The two tables of numbers: what other people's clients are written against. */
import { describe, expect, it } from 'vitest';
import { disconnects, errorCodes, shouldReconnect } from './codes.ts';

describe('errorCodes', () => {
  it('gives each refusal a number of its own, in the range that is ours', () => {
    const codes = Object.values(errorCodes).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code >= 1 && code <= 399, `code ${code}`).toBe(true);
  });

  it('answers code 1 with exactly the text that old clients compare', () => {
    expect(errorCodes.notAuthenticated).toMatchObject({ code: 1, message: 'Not Auth' });
  });

  it('keeps the numbers that are published', () => {
    const byName = Object.fromEntries(Object.entries(errorCodes).map(([name, { code }]) => [name, code]));
    expect(byName).toEqual({
      notAuthenticated: 1,
      internal: 100,
      unauthorized: 101,
      unknownChannel: 102,
      permissionDenied: 103,
      unknownMethod: 104,
      alreadySubscribed: 105,
      limitExceeded: 106,
      badRequest: 107,
      notAvailable: 108,
      tokenExpired: 109,
      tooManyRequests: 111,
      unrecoverablePosition: 112,
      conflict: 113,
      gone: 114,
    });
  });
});

describe('disconnects', () => {
  it('gives each end a number of its own and a reason that fits into a close frame', () => {
    const ends = Object.values(disconnects);
    expect(new Set(ends.map(({ code }) => code)).size).toBe(ends.length);
    for (const { reason } of ends) expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  });

  it('brings a client back from what passes, and not from what would repeat itself', () => {
    const returning = Object.values(disconnects).filter(({ code }) => shouldReconnect(code));
    expect(returning.map(({ code }) => code)).toEqual([1000, 3000, 3001, 3005, 3008, 3010, 3012]);
  });
});

describe('shouldReconnect', () => {
  it('follows the ranges at their edges', () => {
    for (const code of [3000, 3499, 4000, 4499, 1001, 1006, 1011, 1012])
      expect(shouldReconnect(code), `${code}`).toBe(true);
    for (const code of [3500, 3999, 4500, 4999]) expect(shouldReconnect(code), `${code}`).toBe(false);
  });
});
