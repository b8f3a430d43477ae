/** What one client was given of one channel, judged against what was really published. */
import type { Position } from '../../packages/protocol/src/index.ts';
import type { Gap } from '../../packages/server/src/core/wire.ts';
import type { Fact, Truth } from './truth.ts';

/** Who the client is, as far as exclusions go. */
export interface Self {
  readonly user: string | undefined;
  /** The present session. */
  readonly session: string;
  /** Every session that it ever had. */
  readonly sessions: readonly string[];
}

export interface SubscribeAnswer {
  readonly epoch?: string;
  readonly offset?: number;
  readonly recovered: boolean;
  readonly recoverable: boolean;
}

/** A hole whose loss was told without saying how far it reaches; ends with the next publication. */
interface OpenHole {
  /** The newest offset when it was told: what is newer must be there. */
  readonly upTo: number;
  /** The oldest offset that was kept when it was told. */
  readonly oldest: number;
}

/** A subscription to a channel with history: every offset counts. Throws where the promise is broken. */
export class NumberedTrack {
  readonly #truth: Truth;
  readonly #channel: string;
  /** The last one received, or where it began. */
  position: Position | undefined;
  #hole: OpenHole | undefined;
  /** The former session that the subscribe command named. */
  #named: string | undefined;

  constructor(truth: Truth, channel: string) {
    this.#truth = truth;
    this.#channel = channel;
  }

  answered(
    { epoch = '', offset = 0, recovered, recoverable }: SubscribeAnswer,
    asked: { readonly since?: Position; readonly last?: number; readonly session?: string },
  ): void {
    if (!recoverable || epoch === '') throw new Error('a channel with history is not recoverable');
    const { since, last } = asked;
    const oldest = this.#truth.oldest(this.#channel, epoch);
    this.#named = asked.session;
    this.#hole = undefined;
    if (since === undefined) {
      this.position = { epoch, offset: last === undefined ? offset : Math.max(0, offset - last) };
      if (last !== undefined) this.#hole = { upTo: offset, oldest };
      return;
    }
    const isSame = since.epoch === epoch && since.offset <= offset;
    if (recovered && !isSame) throw new Error(`recovered from ${text(since)}, which is not in ${epoch}`);
    if (!recovered && isSame && oldest <= since.offset + 1) {
      throw new Error(`not recovered from ${text(since)}, though ${oldest} is kept`);
    }
    this.position = isSame ? since : { epoch, offset: 0 };
    if (!recovered) this.#hole = { upTo: offset, oldest };
  }

  received(name: string, offset: number | undefined, self: Self): void {
    const fact = this.#truth.fact(name);
    const position = this.#begun();
    if (offset !== undefined && offset !== fact.offset) throw new Error(`${name} came as ${offset}`);
    if (isExcluded(fact, self.user, this.#ownSessions(self))) throw new Error(`${name} excludes this client`);
    if (fact.epoch !== position.epoch)
      throw new Error(`${name} is of ${fact.epoch} and came in ${position.epoch}`);
    if (fact.offset <= position.offset) throw new Error(`${fact.offset} came after ${position.offset}`);
    this.#checkMissing(position, fact.offset, self);
    this.#hole = undefined;
    this.position = { epoch: fact.epoch, offset: fact.offset };
  }

  toldGap({ epoch, from, to }: Gap, self: Self): void {
    const position = this.#begun();
    if (epoch === undefined || from === undefined || to === undefined)
      throw new Error('a gap without numbers');
    const oldest = this.#truth.oldest(this.#channel, epoch);
    if (to >= oldest) throw new Error(`a gap up to ${to} was told, though ${oldest} is kept`);
    if (epoch !== position.epoch) {
      if (from !== 1) throw new Error(`a gap in the new epoch from ${from}`);
      this.position = { epoch, offset: to };
      this.#hole = undefined;
      return;
    }
    if (from <= position.offset) throw new Error(`a gap from ${from}, behind ${position.offset}`);
    // What the server left out because it excludes the client, it counts as given.
    this.#checkMissing(position, from, self);
    if (to < from) throw new Error(`a gap from ${from} to ${to}`);
    this.position = { epoch, offset: to };
    this.#hole = undefined;
  }

  /** Nothing more comes: everything up to the newest was given, told as lost, or excludes this client. */
  finished(self: Self): void {
    const position = this.#begun();
    this.#checkMissing(position, Number.POSITIVE_INFINITY, self);
    const newest = this.#truth.places(
      this.#channel,
      this.#truth.count(this.#channel) - 1,
      Number.POSITIVE_INFINITY,
    )[0];
    if (newest !== undefined && newest.epoch !== position.epoch) {
      throw new Error(`still in ${position.epoch}; the newest is of ${newest.epoch}`);
    }
  }

  #checkMissing({ epoch, offset }: Position, before: number, self: Self): void {
    const told = this.#hole === undefined ? 0 : Math.min(this.#hole.upTo + 1, this.#hole.oldest);
    for (const fact of this.#truth.offsets(this.#channel, epoch, offset + 1, before)) {
      if (fact.offset < told || isExcluded(fact, self.user, self.sessions)) continue;
      throw new Error(`${fact.offset} of ${epoch} never came; ${offset} did, then ${before}`);
    }
  }

  #ownSessions({ session }: Self): string[] {
    return this.#named === undefined ? [session] : [session, this.#named];
  }

  #begun(): Position {
    if (this.position === undefined) throw new Error('came before the subscribe was answered');
    return this.position;
  }
}

/** A subscription whose publications have no offsets, or whose wire does not show them: order and completeness while it lasts. */
export class PlainTrack {
  readonly #truth: Truth;
  readonly #channel: string;
  /** What was published from this place on must come. */
  #from: number;
  #last = -1;
  #isHoleTold = false;

  constructor(truth: Truth, channel: string) {
    this.#truth = truth;
    this.#channel = channel;
    this.#from = truth.count(channel);
  }

  /** The subscription is in force as of now. */
  begin(): void {
    this.#from = this.#truth.count(this.#channel);
    this.#last = -1;
    this.#isHoleTold = false;
  }

  received(name: string, self: Self): void {
    const fact = this.#truth.fact(name);
    if (isExcluded(fact, self.user, [self.session])) throw new Error(`${name} excludes this client`);
    if (fact.place <= this.#last) throw new Error(`place ${fact.place} came after ${this.#last}`);
    this.#checkMissing(fact.place, self);
    this.#last = fact.place;
    this.#isHoleTold = false;
  }

  toldGap(): void {
    this.#isHoleTold = true;
  }

  finished(self: Self): void {
    this.#checkMissing(Number.POSITIVE_INFINITY, self);
  }

  #checkMissing(before: number, self: Self): void {
    if (this.#isHoleTold) return;
    const first = this.#last === -1 ? this.#from : this.#last + 1;
    for (const fact of this.#truth.places(this.#channel, first, before)) {
      if (!isExcluded(fact, self.user, self.sessions))
        throw new Error(
          `place ${fact.place} ${JSON.stringify(fact)} never came; ${this.#last} did, then ${before}`,
        );
    }
  }
}

function isExcluded({ exclude }: Fact, user: string | undefined, sessions: readonly string[]): boolean {
  if (exclude === undefined) return false;
  if (user !== undefined && exclude.users?.includes(user)) return true;
  return exclude.sessions?.some((id) => sessions.includes(id)) ?? false;
}

function text({ epoch, offset }: Position): string {
  return `${epoch}/${offset}`;
}
