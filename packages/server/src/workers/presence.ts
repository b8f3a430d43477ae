/** Who is in which channel at all workers: the primary keeps the lists, and tells what changes to the workers that have subscribers. */
import type { Member } from '@carillon/protocol';
import { limits } from '@carillon/protocol';
import type {
  JoinOptions,
  PresenceChange,
  PresenceList,
  PresenceSink,
  PresenceStats,
  PresenceStore,
} from '../core/presence-store.ts';
import type { Calls, MethodsOf, Remote, Told } from '../link/calls.ts';
import type { LinkedWorker } from './relay.ts';
import { sessionIdOf } from './session-ids.ts';

/** What the primary offers under the name `presence`. A list is answered at once, so that what it is not true for any more is told after it. */
interface PresenceVerbs extends Pick<PresenceStore, 'join' | 'leave' | 'stats'> {
  listed(channel: string, isFollowed: boolean): PresenceList;
}

const offered: readonly MethodsOf<PresenceVerbs>[] = ['join', 'leave', 'stats', 'listed'];

/** A worker's: tells the primary who comes and goes, and asks it who is there. */
export class LinkedPresence implements PresenceStore {
  /** The primary counts them. */
  readonly size = 0;
  readonly #calls: Calls;
  readonly #told: Told<PresenceVerbs>;
  readonly #asked: Remote<PresenceVerbs>;
  /** What is told after the answer is written after it, too. */
  readonly #followed: Remote<PresenceVerbs>;
  #isHurrying = false;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#told = calls.told('presence');
    this.#asked = calls.remote('presence');
    this.#followed = calls.remote('presence', { ordered: true });
  }

  start(sink: PresenceSink): void {
    this.#calls.offer<PresenceSink>('presenceChanges', sink, ['changed']);
  }

  join(channel: string, member: Member, options: JoinOptions): void {
    this.#told.join(channel, member, options);
    this.#hurry();
  }

  leave(channel: string, session: string, mayReturn: boolean): void {
    this.#told.leave(channel, session, mayReturn);
    this.#hurry();
  }

  list(channel: string, isFollowed: boolean): Promise<PresenceList> {
    return (isFollowed ? this.#followed : this.#asked).listed(channel, isFollowed);
  }

  stats(channel: string): Promise<PresenceStats> {
    return this.#asked.stats(channel);
  }

  /** Clients are answered at the end of the turn. What they may ask of another worker then has gone to the primary before. */
  #hurry(): void {
    if (this.#isHurrying) return;
    this.#isHurrying = true;
    queueMicrotask(() => {
      this.#isHurrying = false;
      this.#calls.flush();
    });
  }
}

/** The lists of the primary. */
interface Lists extends PresenceStore, PresenceVerbs {
  lost(isLost: (session: string) => boolean): void;
}

/** The primary's: keeps the lists of all workers. */
export class SharedPresence implements PresenceSink {
  readonly #lists: Lists;
  readonly #followers: (channel: string) => Iterable<number>;
  readonly #workers = new Map<number, Follower>();

  /** `followers`: the workers that have subscribers of a channel. */
  constructor(lists: Lists, followers: (channel: string) => Iterable<number>) {
    this.#lists = lists;
    this.#followers = followers;
    lists.start(this);
  }

  begun({ id, calls }: LinkedWorker): void {
    calls.offer<PresenceVerbs>('presence', this.#lists, offered);
    this.#workers.set(id, new Follower(calls));
  }

  /** Its clients may be back at another worker soon. */
  gone(id: number): void {
    this.#workers.delete(id);
    const prefix = sessionIdOf(id, '');
    this.#lists.lost((session) => session.startsWith(prefix));
  }

  changed(channel: string, change: PresenceChange): void {
    for (const id of this.#followers(channel)) this.#workers.get(id)?.changed(channel, change);
  }
}

/** A worker that is told. What it does not take within its bound is replaced by a gap, behind which lists are asked for again. */
class Follower implements PresenceSink {
  readonly #calls: Calls;
  readonly #told: Told<PresenceSink>;
  readonly #behind = new Set<string>();

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#told = calls.told('presenceChanges');
    calls.onTaken(() => {
      if (this.#behind.size > 0 && calls.waitingBytes === 0) this.#tellGaps();
    });
  }

  changed(channel: string, change: PresenceChange): void {
    if (this.#behind.size === 0 && this.#calls.waitingBytes <= limits.linkWaitingBytes) {
      this.#told.changed(channel, change);
    } else this.#behind.add(channel);
  }

  #tellGaps(): void {
    for (const channel of this.#behind) this.#told.changed(channel, { type: 'gap' });
    this.#behind.clear();
  }
}
