/** What a block ends: the sessions of the user, or of the token, and what rests on the token elsewhere. */
import { type Disconnect, disconnects } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import type { Block } from './blocks.ts';
import type { ChannelTokens } from './channel-tokens.ts';
import type { Clock } from './clock.ts';
import { inTurns } from './in-turns.ts';
import type { Registry } from './registry.ts';
import type { Enforcement } from './revocation.ts';

export interface BlockedSessionsContext {
  readonly registry: Registry<Addressee>;
  readonly channelTokens: Pick<ChannelTokens, 'blocked'>;
  readonly clock: Clock;
}

export class BlockedSessions implements Enforcement {
  readonly #context: BlockedSessionsContext;

  constructor(context: BlockedSessionsContext) {
    this.#context = context;
  }

  async blocked(block: Block): Promise<number> {
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

  unblocked(): void {}
}
