/** Names that nobody can guess and nothing else ever had. */
import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn for many names at once: a call for each would cost more than the rest of a handshake. */
const pool = Buffer.alloc(12 * 256);
let used = pool.length;

/** 96 random bits: 16 characters that are safe in a URL. */
export function randomId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 12;
  return pool.toString('base64url', used - 12, used);
}

/** 48 random bits, enough to tell the lives of one channel's stream apart: 8 characters. */
export function randomEpoch(): string {
  return randomId().slice(0, 8);
}
