/** Who is in one channel, and what its subscribers have been told of that. */
import { limits, type Member } from '@carillon/protocol';
import { type Absence, Absences } from './absences.ts';
import type { Grace } from './grace.ts';
import type { PresenceChange, PresenceList, PresenceStats } from './presence-store.ts';

interface Present {
  member: Member;
  /** Whether others are told that it comes. */
  announces: boolean;
  /** Sessions before it under which subscribers know it, because its coming back was not told. */
  former: readonly string[];
  /** A join has named it. */
  isTold: boolean;
  /** How often subscribers had asked for the list when it came. */
  readonly looks: number;
}

/** What all rosters have in common: most have a single member, and must cost little. */
export interface RosterContext {
  readonly grace: Grace;
  /** In the order in which it is true. */
  tell(channel: string, change: PresenceChange): void;
  /** There is nobody left, and nobody is waited for. */
  empty(channel: string): void;
}

const nobody: readonly string[] = Object.freeze([]);
/** A channel that was too full to announce does so again when it has this much room. */
const resumeShare = 0.9;

export class Roster {
  readonly #channel: string;
  readonly #context: RosterContext;
  /** In the order of their coming. */
  readonly #members = new Map<string, Present>();
  /** How many sessions each user has; made for the first one. */
  #users: Map<string, number> | undefined;
  /** Made for the first one. */
  #absences: Absences | undefined;
  #looks = 0;
  #isCrowded = false;

  constructor(channel: string, context: RosterContext) {
    this.#channel = channel;
    this.#context = context;
  }

  get size(): number {
    return this.#members.size;
  }

  get stats(): PresenceStats {
    return { sessions: this.#members.size, users: this.#users?.size ?? 0 };
  }

  /** The first `limit` in the order of their coming. `isFollowed`: whoever asks goes on with what is told from here on. */
  list(limit: number, isFollowed: boolean): PresenceList {
    if (isFollowed) this.#looks += 1;
    const members: Member[] = [];
    for (const { member } of this.#members.values()) {
      if (members.length === limit) break;
      members.push(member);
    }
    return { members, ...this.stats };
  }

  /** Somebody comes, or changes. `former`: the session that this client says it had before. */
  join(member: Member, announces: boolean, former: string | undefined): void {
    const there = this.#members.get(member.session);
    if (there !== undefined) {
      this.#change(there, member, announces);
      return;
    }
    const present = { member, announces, former: nobody, isTold: false, looks: this.#looks };
    this.#members.set(member.session, present);
    this.#count(member.user, 1);
    if (announces) this.#welcome(present, former);
  }

  /** `mayReturn`: the connection is gone, which a client that comes back soon did not mean. */
  leave(session: string, mayReturn: boolean): void {
    const present = this.#members.get(session);
    if (present === undefined) return;
    this.#members.delete(session);
    this.#count(present.member.user, -1);
    const knownAs = this.#knownAs(present);
    if ((present.announces || knownAs.length > 0) && this.#judgeCrowd() && knownAs.length > 0) {
      if (mayReturn) this.#await(present.member, knownAs);
      else this.#tellLeave(present.member, knownAs);
    }
    this.#settle();
  }

  /** The connections of all these sessions are gone. */
  lost(isLost: (session: string) => boolean): void {
    for (const session of this.#members.keys()) if (isLost(session)) this.leave(session, true);
  }

  #welcome(present: Present, former: string | undefined): void {
    const absence = this.#absences?.take(present.member.user, former);
    if (absence?.wait !== undefined) this.#context.grace.cancel(absence.wait);
    if (!this.#judgeCrowd()) return;
    if (absence !== undefined && this.#isUnnoticed(absence, present.member)) {
      present.former = absence.knownAs;
      return;
    }
    // To the newcomer neither is news.
    const { session } = present.member;
    if (absence !== undefined) this.#tellLeave(absence.member, absence.knownAs, session);
    this.#tellJoin(present, session);
  }

  /** Whether the subscribers' lists hold with the newcomer in the place of the one who left. */
  #isUnnoticed({ member, knownAs, looks }: Absence, newcomer: Member): boolean {
    return knownAs.length <= limits.formerSessions && looks === this.#looks && isSameInfo(member, newcomer);
  }

  /** The sessions under which lists of subscribers may have the member. */
  #knownAs({ member, former, isTold, looks }: Present): readonly string[] {
    return isTold || this.#looks > looks ? [...former, member.session] : former;
  }

  #await(member: Member, knownAs: readonly string[]): void {
    const absence: Absence = { member, knownAs, looks: this.#looks, wait: undefined };
    absence.wait = this.#context.grace.wait(() => {
      this.#absences?.delete(absence);
      if (!this.#isCrowded) this.#tellLeave(member, knownAs);
      this.#settle();
    });
    if (absence.wait === undefined) return;
    this.#absences ??= new Absences();
    this.#absences.add(absence);
  }

  #change(there: Present, member: Member, announces: boolean): void {
    const before = there.member;
    const isSameUser = before.user === member.user;
    if (isSameUser && isSameInfo(before, member)) return;
    there.member = member;
    if (!isSameUser) {
      this.#count(before.user, -1);
      this.#count(member.user, 1);
      if (there.announces && !this.#isCrowded) this.#tellLeave(before, there.former);
      there.former = nobody;
    }
    there.announces = announces;
    if (announces && !this.#isCrowded) this.#tellJoin(there);
  }

  /** Whether a change is told. A channel that is too full stops telling, and says so; later it says that it begins anew. */
  #judgeCrowd(): boolean {
    const wasCrowded = this.#isCrowded;
    const most = limits.announcedMembers * (wasCrowded ? resumeShare : 1);
    this.#isCrowded = this.#members.size > most;
    if (wasCrowded !== this.#isCrowded) this.#context.tell(this.#channel, { type: 'gap' });
    return !wasCrowded && !this.#isCrowded;
  }

  #tellJoin(present: Present, except?: string): void {
    present.isTold = true;
    this.#tell('join', present.member, present.former, except);
  }

  #tellLeave(member: Member, knownAs: readonly string[], except?: string): void {
    const former = knownAs.filter((session) => session !== member.session);
    this.#tell('leave', member, former, except);
  }

  #tell(type: 'join' | 'leave', plain: Member, former: readonly string[], except: string | undefined): void {
    const member = former.length === 0 ? plain : { ...plain, former };
    this.#context.tell(this.#channel, { type, member, ...(except !== undefined && { except }) });
  }

  #count(user: string | undefined, by: 1 | -1): void {
    if (user === undefined) return;
    this.#users ??= new Map();
    const count = (this.#users.get(user) ?? 0) + by;
    if (count === 0) this.#users.delete(user);
    else this.#users.set(user, count);
  }

  #settle(): void {
    if (this.#members.size === 0 && (this.#absences?.size ?? 0) === 0) this.#context.empty(this.#channel);
  }
}

function isSameInfo(a: Member, b: Member): boolean {
  return a.info === b.info || JSON.stringify(a.info) === JSON.stringify(b.info);
}
