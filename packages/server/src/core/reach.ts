/** Puts together how the server side reaches clients without a channel: whom it means, what it knows of them, and how it lists them. */
import type { Authenticator } from './access.ts';
import type { Addressee } from './addressee.ts';
import { Addressing } from './addressing.ts';
import { BlockedSessions } from './blocked-sessions.ts';
import type { BlockStore, Blocks } from './blocks.ts';
import { type Census, LocalCensus } from './census.ts';
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

/** Methods of which each may have to ask elsewhere before it answers. */
export type Asking<Target, Names extends keyof Target> = {
  readonly [Name in Names]: Target[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Awaited<Result> | Promise<Awaited<Result>>
    : never;
};

export type SessionVerbs = 'bind' | 'unbind' | 'contextOf' | 'setContext' | 'updateContext';
export type MemberVerbs = 'join' | 'leave' | 'destroyGroup' | 'tag' | 'untag' | 'subscribe' | 'unsubscribe';

/** What the server side may have done with clients, wherever they are connected. */
export interface ReachVerbs {
  readonly addressing: Asking<Addressing, 'send' | 'disconnect'>;
  readonly people: Asking<People, SessionVerbs | MemberVerbs>;
  readonly directory: Asking<Directory, 'sessions' | 'session' | 'user' | 'groups' | 'group'>;
  readonly revocation: Pick<Revoking, 'block' | 'unblock' | 'list'>;
}

/** That of one process. */
export interface Reach extends ReachVerbs {
  readonly addressing: Addressing;
  readonly people: People;
  readonly directory: Directory;
  readonly census: Census;
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
  const census = new LocalCensus({ registry, addressing, groups, tags });
  return {
    addressing,
    people,
    directory: new Directory({ census, groups }),
    census,
    revocation: revoking(blocks, new BlockedSessions({ registry, channelTokens, clock })),
  };
}
