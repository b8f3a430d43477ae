/** Those who left one channel a moment ago, and may be back before anybody is told. */
import type { Member } from '@carillon/protocol';
import type { Wait } from './grace.ts';

export interface Absence {
  readonly member: Member;
  /** The sessions under which subscribers know it. */
  readonly knownAs: readonly string[];
  /** How often subscribers had asked for the list when it left. */
  readonly looks: number;
  wait: Wait | undefined;
}

export class Absences {
  readonly #bySession = new Map<string, Absence>();
  readonly #byUser = new Map<string, Absence[]>();

  get size(): number {
    return this.#bySession.size;
  }

  add(absence: Absence): void {
    const { session, user } = absence.member;
    this.#bySession.set(session, absence);
    if (user === undefined) return;
    const others = this.#byUser.get(user);
    if (others === undefined) this.#byUser.set(user, [absence]);
    else others.push(absence);
  }

  delete(absence: Absence): void {
    const { session, user } = absence.member;
    if (!this.#bySession.delete(session) || user === undefined) return;
    const others = this.#byUser.get(user)?.filter((other) => other !== absence) ?? [];
    if (others.length === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, others);
  }

  /**
   * Takes out whom a newcomer takes the place of: the session that it names as its former one if that was the same user's, else the
   * user's last one that left. Without a user only the name tells.
   */
  take(user: string | undefined, former: string | undefined): Absence | undefined {
    const named = former === undefined ? undefined : this.#bySession.get(former);
    const last = user === undefined ? undefined : this.#byUser.get(user)?.at(-1);
    const found = named !== undefined && named.member.user === user ? named : last;
    if (found !== undefined) this.delete(found);
    return found;
  }
}
