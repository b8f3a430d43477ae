/** Long-polling: requests that are held until something comes or their time is over, then answered with all there is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Disconnect } from '@carillon/protocol';
import type { PreparedFeed } from '../../core/entry.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { HeldPoll, type PollSurroundings } from './held-poll.ts';
import {
  type Envelope,
  emptyAnswer,
  messagesAnswer,
  type PollAnswer,
  type PollStart,
} from './poll-answer.ts';
import {
  answerHead,
  type FeedAsked,
  type HttpFeedOptions,
  isHead,
  prepare,
  startHeaders,
} from './request.ts';

/** How long a poll is held unless it says; and at most. */
const timeoutMsDefault = 27_000;
const timeoutMsMax = 60_000;
/** How long one waits for a replay that was promised: all of it may exclude this client. */
const replayMs = 1_000;
const tickMs = 100;
/** How long polls are answered before the rest of the process has a turn. */
const sliceMs = 5;

export class LongPollTransport {
  readonly #options: HttpFeedOptions;
  readonly #polls: TimerWheel<HeldPoll>;
  readonly #surroundings: PollSurroundings;
  /** Those that have something to answer. */
  #ready: HeldPoll[] = [];
  readonly #answerTask = (): void => this.#answer();
  /** Polls of one channel are mostly answered with the same bytes. */
  #composed: (PollStart & { readonly bytes: Buffer; readonly answer: PollAnswer }) | undefined;
  #isClosing = false;
  #emptied: (() => void) | undefined;

  constructor(options: HttpFeedOptions) {
    this.#options = options;
    this.#polls = new TimerWheel(options.clock, tickMs, timeoutMsMax, (poll) => poll.due());
    this.#surroundings = {
      polls: this.#polls,
      leaveMs: options.stallTimeoutMs,
      compose: (bytes, start, envelope) => this.#compose(bytes, start, envelope),
      ready: (poll) => {
        this.#ready.push(poll);
        if (this.#ready.length === 1) options.clock.atTurnEnd(this.#answerTask);
      },
      gone: () => {
        if (this.connections === 0) this.#emptied?.();
      },
    };
  }

  /** Requests that are held, or whose answer has not left. */
  get connections(): number {
    return this.#polls.size;
  }

  /** @throws {ReplyError} as {@link prepare}; nothing has been answered then. */
  async request(req: IncomingMessage, res: ServerResponse, asked: FeedAsked): Promise<void> {
    const ready = await prepare(res, asked, this.#options.prepareFeed, () => this.#isClosing);
    if (ready === undefined) return;
    const { prepared } = ready;
    const channels = new Set(asked.request.channels).size;
    const start = {
      cursor: prepared.cursor,
      hasLost: prepared.recovered === false,
      isRecoverable: prepared.cursor !== '' && prepared.cursor.split('~').length === channels,
    };
    const envelope = envelopeOf(asked);
    if (isHead(req)) {
      const { type } = emptyAnswer(start, envelope);
      answerHead(res, prepared, [...commonHeaders, 'Content-Type', type, ...startHeaders(prepared)]);
      return;
    }
    const headers = [...commonHeaders, ...recoveredHeader(prepared)];
    const poll = new HeldPoll({ res, channels, start, envelope, headers }, this.#surroundings);
    poll.hold(prepared.open(poll), waitMs(asked, prepared));
  }

  /** Answers every poll and takes no more. Resolves when all answers have left; those that have not within `graceMs` are cut. */
  async close(reason: Disconnect, graceMs: number): Promise<void> {
    this.#isClosing = true;
    if (this.connections === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const poll of [...this.#polls]) poll.close(reason);
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const poll of [...this.#polls]) poll.destroy();
    });
    await emptied;
    cancel();
  }

  /** Turn by turn, so that a publication to very many does not hold up everything else. */
  #answer(): void {
    const { clock } = this.#options;
    const deadline = clock.now() + sliceMs;
    const polls = this.#ready;
    this.#ready = [];
    let done = 0;
    for (const poll of polls) {
      poll.answer();
      done += 1;
      if (done % 32 === 0 && clock.now() >= deadline) break;
    }
    if (done === polls.length) return;
    this.#ready = polls.slice(done).concat(this.#ready);
    clock.atTurnEnd(this.#answerTask);
  }

  #compose(bytes: Buffer | undefined, start: PollStart, envelope: Envelope): PollAnswer {
    if (bytes === undefined) return emptyAnswer(start, envelope);
    if (envelope !== 'json') return messagesAnswer(bytes, start, envelope);
    const last = this.#composed;
    const { hasLost, isRecoverable } = start;
    if (last?.bytes === bytes && last.hasLost === hasLost && last.isRecoverable === isRecoverable) {
      return last.answer;
    }
    const answer = messagesAnswer(bytes, start, envelope);
    this.#composed = { ...start, bytes, answer };
    return answer;
  }
}

const commonHeaders: readonly string[] = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff'];

function recoveredHeader({ recovered }: PreparedFeed): readonly string[] {
  return recovered === undefined ? [] : ['Carillon-Recovered', String(recovered)];
}

function envelopeOf({ callback, format }: FeedAsked): Envelope {
  if (callback !== undefined) return { callback };
  return format === 'raw' ? 'raw' : 'json';
}

/** 0: answer with what this turn brings. */
function waitMs({ timeoutMs }: FeedAsked, { isBehind, recovered }: PreparedFeed): number {
  const wanted = Math.min(timeoutMs ?? timeoutMsDefault, timeoutMsMax);
  // A loss is told at once, with what is kept.
  const wait = recovered === false ? 0 : wanted;
  return isBehind ? Math.max(wait, replayMs) : wait;
}
