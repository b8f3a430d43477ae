/** One channel's publications in memory: numbered from 1, bounded by size and age, with the answers to repeated publishes. */
import { limits, type Position } from '@carillon/protocol';
import type { HistoryPage, HistoryQuery, Publication, Retention } from '../../core/broker.ts';

interface Kept {
  readonly publication: Publication & { readonly at: number };
  readonly bytes: number;
}

/** What a stream and a publication cost besides their data, roughly: objects, array places, numbers. */
const streamBytes = 400;
const publicationBytes = 120;

export class Stream {
  readonly epoch: string;
  /** Whether this node is subscribed: then its position is never forgotten. */
  isSubscribed = false;
  /** When it was last published to or left, or its history ended. */
  touchedAt: number;
  #top = 0;
  #kept: Kept[] = [];
  #head = 0;
  #ttlMs = 0;
  #positionTtlMs: number = limits.positionTtlMs;
  #bytes: number;
  #answers: Map<string, Answer> | undefined;

  constructor(channel: string, epoch: string, now: number) {
    this.epoch = epoch;
    this.touchedAt = now;
    this.#bytes = streamBytes + channel.length * 2;
  }

  get top(): number {
    return this.#top;
  }

  get size(): number {
    return this.#kept.length - this.#head;
  }

  /** What the stream costs, bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest offset that is kept; top + 1 when nothing is. */
  get oldest(): number {
    return this.#top - this.size + 1;
  }

  append(
    item: Omit<Publication, 'offset'>,
    { size, ttlMs, positionTtlMs }: Retention,
    now: number,
  ): Publication {
    this.#top += 1;
    this.#ttlMs = ttlMs;
    if (positionTtlMs !== undefined) this.#positionTtlMs = positionTtlMs;
    const publication = { ...item, offset: this.#top, at: now };
    const bytes = publicationBytes + item.data.length * (isLatin1(item.data) ? 1 : 2);
    this.#kept.push({ publication, bytes });
    this.#bytes += bytes;
    this.#drop(this.size - size);
    this.expire(now);
    return publication;
  }

  /** Forgets what is older than the channel keeps it. */
  expire(now: number): void {
    let count = 0;
    while (isOlder(this.#kept[this.#head + count], now - this.#ttlMs)) count += 1;
    const last = count > 0 ? this.#kept[this.#head + count - 1] : undefined;
    // The position outlives the history, so its time begins when that ends.
    if (last !== undefined) this.touchedAt = Math.max(this.touchedAt, last.publication.at + this.#ttlMs);
    this.#drop(count);
    this.#expireAnswers(now);
  }

  /** Forgets the oldest publications until `bytes` are free, but keeps the newest. */
  free(bytes: number): void {
    let count = 0;
    for (let freed = 0; freed < bytes && count < this.size - 1; count++) {
      freed += this.#kept[this.#head + count]?.bytes ?? 0;
    }
    this.#drop(count);
  }

  /** Forgets all publications; offsets go on. */
  clear(): void {
    this.#drop(this.size);
  }

  page({
    sinceOffset,
    limit,
    maxBytes = Number.POSITIVE_INFINITY,
    reverse = false,
  }: HistoryQuery): HistoryPage {
    const publications: Publication[] = [];
    const step = reverse ? -1 : 1;
    let index = this.#head + (reverse ? this.#lastBefore(sinceOffset) : this.#firstAfter(sinceOffset));
    for (let bytes = 0; publications.length < limit; index += step) {
      const kept = index < this.#head ? undefined : this.#kept[index];
      if (kept === undefined) break;
      bytes += kept.bytes;
      if (publications.length > 0 && bytes > maxBytes) break;
      publications.push(kept.publication);
    }
    return { epoch: this.epoch, top: this.#top, oldest: this.oldest, publications };
  }

  /** The answer that a publish with this key got; undefined when there was none lately. */
  answer(key: string): Answer | undefined {
    return this.#answers?.get(key);
  }

  remember(key: string, position: Position | undefined, now: number): void {
    this.#answers ??= new Map();
    this.#answers.set(key, { position, at: now });
    this.#bytes += key.length * 2 + publicationBytes;
  }

  /** Nobody listens, nothing is kept, and nothing happened for as long as positions are remembered. */
  isForgettable(now: number): boolean {
    const isEmpty = !this.isSubscribed && this.size === 0 && (this.#answers?.size ?? 0) === 0;
    return isEmpty && now - this.touchedAt > this.#positionTtlMs;
  }

  #firstAfter(offset: number | undefined): number {
    return offset === undefined ? 0 : Math.max(0, offset + 1 - this.oldest);
  }

  #lastBefore(offset: number | undefined): number {
    return offset === undefined ? this.size - 1 : Math.min(this.size - 1, offset - 1 - this.oldest);
  }

  #drop(count: number): void {
    for (let dropped = 0; dropped < count; dropped++)
      this.#bytes -= this.#kept[this.#head + dropped]?.bytes ?? 0;
    if (count > 0) this.#head += count;
    // Moving the rest to the front costs its length, so it is done when as much has been dropped.
    if (this.#head > 0 && this.#head * 2 >= this.#kept.length) {
      this.#kept = this.#kept.slice(this.#head);
      this.#head = 0;
    }
  }

  #expireAnswers(now: number): void {
    if (this.#answers === undefined) return;
    for (const [key, { at }] of this.#answers) {
      if (now - at < limits.idempotencyTtlMs) break;
      this.#answers.delete(key);
      this.#bytes -= key.length * 2 + publicationBytes;
    }
  }
}

/** What a publish was answered, and when. */
export interface Answer {
  readonly position: Position | undefined;
  readonly at: number;
}

function isOlder(kept: Kept | undefined, time: number): boolean {
  return kept !== undefined && kept.publication.at <= time;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of Latin-1 is meant
const beyondLatin1 = /[^\u0000-\u00ff]/;

/** V8 keeps such text in one byte a character. */
function isLatin1(text: string): boolean {
  return !beyondLatin1.test(text);
}
