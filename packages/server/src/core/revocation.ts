/** Shutting users and tokens out, and letting them in again: what it does to those who are connected, and the list of it. */
import { type Disconnect, disconnects, limits } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import type { Block, BlockStore, BlockSubject, Blocks } from './blocks.ts';
import type { ChannelTokens } from './channel-tokens.ts';
import type { Clock } from './clock.ts';
import { orderOf, type PageQuery } from './directory.ts';
import { refuse } from './errors.ts';
import { inTurns } from './in-turns.ts';
import type { Log } from './log.ts';
import type { Registry } from './registry.ts';

export interface RevocationContext {
  readonly blocks: Blocks;
  readonly channelTokens: Pick<ChannelTokens, 'blocked'>;
  readonly registry: Registry<Addressee>;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: a restart forgets all blocks. */
  readonly store?: BlockStore;
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

export class Revocation {
  readonly #context: RevocationContext;

  constructor(context: RevocationContext) {
    this.#context = context;
  }

  /** Takes over what a store kept. Call before the first client comes. */
  async start(): Promise<void> {
    const { blocks, store } = this.#context;
    for (const block of (await store?.load()) ?? []) blocks.set(block);
  }

  /**
   * In force at once; the sessions that it concerns are ended. Returns how many. @throws {ReplyError} 106 there are too many;
   * 108 it is in force, but could not be kept for the time after a restart.
   */
  async block(subject: BlockSubject, { durationMs, reason }: BlockRequest = {}): Promise<number> {
    const { blocks, clock } = this.#context;
    const expiresAt = clock.now() + Math.min(durationMs ?? limits.blockMs, limits.longestBlockMs);
    const block: Block = { ...subject, expiresAt, ...(reason !== undefined && { reason }) };
    blocks.set(block);
    const [sessions] = await Promise.all([this.#endSessions(block), this.#keep(block)]);
    return sessions;
  }

  /** Who is not blocked stays so. @throws {ReplyError} 108 it cannot be taken from where it is kept, and stays in force. */
  async unblock(subject: BlockSubject): Promise<void> {
    const { blocks, store, log } = this.#context;
    try {
      await store?.remove(subject);
    } catch (error) {
      log.error('a block cannot be taken away', { error });
      throw refuse('notAvailable', 'the block cannot be taken away now and stays in force; try again later');
    }
    blocks.delete(subject);
  }

  /** In the order of blocking. @throws {ReplyError} 107 a cursor that no page gave. */
  list({ limit = limits.listedSessions, cursor }: PageQuery): BlockPage {
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

  async #endSessions(block: Block): Promise<number> {
    const { user, jti, reason } = block;
    const { registry, clock, channelTokens } = this.#context;
    channelTokens.blocked(block);
    const end: Disconnect = { ...disconnects.invalidToken, ...(reason !== undefined && { reason }) };
    const found = user === undefined ? registry.all() : registry.user(user);
    let count = 0;
    // Who comes meanwhile is refused, so one walk finds everybody.
    await inTurns([...found], clock, (session) => {
      const isMeant = user === undefined ? session.identity.tokenId === jti : session.user === user;
      if (session.isClosed || !isMeant) return;
      session.close(end);
      count += 1;
    });
    return count;
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
