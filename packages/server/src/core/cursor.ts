/**
 * Cursors: where a client stands in any number of channels, as one short text that is safe in a URL. The same on every
 * transport, and opaque to clients. Written `key.epoch.offset`, joined by `~`; the key is a digest of the channel's name.
 */
import { limits, type Position } from '@carillon/protocol';
import { refuse } from './errors.ts';

const entryPattern = /^([0-9a-z]{1,11})\.([\w-]{1,64})\.(\d{1,16})$/;

/** @throws {ReplyError} 107 when the text was not written here. */
export function parseCursor(text: string): ReadonlyMap<string, Position> {
  const positions = new Map<string, Position>();
  const entries = text.split('~', limits.channelsPerCursor + 1);
  if (entries.length > limits.channelsPerCursor) throw unreadable();
  for (const entry of entries) {
    const [, key, epoch, digits] = entryPattern.exec(entry) ?? [];
    const offset = Number(digits);
    if (key === undefined || epoch === undefined || !Number.isSafeInteger(offset)) throw unreadable();
    positions.set(key, { epoch, offset });
  }
  return positions;
}

export function cursorEntry(channel: string, epoch: string, offset: number): string {
  return `${cursorKey(channel)}.${epoch}.${offset}`;
}

let lastChannel = '';
let lastKey = '';

/** A 53-bit digest (cyrb53, public domain, by bryc), which makes cursors short; names need not be secret, only told apart. */
export function cursorKey(channel: string): string {
  if (channel === lastChannel) return lastKey;
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < channel.length; at++) {
    const unit = channel.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  lastChannel = channel;
  lastKey = (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
  return lastKey;
}

/** Where one client stands in its channels. */
export class Positions {
  readonly #entries = new Map<string, string>();

  set(channel: string, epoch: string, offset: number): void {
    this.#entries.set(channel, cursorEntry(channel, epoch, offset));
  }

  /** The cursor for where the client stands now; empty when none of its channels keeps history. */
  toString(): string {
    return [...this.#entries.values()].join('~');
  }
}

function unreadable(): Error {
  return refuse('badRequest', "'cursor' is not one that this server wrote; go on without it");
}
