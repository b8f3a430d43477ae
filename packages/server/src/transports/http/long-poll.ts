/** Long-polling: requests that are held until something comes or their time is over, then answered with all there is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Disconnect, limits } from '@carillon/protocol';
import { Closing } from '../../core/closing.ts';
import type { PreparedFeed } from '../../core/entry.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { AnswerQueue } from './answer-queue.ts';
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

/** How long one waits for a replay that was promised: all of it may exclude this client. */
const replayMs = 1_000;
const tickMs = 100;

export class LongPollTransport {
  readonly #options: HttpFeedOptions;
  readonly #polls: TimerWheel<HeldPoll>;
  readonly #surroundings: PollSurroundings;
  readonly #closing: Closing<HeldPoll>;
  /** Polls of one channel are mostly answered with the same bytes. */
  #composed: (PollStart & { readonly bytes: Buffer; readonly answer: PollAnswer }) | undefined;

  constructor(options: HttpFeedOptions) {
    this.#options = options;
    this.#polls = new TimerWheel(options.clock, tickMs, limits.longestPollMs, (poll) => poll.due());
    this.#closing = new Closing(options.clock, this.#polls);
    const queue = new AnswerQueue<HeldPoll>(options.clock, (poll) => poll.answer());
    this.#surroundings = {
      polls: this.#polls,
      leaveMs: options.stallTimeoutMs,
      compose: (bytes, start, envelope) => this.#compose(bytes, start, envelope),
      ready: (poll) => queue.add(poll),
      gone: () => this.#closing.gone(),
    };
  }

  /** Requests that are held, or whose answer has not left. */
  get connections(): number {
    return this.#polls.size;
  }

  /** @throws {ReplyError} as {@link prepare}; nothing has been answered then. */
  async request(req: IncomingMessage, res: ServerResponse, asked: FeedAsked): Promise<void> {
    const polled = { ...asked, request: { ...asked.request, isPoll: true } } as const;
    const ready = await prepare(res, polled, this.#options.prepareFeed, () => this.#closing.hasBegun);
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
  close(reason: Disconnect, graceMs: number): Promise<void> {
    return this.#closing.close(reason, graceMs);
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
  const wanted = Math.min(timeoutMs ?? limits.defaultPollMs, limits.longestPollMs);
  // A loss is told at once, with what is kept.
  const wait = recovered === false ? 0 : wanted;
  return isBehind ? Math.max(wait, replayMs) : wait;
}
