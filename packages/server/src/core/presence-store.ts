/** Where it is kept who is in which channel, and decided what subscribers are told of it. */
import type { Member } from '@carillon/protocol';

export interface PresenceStats {
  readonly sessions: number;
  /** Each user counts once; a session without a user counts for none. */
  readonly users: number;
}

/** `sessions` and `users` count all, also where `members` are not all. */
export interface PresenceList extends PresenceStats {
  /** Those who came first, at most `limits.listedMembers`. */
  readonly members: readonly Member[];
}

/**
 * What subscribers are told. `gap`: from here on their lists are no longer kept true by what they are told, or not before they
 * ask for the list again.
 */
export type PresenceChange =
  | {
      readonly type: 'join' | 'leave';
      readonly member: Member;
      /** A session that is not told. */
      readonly except?: string;
    }
  | { readonly type: 'gap' };

/** Is told, in order, what the subscribers of a channel are to be told. */
export interface PresenceSink {
  changed(channel: string, change: PresenceChange): void;
}

export interface JoinOptions {
  /** Whether the channel's subscribers are told that the member comes; that it leaves, those who may know it are told anyway. */
  readonly announces: boolean;
  /** The session that the client says it had before. */
  readonly former: string | undefined;
}

export interface PresenceStore {
  /** Members of all channels together, of those that are kept in this process. */
  readonly size: number;
  start(sink: PresenceSink): void;
  /** A session comes into a channel, or is somebody else from now on. */
  join(channel: string, member: Member, options: JoinOptions): void;
  /** It is no longer in the list at once. `mayReturn`: its connection is gone; whether it left is told after the time of grace. */
  leave(channel: string, session: string, mayReturn: boolean): void;
  /** `isFollowed`: whoever asks is told the changes from here on. */
  list(channel: string, isFollowed: boolean): Promise<PresenceList>;
  stats(channel: string): Promise<PresenceStats>;
}
