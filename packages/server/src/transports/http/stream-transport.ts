/** Feeds as endless answers: Server-Sent Events, NDJSON and the forever-iframe, which differ in their format only. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Disconnect } from '@carillon/protocol';
import { Closing } from '../../core/closing.ts';
import type { PreparedFeed } from '../../core/entry.ts';
import {
  answerHead,
  type FeedAsked,
  type HttpFeedOptions,
  isHead,
  prepare,
  startHeaders,
} from './request.ts';
import type { StreamFormat } from './stream-format.ts';
import { StreamPulse } from './stream-pulse.ts';
import { StreamingConnection, type StreamSurroundings } from './streaming-connection.ts';

export class StreamTransport {
  readonly #options: HttpFeedOptions;
  readonly #formatOf: (asked: FeedAsked) => StreamFormat;
  readonly #pulse: StreamPulse<StreamingConnection>;
  readonly #surroundings: StreamSurroundings;
  readonly #closing: Closing<StreamingConnection>;

  constructor(options: HttpFeedOptions, formatOf: (asked: FeedAsked) => StreamFormat) {
    this.#options = options;
    this.#formatOf = formatOf;
    this.#pulse = new StreamPulse(options.clock, options.stallTimeoutMs);
    this.#closing = new Closing(options.clock, this.#pulse.streams);
    this.#surroundings = { pulse: this.#pulse, gone: () => this.#closing.gone() };
  }

  /** Streams that are open, those that are ending among them. */
  get connections(): number {
    return this.#pulse.streams.size;
  }

  /** @throws {ReplyError} as {@link prepare}; nothing has been answered then. */
  async request(req: IncomingMessage, res: ServerResponse, asked: FeedAsked): Promise<void> {
    const format = this.#formatOf(asked);
    const { endCursor, headers } = format.texts;
    if (endCursor !== undefined && asked.request.cursor === endCursor) {
      res.writeHead(204, ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff']).end();
      return;
    }
    const ready = await prepare(res, asked, this.#options.prepareFeed, () => this.#closing.hasBegun);
    if (ready === undefined) return;
    const { prepared, socket } = ready;
    const head = [...headers, 'X-Content-Type-Options', 'nosniff', ...startHeaders(prepared)];
    if (isHead(req)) answerHead(res, prepared, head);
    else this.#open(res, socket, prepared, asked, format, head);
  }

  /** Ends every stream and takes no more. Resolves when all are gone; those that are not within `graceMs` are destroyed. */
  close(reason: Disconnect, graceMs: number): Promise<void> {
    return this.#closing.close(reason, graceMs);
  }

  #open(
    res: ServerResponse,
    socket: Socket,
    prepared: PreparedFeed,
    asked: FeedAsked,
    format: StreamFormat,
    head: readonly string[],
  ): void {
    res.writeHead(200, [...head]);
    // Head and beginning leave as one packet.
    socket.cork();
    res.flushHeaders();
    const framing = format.framing(res.chunkedEncoding);
    const { preamble, farewell } = format.texts;
    const channels = new Set(asked.request.channels).size;
    const stream = new StreamingConnection({ res, socket, framing, channels, farewell }, this.#surroundings);
    const first = framing.bytes(preamble(prepared));
    if (first.length > 0) stream.write(first);
    stream.listen(prepared.open(stream));
    stream.uncork();
  }
}
