/** What is kept about users, put together for several workers: the primary's part of it, and a worker's. */
import { createInboxParts, type InboxPartsContext } from '../core/inbox-parts.ts';
import type { NodeOptions } from '../core/node.ts';
import type { Stores } from '../core/stores.ts';
import type { Calls } from '../link/calls.ts';
import { LinkedRevocation, SharedBlocks } from '../workers/blocks.ts';
import { linkedInboxes, linkedInboxParts, SharedInboxes } from '../workers/inboxes.ts';
import type { Peers } from '../workers/peers.ts';
import type { Relay } from '../workers/relay.ts';
import { LinkedUserTags, SharedUserTags } from '../workers/user-tags.ts';

export interface SharedStateParts extends Omit<InboxPartsContext, 'store' | 'maxInboxes'> {
  readonly stores: Stores;
  readonly relay: Relay;
}

export interface SharedState {
  readonly userTags: SharedUserTags;
  readonly blocks: SharedBlocks;
  readonly inboxes: SharedInboxes;
}

/** What the primary has for all workers. The stores have to be loaded before it starts. */
export function sharedState(parts: SharedStateParts): SharedState {
  const { stores, relay, clock, log } = parts;
  const { userTags, inboxes: store, blockStore } = stores;
  return {
    userTags: new SharedUserTags(userTags, relay),
    blocks: new SharedBlocks({ relay, clock, log, store: blockStore }),
    inboxes: new SharedInboxes(store, (listener) => createInboxParts({ ...parts, store }, listener)),
  };
}

/** The options of a worker's node that are about them. */
export interface LinkedState extends Required<Pick<NodeOptions, 'revoking' | 'inboxParts'>> {
  readonly stores: Pick<Stores, 'userTags' | 'inboxes' | 'load'>;
}

export function linkedState(calls: Calls, peers: Peers): LinkedState {
  const userTags = new LinkedUserTags(calls, peers);
  return {
    stores: { userTags, inboxes: linkedInboxes(calls), load: () => userTags.load() },
    revoking: (blocks, enforcement) => new LinkedRevocation(calls, blocks, enforcement),
    inboxParts: (_, listener) => linkedInboxParts(calls, listener),
  };
}
