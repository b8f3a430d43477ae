/** UTF-8 that arrives in pieces, checked as far as it has come. */
import { isUtf8 } from 'node:buffer';

/**
 * Checks `bytes` from `start` to `end`, of which more may follow, and returns where the next check must begin: behind
 * the last whole character. -1: this is not UTF-8, whatever follows. `start` must stand at the start of a character.
 */
export function checkUtf8(bytes: Buffer, start: number, end: number): number {
  const whole = wholeUpTo(bytes, start, end);
  if (whole > start && !isUtf8(bytes.subarray(start, whole))) return -1;
  if (whole < end && !mayBegin(bytes, whole, end)) return -1;
  return whole;
}

/** Where the last character begins if it is not all there, else `end`. */
function wholeUpTo(bytes: Buffer, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at] ?? 0;
    if (isContinuation(byte)) continue;
    return sequenceLength(byte) > end - at ? at : end;
  }
  return end;
}

/** Whether the one to three bytes from `start` can be the beginning of a character (RFC 3629, the table of section 4). */
function mayBegin(bytes: Buffer, start: number, end: number): boolean {
  const lead = bytes[start] ?? 0;
  if (lead < 0xc2 || lead > 0xf4) return false;
  if (end - start < 2) return true;
  const second = bytes[start + 1] ?? 0;
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
