/** What sessions are given: the parts of the node that they work with, and where feeds start in their channels. */
import type { Position } from '@carillon/protocol';
import type { Addressee } from './addressee.ts';
import type { Attendance } from './attendance.ts';
import type { Blocks } from './blocks.ts';
import type { Channel } from './channel.ts';
import type { ChannelTokens } from './channel-tokens.ts';
import type { ClientLimits } from './client-limits.ts';
import type { Expiries } from './expiries.ts';
import type { Counters } from './figures.ts';
import type { Hub } from './hub.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Recovery } from './recovery.ts';
import type { Registry } from './registry.ts';
import type { Trail } from './trail.ts';
import type { Gap } from './wire.ts';

/** The parts of the node that sessions work with. */
export interface SessionContext {
  readonly hub: Hub;
  readonly recovery: Recovery;
  readonly registry: Registry<Addressee>;
  readonly expiries: Expiries;
  readonly counters: Counters;
  /** The owner may change it. */
  readonly clientLimits: Readonly<ClientLimits>;
  readonly lifecycle: Lifecycle;
  readonly blocks: Blocks;
  readonly channelTokens: ChannelTokens;
  readonly attendance: Pick<Attendance, 'came' | 'left'>;
  readonly trail: Trail;
}

/** Where a feed starts in a channel with history; `epoch` is empty where the channel keeps none any more. */
export interface StartingPoint extends Position {
  /** The newest offset when it was looked up. */
  readonly top: number;
  /** How often the channel had been cut before. */
  readonly cuts: number;
  /** What the client asked for and will not get. */
  readonly lost?: Gap;
}

/** A channel of a feed. */
export interface Followed {
  readonly channel: Channel;
  readonly start: StartingPoint | undefined;
}
