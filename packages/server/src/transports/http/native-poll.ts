/** A native session whose messages are fetched poll by poll: what was sent is kept until the next poll says that it arrived. */
import { type Disconnect, disconnects, limits } from '@carillon/protocol';
import type { Connection } from '../../core/connection.ts';
import type { SessionListener } from '../../core/entry.ts';
import { refuse } from '../../core/errors.ts';
import type { TimerWheel, WheelEntry } from '../../core/timer-wheel.ts';
import { closeText, nativePollWire } from './native-format.ts';
import { Intake } from './native-intake.ts';
import type { NativeSession } from './native-sessions.ts';

/** What all sessions of this kind have in common. */
export interface NativePollSurroundings {
  /** Every session is in it: with the end of its held poll, or its own. */
  readonly deadlines: TimerWheel<NativePoll>;
  /** A held poll is to be answered at the end of this turn. */
  ready(session: NativePoll): void;
}

const comma = 1;
const bodyEnd = Buffer.from(']}');

export class NativePoll implements Connection, WheelEntry, NativeSession {
  readonly wire = nativePollWire;
  readonly intake = new Intake();
  readonly #surroundings: NativePollSurroundings;
  readonly #over: () => void;
  #listener: SessionListener | undefined;
  /** What came since the last answer. */
  #fresh: Buffer[] = [];
  #freshBytes = 0;
  /** The last answer, until it is acknowledged. */
  #sent: Buffer | undefined;
  #seq = 0;
  #held: ((answer: Buffer) => void) | undefined;
  #isFull = false;
  #isCorked = false;
  #isReady = false;
  /** Nothing more is written; what is there can still be fetched. */
  #isEnded = false;

  /** The wheel's. */
  dueTick = 0;

  /** `over` hears once that nothing is left to fetch. */
  constructor(surroundings: NativePollSurroundings, over: () => void) {
    this.#surroundings = surroundings;
    this.#over = over;
    this.#rest(0);
  }

  /** Call it in the turn of the constructor. */
  begin(listener: SessionListener): void {
    this.#listener = listener;
  }

  /**
   * The next answer, as soon as there is something for it, and after `waitMs` in any case. Undefined: the session is over.
   *
   * @throws {ReplyError} 107 where `ack` is neither the number of the last answer nor the one before.
   */
  poll(ack: number, waitMs: number): Promise<Buffer | undefined> {
    this.answerNothing();
    if (this.#sent !== undefined && ack === this.#seq - 1) return this.#again(this.#sent);
    if (ack !== this.#seq)
      throw refuse('badRequest', `'ack' must be ${this.#seq}, the 'seq' of the last answer`);
    this.#sent = undefined;
    this.#drain();
    if (this.#freshBytes > 0) return Promise.resolve(this.#compose());
    if (this.#isEnded) {
      this.#end();
      return Promise.resolve(undefined);
    }
    const { deadlines } = this.#surroundings;
    // One more, because a deadline set between two ticks comes early.
    deadlines.schedule(this, deadlines.ticks(waitMs) + 1);
    return new Promise((resolve) => {
      this.#held = resolve;
    });
  }

  /** Ends the held poll, if there is one, without messages: another took its place, its time is over, or its client went away. */
  answerNothing(): void {
    const answer = this.#held;
    if (answer === undefined) return;
    this.#held = undefined;
    this.#rest(0);
    answer(Buffer.from(`{"seq":${this.#seq},"messages":[]}`));
  }

  /** Answers the held poll with what has come. */
  answerReady(): void {
    this.#isReady = false;
    const answer = this.#held;
    if (answer === undefined || this.#freshBytes === 0) return;
    this.#held = undefined;
    answer(this.#compose());
  }

  /** The wheel's: the poll, or the session, has waited long enough. */
  due(): void {
    if (this.#held !== undefined) this.answerNothing();
    else this.#end();
  }

  write(bytes: Buffer): boolean {
    if (this.#isEnded) return true;
    this.#put(bytes);
    return this.#hasRoom();
  }

  cork(): void {
    this.#isCorked = true;
  }

  uncork(): boolean {
    this.#isCorked = false;
    if (this.#freshBytes > 0) this.#becomeReady();
    return this.#isEnded || this.#hasRoom();
  }

  pause(): void {
    this.intake.pause();
  }

  resume(): void {
    this.intake.resume();
  }

  close(reason: Disconnect): void {
    if (this.#isEnded) return;
    this.#put(this.wire.message(closeText(reason)));
    this.#isEnded = true;
    this.intake.close();
    process.nextTick(tellClosed, this);
  }

  receive(frame: string): void {
    if (!this.#isEnded) this.#listener?.received(frame);
  }

  leave(): void {
    this.close(disconnects.normal);
    this.answerReady();
    this.#end();
  }

  /** Tells the listener, once. */
  closed(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed();
  }

  #put(bytes: Buffer): void {
    this.#fresh.push(bytes);
    this.#freshBytes += bytes.length;
    if (!this.#isCorked) this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.#isReady || this.#held === undefined) return;
    this.#isReady = true;
    this.#surroundings.ready(this);
  }

  #hasRoom(): boolean {
    this.#isFull = this.#freshBytes + (this.#sent?.length ?? 0) >= limits.mailboxBytes;
    return !this.#isFull;
  }

  #drain(): void {
    if (!this.#isFull || !this.#hasRoom()) return;
    this.#listener?.drained();
  }

  #compose(): Buffer {
    this.#seq += 1;
    const head = Buffer.from(`{"seq":${this.#seq},"messages":[`);
    const messages = Buffer.concat(this.#fresh, this.#freshBytes).subarray(comma);
    this.#fresh = [];
    this.#freshBytes = 0;
    this.#sent = Buffer.concat([head, messages, bodyEnd]);
    this.#rest(this.#sent.length);
    return this.#sent;
  }

  #again(answer: Buffer): Promise<Buffer> {
    this.#rest(answer.length);
    return Promise.resolve(answer);
  }

  /** No poll is held: the next must come in time. */
  #rest(answerBytes: number): void {
    const { deadlines } = this.#surroundings;
    const ms = limits.pollIdleMs + (answerBytes / limits.pollIdleBytesPerSecond) * 1_000;
    deadlines.schedule(this, deadlines.ticks(ms) + 1);
  }

  #end(): void {
    this.#isEnded = true;
    this.#fresh = [];
    this.#sent = undefined;
    this.intake.close();
    this.#surroundings.deadlines.remove(this);
    this.closed();
    this.#over();
  }
}

function tellClosed(session: NativePoll): void {
  session.closed();
}
