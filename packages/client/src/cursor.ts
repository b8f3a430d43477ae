/** A subscriber's place in a channel: what was received, what is a repeat, what is missing. */
import type { Position, SubscribeResult } from '@carillon/protocol';
import type { Reason } from './errors.ts';
import type { Frame } from './frames.ts';
import * as reasons from './reasons.ts';

/** What a subscription that came into force means for what was received before; neither where nothing was. */
export interface Outcome {
  readonly recovered?: { readonly since: Position; readonly offset: number };
  readonly gap?: { readonly reason: Reason; readonly epoch?: string; readonly from?: number };
}

export class Cursor {
  #position: Position | undefined;
  #last: number | undefined;
  /** Publications up to this offset were there before the subscription. */
  #replayTo = 0;
  /** It was in force once: from there on, what is missed is told. */
  #begun = false;
  /** Up to where the application knows that something is missing. */
  #told: Position | undefined;

  /** The last position received, or where the subscription began; undefined where the channel keeps no history. */
  get position(): Position | undefined {
    return this.#position;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Forgets everything and begins after `since`, or with the newest `last`, or with what comes. */
  reset(since?: Position, last?: number): void {
    this.#position = since;
    this.#last = last;
    this.#replayTo = 0;
    this.#begun = false;
    this.#told = undefined;
  }

  /** What the next subscribe command asks for; undefined where any beginning is as good. */
  query(): { readonly since?: Position; readonly last?: number } | undefined {
    if (this.#position) return { since: this.#position };
    return this.#last === undefined || this.#begun ? undefined : { last: this.#last };
  }

  /** Takes the reply to a subscribe command. */
  subscribed({ epoch = '', offset = 0, recovered, recoverable, unread = 0 }: SubscribeResult): Outcome {
    const since = this.#position;
    const missed = this.#begun;
    this.#begun = true;
    if (!recoverable) {
      this.#position = undefined;
      this.#replayTo = 0;
      return missed || since ? { gap: { reason: reasons.notKept } } : {};
    }
    this.#replayTo = offset;
    if (!since) {
      // With `last`, and in an inbox, the replay that follows must not count as a repeat.
      this.#position = { epoch, offset: Math.max(0, offset - (missed ? 0 : (this.#last ?? unread))) };
      return missed ? { gap: { reason: reasons.notRecovered, epoch } } : {};
    }
    if (recovered) return { recovered: { since, offset } };
    return this.#unrecovered(since, epoch, offset);
  }

  /** Takes a publication's offset: whether it is news. */
  advance(offset: number | undefined): boolean {
    if (offset === undefined || !this.#position) return true;
    if (offset <= this.#position.offset) return false;
    this.#position = { epoch: this.#position.epoch, offset };
    return true;
  }

  /** Whether a publication was there before the subscription. */
  replayed(offset: number | undefined): boolean {
    return (offset ?? Number.POSITIVE_INFINITY) <= this.#replayTo;
  }

  /** The server told that publications up to `to` are gone for this subscriber. */
  skip({ epoch = this.#position?.epoch, to = 0 }: Frame): void {
    if (epoch === undefined) return;
    const known = epoch === this.#position?.epoch ? this.#position : undefined;
    // Of another epoch nothing is known.
    if (!known) this.#replayTo = 0;
    this.#position = { epoch, offset: Math.max(to, known?.offset ?? 0) };
  }

  /** The position is of no use: begins anew, and tells so. False where there was none. */
  lose(): boolean {
    const known = this.#position;
    this.#position = undefined;
    this.#begun = true;
    return !!known;
  }

  #unrecovered(since: Position, epoch: string, offset: number): Outcome {
    const continues = since.epoch === epoch && since.offset <= offset;
    // What the history still has may follow: the place stays before it.
    this.#position = continues ? since : { epoch, offset: 0 };
    // Nothing was published since: there is nothing to tell.
    const told = continues && since.offset === offset ? since : this.#told;
    this.#told = { epoch, offset };
    // Cut again before anything new was published: the application knows already.
    if (told?.epoch === epoch && told.offset === offset) return {};
    return { gap: { reason: reasons.notRecovered, epoch, from: continues ? since.offset + 1 : 1 } };
  }
}
