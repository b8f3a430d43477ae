/** The native protocol over plain HTTP: opens sessions, finds them for the requests that belong to them, and ends them all. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type Disconnect, limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import { Closing } from '../../core/closing.ts';
import type { AcceptSession, ConnectRequest } from '../../core/entry.ts';
import { refuse } from '../../core/errors.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { AnswerQueue } from './answer-queue.ts';
import { closeText, nativeNdjson, nativeSse, openingText } from './native-format.ts';
import type { Delivery } from './native-intake.ts';
import { NativePoll, type NativePollSurroundings } from './native-poll.ts';
import { NativeSessions, type SessionKey } from './native-sessions.ts';
import { NativeStream } from './native-stream.ts';
import { socketOf } from './request.ts';
import { StreamPulse } from './stream-pulse.ts';
import type { StreamingConnection, StreamSurroundings } from './streaming-connection.ts';

export interface NativeHttpOptions {
  readonly accept: AcceptSession;
  readonly clock: Clock;
  /** How long unsent bytes may stay without any of them leaving, in milliseconds. */
  readonly stallTimeoutMs: number;
}

export type NativeStreamFormat = 'sse' | 'ndjson';

const formats = { sse: nativeSse, ndjson: nativeNdjson } as const;
const tickMs = 1_000;

/** Origin and address limits are judged by the caller, before it hands over a request. */
export class NativeHttp {
  readonly #options: NativeHttpOptions;
  readonly #pulse: StreamPulse<StreamingConnection>;
  readonly #streamSurroundings: StreamSurroundings;
  readonly #pollSurroundings: NativePollSurroundings;
  readonly #streams = new NativeSessions<NativeStream>();
  readonly #polls = new NativeSessions<NativePoll>();
  readonly #closing: Closing<StreamingConnection>;

  constructor(options: NativeHttpOptions) {
    const { clock, stallTimeoutMs } = options;
    this.#options = options;
    this.#pulse = new StreamPulse(clock, stallTimeoutMs);
    this.#closing = new Closing(clock, this.#pulse.streams);
    this.#streamSurroundings = { pulse: this.#pulse, gone: () => this.#closing.gone() };
    const queue = new AnswerQueue<NativePoll>(clock, (session) => session.answerReady());
    this.#pollSurroundings = {
      deadlines: new TimerWheel<NativePoll>(clock, tickMs, limits.longestPollMs, (session) => session.due()),
      ready: (session) => queue.add(session),
    };
  }

  /** Open sessions, by the name that metrics give them. */
  connections(): readonly (readonly [string, number])[] {
    return [
      ['native-stream', this.#streams.size],
      ['native-longpoll', this.#polls.size],
    ];
  }

  /**
   * Answers with an endless stream that opens a session.
   *
   * @param headers Of the answer, besides those of the format: names and values by turns.
   * @throws {ReplyError} 108 while the server shuts down.
   */
  async openStream(
    res: ServerResponse,
    request: ConnectRequest,
    name: NativeStreamFormat,
    headers: readonly string[],
  ): Promise<void> {
    const socket = await socketOf(res);
    this.#checkOpen();
    if (socket === undefined) return;
    const format = formats[name];
    res.writeHead(200, [...format.headers, ...headers]);
    // Head and first message leave as one packet.
    socket.cork();
    res.flushHeaders();
    const framing = format.framing(res.chunkedEncoding);
    const farewell = (reason: Disconnect): string => format.message(closeText(reason));
    const options = { res, socket, framing, channels: 1, farewell };
    let session = '';
    const stream = new NativeStream(options, this.#streamSurroundings, () => this.#streams.remove(session));
    const listener = this.#options.accept(stream, request);
    session = listener.session;
    const key = { session, secret: newSecret() };
    stream.begin(listener);
    this.#streams.add(key, stream);
    stream.write(stream.wire.message(openingText(key.session, key.secret)));
    stream.uncork();
  }

  /** Opens a session that is polled; `over` hears of its end. @throws {ReplyError} 108 while the server shuts down. */
  openPolls(request: ConnectRequest, over: () => void): string {
    this.#checkOpen();
    let id = '';
    const session = new NativePoll(this.#pollSurroundings, () => {
      if (this.#polls.remove(id)) over();
    });
    const listener = this.#options.accept(session, request);
    id = listener.session;
    const key = { session: id, secret: newSecret() };
    session.begin(listener);
    this.#polls.add(key, session);
    return openingText(key.session, key.secret);
  }

  /**
   * The next answer of a polled session, after `waitMs` at the latest, or when `gone` says that nobody waits for it any more.
   * Undefined where there is no such session.
   *
   * @throws {ReplyError} 107 where `ack` cannot be.
   */
  async poll(key: SessionKey, ack: number, waitMs: number, gone: AbortSignal): Promise<Buffer | undefined> {
    const session = this.#polls.find(key);
    if (session === undefined) return undefined;
    let isAnswered = false;
    // By then another poll may be held, which is not the one that is gone.
    gone.addEventListener('abort', () => !isAnswered && session.answerNothing(), { once: true });
    const answer = await session.poll(ack, waitMs);
    isAnswered = true;
    return answer;
  }

  /** Hands frames to a session, in their order. */
  async deliver(key: SessionKey, frames: readonly string[]): Promise<Delivery> {
    const session = this.#find(key);
    return session === undefined ? 'unknown' : session.intake.take(frames, (frame) => session.receive(frame));
  }

  /** Ends a session at its client's wish. False where there is none. */
  async end(key: SessionKey): Promise<boolean> {
    const session = this.#find(key);
    session?.leave();
    return session !== undefined;
  }

  /** Ends every session and takes no more. Resolves when all streams are gone; those that are not within `graceMs` are destroyed. */
  async close(reason: Disconnect, graceMs: number): Promise<void> {
    for (const session of this.#polls.values()) {
      session.close(reason);
      session.answerReady();
    }
    await this.#closing.close(reason, graceMs);
    for (const session of this.#polls.values()) session.leave();
  }

  #find(key: SessionKey): NativeStream | NativePoll | undefined {
    return this.#streams.find(key) ?? this.#polls.find(key);
  }

  #checkOpen(): void {
    if (this.#closing.hasBegun) throw refuse('notAvailable', 'the server is shutting down; ask again');
  }
}

/** 128 bits that nobody guesses. */
function newSecret(): string {
  return randomBytes(16).toString('base64url');
}
