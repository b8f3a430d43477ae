/** One long-poll: gathers what is written to it within one turn, and answers with that. */
import type { ServerResponse } from 'node:http';
import { type Disconnect, disconnects, errorCodes, limits, shouldReconnect } from '@carillon/protocol';
import type { Connection, ConnectionListener } from '../../core/connection.ts';
import type { TimerWheel, WheelEntry } from '../../core/timer-wheel.ts';
import type { Wire } from '../../core/wire.ts';
import { type Envelope, type PollAnswer, type PollStart, pollWire } from './poll-answer.ts';

/** What all polls of a transport have in common. */
export interface PollSurroundings {
  readonly polls: TimerWheel<HeldPoll>;
  /** How long an answer may take to leave before its socket is destroyed, in milliseconds. */
  readonly leaveMs: number;
  compose(bytes: Buffer | undefined, start: PollStart, envelope: Envelope): PollAnswer;
  /** The poll is to be answered at the end of this turn. */
  ready(poll: HeldPoll): void;
  /** A poll is over, and its socket gone or used for the next request. */
  gone(): void;
}

export interface PollOptions {
  readonly res: ServerResponse;
  readonly channels: number;
  readonly start: PollStart;
  readonly envelope: Envelope;
  /** Of the answer, besides type, length and cursor: names and values by turns. */
  readonly headers: readonly string[];
}

/** Leads from an answer to its poll, so that all answers share one listener. */
const pollOf = Symbol('poll');
interface CarrierResponse extends ServerResponse {
  [pollOf]?: HeldPoll;
}

const nothing: readonly Buffer[] = Object.freeze([]);

export class HeldPoll implements Connection, WheelEntry {
  readonly wire: Wire;
  readonly #options: PollOptions;
  readonly #surroundings: PollSurroundings;
  #listener: ConnectionListener | undefined;
  /** Shared and empty until something comes. */
  #frames: readonly Buffer[] = nothing;
  #bytes = 0;
  #isReady = false;
  #isAnswered = false;

  /** The wheel's. */
  dueTick = 0;

  constructor(options: PollOptions, surroundings: PollSurroundings) {
    this.wire = pollWire(options.channels);
    this.#options = options;
    this.#surroundings = surroundings;
    const { res } = options;
    (res as CarrierResponse)[pollOf] = this;
    res.on('close', onClose);
  }

  /** Waits, for 0 ms until the end of this turn. */
  hold(listener: ConnectionListener, waitMs: number): void {
    const { polls } = this.#surroundings;
    this.#listener = listener;
    // One more, because a deadline set between two ticks comes early.
    polls.schedule(this, polls.ticks(waitMs) + 1);
    if (waitMs === 0) this.#becomeReady();
  }

  write(bytes: Buffer): boolean {
    if (this.#isAnswered) return true;
    if (this.#bytes === 0) this.#frames = [bytes];
    else (this.#frames as Buffer[]).push(bytes);
    this.#bytes += bytes.length;
    this.#becomeReady();
    // Full: the rest comes with the next poll.
    return this.#bytes < limits.pollAnswerBytes;
  }

  cork(): void {}

  uncork(): boolean {
    return this.#isAnswered || this.#bytes < limits.pollAnswerBytes;
  }

  /** A poll takes nothing from its client. */
  pause(): void {}

  resume(): void {}

  close(reason: Disconnect): void {
    if (this.#isAnswered) return;
    if (reason.code === disconnects.shutdown.code) this.#options.res.shouldKeepAlive = false;
    if (shouldReconnect(reason.code)) this.#send(this.#composed());
    else this.#send(this.#refusal(reason), this.#isScript ? 200 : errorCodes.permissionDenied.status);
    process.nextTick(tellClosed, this);
  }

  /** Answers with what has come. */
  answer(): void {
    if (this.#isAnswered) return;
    this.#send(this.#composed());
    this.closed();
  }

  /** Its time is over. */
  due(): void {
    if (!this.#isAnswered) this.answer();
    else {
      // It stays counted until the socket has said that it is gone.
      this.#surroundings.polls.schedule(this, 1);
      this.destroy();
    }
  }

  destroy(): void {
    this.#options.res.destroy();
  }

  /** The answer has left, or the client has. */
  answerClosed(): void {
    this.#isAnswered = true;
    this.#frames = nothing;
    this.#surroundings.polls.remove(this);
    this.closed();
    this.#surroundings.gone();
  }

  /** Tells the listener, once. */
  closed(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed();
  }

  #becomeReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#surroundings.ready(this);
  }

  #composed(): PollAnswer {
    const [only] = this.#frames;
    const bytes = this.#frames.length > 1 ? Buffer.concat(this.#frames, this.#bytes) : only;
    return this.#surroundings.compose(bytes, this.#options.start, this.#options.envelope);
  }

  get #isScript(): boolean {
    return typeof this.#options.envelope === 'object';
  }

  #refusal({ code, reason }: Disconnect): PollAnswer {
    const { start, envelope } = this.#options;
    const message = `${errorCodes.permissionDenied.message}: the server ended this feed (${code} ${reason})`;
    const text = JSON.stringify({ error: { code: errorCodes.permissionDenied.code, message } });
    const [type, body] =
      typeof envelope === 'object'
        ? ['text/javascript; charset=utf-8', `${envelope.callback}(${text});`]
        : ['application/json; charset=utf-8', text];
    return { status: 200, type, body: Buffer.from(body), cursor: start.cursor };
  }

  #send({ status, type, body, cursor }: PollAnswer, other?: number): void {
    this.#isAnswered = true;
    this.#frames = nothing;
    const { res, headers } = this.#options;
    const { polls, leaveMs } = this.#surroundings;
    polls.schedule(this, polls.ticks(leaveMs));
    const head = [...headers];
    if (cursor !== '') head.push('Carillon-Cursor', cursor);
    if (status === 200) head.push('Content-Type', type, 'Content-Length', String(body.length));
    res.writeHead(other ?? status, head);
    res.end(body);
  }
}

function onClose(this: CarrierResponse): void {
  this[pollOf]?.answerClosed();
}

function tellClosed(poll: HeldPoll): void {
  poll.closed();
}
