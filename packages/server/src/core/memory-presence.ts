/** Presence in this process, for as long as it lives. */
import { limits, type Member } from '@carillon/protocol';
import { type Counters, increment } from './figures.ts';
import type { Grace } from './grace.ts';
import type {
  JoinOptions,
  PresenceList,
  PresenceSink,
  PresenceStats,
  PresenceStore,
} from './presence-store.ts';
import { Roster, type RosterContext } from './roster.ts';

const empty: PresenceList = { members: [], sessions: 0, users: 0 };

export class MemoryPresence implements PresenceStore {
  readonly #context: RosterContext;
  readonly #rosters = new Map<string, Roster>();
  #sink: PresenceSink | undefined;

  constructor(grace: Grace, counters: Pick<Counters, 'presenceEvents'>) {
    this.#context = {
      grace,
      tell: (channel, change) => {
        if (change.type !== 'gap') increment(counters.presenceEvents, change.type);
        this.#sink?.changed(channel, change);
      },
      empty: (channel) => this.#rosters.delete(channel),
    };
  }

  get size(): number {
    let size = 0;
    for (const roster of this.#rosters.values()) size += roster.size;
    return size;
  }

  start(sink: PresenceSink): void {
    this.#sink = sink;
  }

  join(channel: string, member: Member, { announces, former }: JoinOptions): void {
    (this.#rosters.get(channel) ?? this.#make(channel)).join(member, announces, former);
  }

  leave(channel: string, session: string, mayReturn: boolean): void {
    this.#rosters.get(channel)?.leave(session, mayReturn);
  }

  /** The connections of all these sessions are gone. */
  lost(isLost: (session: string) => boolean): void {
    for (const roster of this.#rosters.values()) roster.lost(isLost);
  }

  async list(channel: string, isFollowed: boolean): Promise<PresenceList> {
    return this.listed(channel, isFollowed);
  }

  /** As {@link MemoryPresence.list}. */
  listed(channel: string, isFollowed: boolean): PresenceList {
    return this.#rosters.get(channel)?.list(limits.listedMembers, isFollowed) ?? empty;
  }

  async stats(channel: string): Promise<PresenceStats> {
    const { sessions, users } = this.#rosters.get(channel)?.stats ?? empty;
    return { sessions, users };
  }

  #make(channel: string): Roster {
    const roster = new Roster(channel, this.#context);
    this.#rosters.set(channel, roster);
    return roster;
  }
}
