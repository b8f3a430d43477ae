/** Tokens for one channel each: a backend in any language says yes to a single subscription, for as long as its token is good. */
import type { Identity } from './access.ts';
import { type Block, type Blocks, blockedRefusal } from './blocks.ts';
import { type ReplyError, refuse } from './errors.ts';
import type { Expiries, Expiring } from './expiries.ts';
import { isListed } from './pattern.ts';
import { isPending, type Subscription } from './subscription.ts';

/** A session, as far as this cares. */
export interface Grantee {
  readonly user: string | undefined;
  readonly isClosed: boolean;
  subscription(channel: string): Subscription | undefined;
  unsubscribe(channel: string): boolean;
  /** Sends a message of the protocol. */
  send(text: string): void;
}

export class ChannelTokens {
  readonly #expiries: Expiries;
  readonly #blocks: Blocks;
  readonly #grants = new Map<Grantee, Map<string, ChannelGrant>>();

  constructor(expiries: Expiries, blocks: Blocks) {
    this.#expiries = expiries;
    this.#blocks = blocks;
  }

  /**
   * Counts the channel among those that the session's token lists, until the subscription ends or {@link ChannelTokens.withdraw}.
   * @throws {ReplyError} 103 the token is another user's, or for other channels; 101 it is blocked; 108 the session is over.
   */
  grant(session: Grantee, channel: string, identity: Identity): ChannelGrant {
    if (session.isClosed) throw refuse('notAvailable', 'the session is over');
    this.#blocks.check(identity);
    const { user, channels = [] } = identity;
    if (user !== undefined && user !== session.user)
      throw refuse('permissionDenied', "the token for the channel is another user's");
    if (!isListed(channel, channels))
      throw refuse('permissionDenied', "the token for the channel does not list it in its 'channels'");
    const grant = new ChannelGrant(session, channel, identity, (ended) =>
      this.#end(ended, refuse('tokenExpired')),
    );
    const grants = this.#grants.get(session);
    if (grants === undefined) this.#grants.set(session, new Map([[channel, grant]]));
    else grants.set(channel, grant);
    this.#expiries.add(grant);
    return grant;
  }

  /** Whether the session is in the channel by a token that is good for whoever the session is now. */
  admits(session: Grantee, channel: string): boolean {
    const grant = this.#grants.get(session)?.get(channel);
    if (grant === undefined) return false;
    const { user } = grant.identity;
    return user === undefined || user === session.user;
  }

  /** The session's subscription to the channel is over. */
  left(session: Grantee, channel: string): void {
    if (this.#grants.size === 0) return;
    const grant = this.#grants.get(session)?.get(channel);
    if (grant !== undefined) this.withdraw(grant);
  }

  /** Nothing came of it. Harmless when it is over. */
  withdraw(grant: ChannelGrant): void {
    const grants = this.#grants.get(grant.session);
    if (grants?.get(grant.channel) !== grant) return;
    grants.delete(grant.channel);
    if (grants.size === 0) this.#grants.delete(grant.session);
    this.#expiries.remove(grant);
  }

  /** Ends what rests on the token that was blocked. */
  blocked(block: Block): void {
    const end = blockedRefusal(block);
    for (const grants of [...this.#grants.values()])
      for (const grant of [...grants.values()])
        if (grant.identity.tokenId !== undefined && grant.identity.tokenId === block.jti)
          this.#end(grant, end);
  }

  #end(grant: ChannelGrant, end: ReplyError): void {
    const { session, channel } = grant;
    grant.end = end;
    this.withdraw(grant);
    const subscription = session.subscription(channel);
    const isAnswered = subscription !== undefined && !isPending(subscription);
    session.unsubscribe(channel);
    // One that is not answered yet is refused instead.
    if (!isAnswered) return;
    const { code, message: msg } = end;
    session.send(JSON.stringify({ event: subscription.label, type: 'unsubscribed', code, msg }));
  }
}

/** A token for one channel that was accepted. */
export class ChannelGrant implements Expiring {
  readonly session: Grantee;
  readonly channel: string;
  readonly identity: Identity;
  heapIndex = -1;
  /** Why it ended, and the subscription with it. */
  end: ReplyError | undefined;
  readonly #expired: (grant: ChannelGrant) => void;

  constructor(session: Grantee, channel: string, identity: Identity, expired: (grant: ChannelGrant) => void) {
    this.session = session;
    this.channel = channel;
    this.identity = identity;
    this.#expired = expired;
  }

  get expiresAt(): number | undefined {
    return this.identity.expiresAt;
  }

  expired(): void {
    this.#expired(this);
  }
}
