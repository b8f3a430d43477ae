import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { checkUtf8 } from './utf8-check.ts';

/** The byte at which a check that is fed one byte at a time gives up; undefined when the whole is UTF-8. */
function firstFault(bytes: Buffer): number | undefined {
  let checked = 0;
  for (let end = 1; end <= bytes.length; end++) {
    checked = checkUtf8(bytes, checked, end);
    if (checked < 0) return end - 1;
  }
  return checked === bytes.length ? undefined : bytes.length;
}

/** The same by definition: no bytes that may follow can make the beginning UTF-8. */
function firstHopeless(bytes: Buffer): number | undefined {
  const tails = ['', '80', '8080', '808080', 'bf', 'bfbf', 'bfbfbf', '90', '9080', '908080', 'a0', 'a080'];
  for (let end = 1; end <= bytes.length; end++) {
    const begin = bytes.subarray(0, end);
    if (!tails.some((tail) => isUtf8(Buffer.concat([begin, Buffer.from(tail, 'hex')])))) return end - 1;
  }
  return isUtf8(bytes) ? undefined : bytes.length;
}

describe('UTF-8 in pieces', () => {
  test('is judged at the first byte that no continuation can save, for every beginning of two bytes', () => {
    for (let lead = 0; lead < 256; lead++) {
      for (let second = 0; second < 256; second++) {
        const bytes = Buffer.from([0x61, lead, second, 0x80, 0x80]);
        if (firstFault(bytes) !== firstHopeless(bytes)) expect.fail(bytes.toString('hex'));
      }
    }
  });

  test.each(['', 'plain', 'κόσμε', '\u0000', '\u07ff\u0800\uffff', '\ud7ff\ue000', '\u{10000}\u{10ffff}'])(
    'passes %j however it is cut',
    (text) => {
      const bytes = Buffer.from(text);
      for (let cut = 0; cut <= bytes.length; cut++) {
        expect(checkUtf8(bytes, checkUtf8(bytes, 0, cut), bytes.length)).toBe(bytes.length);
      }
    },
  );
});
