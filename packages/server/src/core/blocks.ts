/** Whom the server side has shut out: users and single tokens, each until a time. Asked about every identity that comes in. */
import { limits } from '@carillon/protocol';
import type { Identity } from './access.ts';
import type { Clock } from './clock.ts';
import { type ReplyError, refuse } from './errors.ts';
import type { Expiries, Expiring } from './expiries.ts';

/** A user, or the one token whose `jti` claim this is. */
export type BlockSubject =
  | { readonly user: string; readonly jti?: never }
  | { readonly jti: string; readonly user?: never };

export interface BlockTerms {
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Told to the client. */
  readonly reason?: string;
}

export type Block = BlockSubject & BlockTerms;

/** A home for blocks that outlives the process. */
export interface BlockStore {
  /** What was saved and not removed; blocks that are over by now may be among them. */
  load(): Promise<readonly Block[]>;
  /** In place of an earlier one of the same subject. */
  save(block: Block): Promise<void>;
  remove(subject: BlockSubject): Promise<void>;
}

export interface ListedBlock {
  readonly block: Block;
  /** Its place in the order of blocking. */
  readonly order: number;
}

export class Blocks {
  readonly #clock: Clock;
  readonly #expiries: Expiries;
  /** In the order of blocking. */
  readonly #entries = new Map<string, Entry>();
  #made = 0;

  constructor(clock: Clock, expiries: Expiries) {
    this.#clock = clock;
    this.#expiries = expiries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** In force from now on, in place of an earlier one of the same subject. @throws {ReplyError} 106 there are too many. */
  set(block: Block): void {
    if (!this.#entries.has(keyOf(block)) && this.#entries.size >= limits.blocks) {
      throw refuse(
        'limitExceeded',
        `there are ${limits.blocks} blocks already; take some away with 'unblock', or let them run out`,
      );
    }
    this.put(block);
  }

  /** As {@link Blocks.set}, where somebody else has counted them. */
  put(block: Block): void {
    const key = keyOf(block);
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    if (block.expiresAt <= this.#clock.now()) return;
    const entry = new Entry(block, ++this.#made, () => this.#entries.delete(key));
    this.#entries.set(key, entry);
    this.#expiries.add(entry);
  }

  delete(subject: BlockSubject): void {
    const key = keyOf(subject);
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(key, entry);
  }

  /** Undefined for an identity that nobody blocked. */
  find({ user, tokenId }: Identity): Block | undefined {
    if (this.#entries.size === 0) return undefined;
    const ofUser = user === undefined ? undefined : this.#entries.get(keyOf({ user }));
    const entry = ofUser ?? (tokenId === undefined ? undefined : this.#entries.get(keyOf({ jti: tokenId })));
    // The timer may be a little late.
    return entry !== undefined && entry.expiresAt > this.#clock.now() ? entry.block : undefined;
  }

  /** @throws {ReplyError} 101 the user, or the token, is blocked. */
  check(identity: Identity): void {
    const block = this.find(identity);
    if (block !== undefined) throw blockedRefusal(block);
  }

  /** In the order of blocking; what comes while one goes through it comes last. */
  *all(): Iterable<Block> {
    for (const { block } of this.#entries.values()) yield block;
  }

  /** From the one after `after`, at most `limit`. */
  list(after: number, limit: number): readonly ListedBlock[] {
    const listed: ListedBlock[] = [];
    for (const { block, order } of this.#entries.values()) {
      if (listed.length >= limit) break;
      if (order > after) listed.push({ block, order });
    }
    return listed;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#expiries.remove(entry);
  }
}

/** What whoever is blocked is told, with code 101. */
export function blockedRefusal({ user, reason }: Block): ReplyError {
  const what = user === undefined ? 'the token was withdrawn' : 'the user is blocked';
  return refuse('unauthorized', reason === undefined ? what : `${what}: ${reason}`);
}

class Entry implements Expiring {
  readonly block: Block;
  readonly order: number;
  readonly expired: () => void;
  heapIndex = -1;

  constructor(block: Block, order: number, expired: () => void) {
    this.block = block;
    this.order = order;
    this.expired = expired;
  }

  get expiresAt(): number {
    return this.block.expiresAt;
  }
}

function keyOf({ user, jti }: BlockSubject): string {
  return user === undefined ? `token ${jti}` : `user ${user}`;
}
