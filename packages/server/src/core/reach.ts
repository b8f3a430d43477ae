/** Puts together how the server side reaches clients without a channel: whom it means, what it knows of them, and how it lists them. */
import type { Authenticator } from './access.ts';
import type { Addressee } from './addressee.ts';
import { Addressing } from './addressing.ts';
import { BlockedSessions } from './blocked-sessions.ts';
import type { BlockStore, Blocks } from './blocks.ts';
import type { ChannelTokens } from './channel-tokens.ts';
import type { Clock } from './clock.ts';
import { Contexts } from './contexts.ts';
import { Directory } from './directory.ts';
import { type GroupStore, MemoryGroups } from './groups.ts';
import type { Hub } from './hub.ts';
import type { Log } from './log.ts';
import { People } from './people.ts';
import type { Registry } from './registry.ts';
import { type Enforcement, Revocation, type Revoking } from './revocation.ts';
import type { Rules } from './rules.ts';
import { MemoryUserTags, SessionTags, type UserTags } from './tags.ts';

export interface Reach {
  readonly addressing: Addressing;
  readonly people: People;
  readonly directory: Directory;
  readonly revocation: Revoking;
}

/** Makes whoever shuts users and tokens out of what this process does about it. */
export type MakeRevoking = (blocks: Blocks, enforcement: Enforcement) => Revoking;

export interface ReachOptions {
  readonly registry: Registry<Addressee>;
  readonly hub: Pick<Hub, 'subscribed'>;
  readonly rules: Rules;
  readonly authenticator: Pick<Authenticator, 'admitsAnonymous'>;
  readonly clock: Clock;
  readonly blocks: Blocks;
  readonly channelTokens: Pick<ChannelTokens, 'blocked'>;
  readonly log: Log;
  /** In this process by default. */
  readonly groups?: GroupStore;
  /** In this process by default. */
  readonly userTags?: UserTags;
  /** Absent: a restart forgets who is blocked. */
  readonly blockStore?: BlockStore;
  /** Who shuts users and tokens out; this process by default. */
  readonly revoking?: MakeRevoking | undefined;
}

/** Call before the first session comes. */
export function createReach({
  registry,
  hub,
  rules,
  authenticator,
  clock,
  blocks,
  channelTokens,
  log,
  groups = new MemoryGroups(),
  userTags = new MemoryUserTags(),
  blockStore: store,
  revoking = (all, enforcement) => new Revocation({ blocks: all, enforcement, clock, log, store }),
}: ReachOptions): Reach {
  const tags = new SessionTags(userTags, registry.user.bind(registry));
  const addressing = new Addressing({ registry, hub, groups, tags, clock, authenticator });
  const people = new People({
    registry,
    groups,
    tags,
    contexts: new Contexts(),
    rules,
    authenticator,
    blocks,
    clock,
  });
  return {
    addressing,
    people,
    directory: new Directory({ registry, addressing, groups, tags }),
    revocation: revoking(blocks, new BlockedSessions({ registry, channelTokens, clock })),
  };
}
