/** Shutting users and tokens out, and letting them in again, and the list of it. */
import { limits } from '@carillon/protocol';
import type { Block, BlockStore, BlockSubject, Blocks } from './blocks.ts';
import type { Clock } from './clock.ts';
import { orderOf, type PageQuery } from './directory.ts';
import { refuse } from './errors.ts';
import type { Log } from './log.ts';

export interface RevocationContext {
  readonly blocks: Blocks;
  readonly enforcement: Enforcement;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: a restart forgets all blocks. */
  readonly store?: BlockStore | undefined;
}

/** Has those who are connected feel what is blocked. */
export interface Enforcement {
  /** The block is in force: ends what it concerns. Resolves with how many sessions that are. */
  blocked(block: Block): Promise<number>;
  /** The block is over before its time. */
  unblocked(subject: BlockSubject): void | Promise<void>;
}

/** What the server side can have done about users and tokens that are to stay outside. */
export interface Revoking {
  /** Takes over what was kept. Call before the first client comes. */
  start(): Promise<void>;
  /**
   * In force at once; the sessions that it concerns are ended. Resolves with how many. @throws {ReplyError} 106 there are too many;
   * 108 it is in force, but could not be kept for the time after a restart.
   */
  block(subject: BlockSubject, request?: BlockRequest): Promise<number>;
  /** Who is not blocked stays so. @throws {ReplyError} 108 it cannot be taken from where it is kept, and stays in force. */
  unblock(subject: BlockSubject): Promise<void>;
  /** In the order of blocking. @throws {ReplyError} 107 a cursor that no page gave. */
  list(query: PageQuery): Promise<BlockPage>;
}

export interface BlockRequest {
  /** From now on; {@link limits.blockMs} by default, at most {@link limits.longestBlockMs}. */
  readonly durationMs?: number;
  readonly reason?: string;
}

/** `cursor` is there when there is more. */
export interface BlockPage {
  readonly blocked: readonly (BlockSubject & { readonly expires: number; readonly reason?: string })[];
  /** Of all pages together. */
  readonly total: number;
  readonly cursor?: string;
}

export class Revocation implements Revoking {
  readonly #context: RevocationContext;

  constructor(context: RevocationContext) {
    this.#context = context;
  }

  async start(): Promise<void> {
    const { blocks, store } = this.#context;
    for (const block of (await store?.load()) ?? []) blocks.set(block);
  }

  async block(subject: BlockSubject, { durationMs, reason }: BlockRequest = {}): Promise<number> {
    const { blocks, enforcement, clock } = this.#context;
    const expiresAt = clock.now() + Math.min(durationMs ?? limits.blockMs, limits.longestBlockMs);
    const block: Block = { ...subject, expiresAt, ...(reason !== undefined && { reason }) };
    blocks.set(block);
    const [ended, kept] = [enforcement.blocked(block), this.#keep(block)];
    // Everybody has felt it before anybody hears that it cannot be kept.
    kept.catch(() => undefined);
    const sessions = await ended;
    await kept;
    return sessions;
  }

  async unblock(subject: BlockSubject): Promise<void> {
    const { blocks, enforcement, store, log } = this.#context;
    try {
      await store?.remove(subject);
    } catch (error) {
      log.error('a block cannot be taken away', { error });
      throw refuse('notAvailable', 'the block cannot be taken away now and stays in force; try again later');
    }
    blocks.delete(subject);
    await enforcement.unblocked(subject);
  }

  async list({ limit = limits.listedSessions, cursor }: PageQuery): Promise<BlockPage> {
    const { blocks, clock } = this.#context;
    const listed = blocks.list(orderOf(cursor), limit + 1);
    const page = listed.slice(0, limit);
    const now = clock.now();
    return {
      blocked: page.map(({ block: { expiresAt, ...block } }) => ({
        ...block,
        expires: Math.max(0, Math.ceil((expiresAt - now) / 1_000)),
      })),
      total: blocks.size,
      ...(limit > 0 && page.length < listed.length && { cursor: String(page.at(-1)?.order) }),
    };
  }

  async #keep(block: Block): Promise<void> {
    const { store, log } = this.#context;
    try {
      await store?.save(block);
    } catch (error) {
      log.error('a block cannot be kept', { error });
      throw refuse(
        'notAvailable',
        'the block is in force, but would not outlive a restart; block again later',
      );
    }
  }
}
