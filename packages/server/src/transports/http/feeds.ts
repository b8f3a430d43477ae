/** The transports of plain HTTP, put together. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Disconnect } from '@carillon/protocol';
import { IframeFormats } from './iframe.ts';
import { LongPollTransport } from './long-poll.ts';
import { ndjson } from './ndjson.ts';
import type { FeedAsked, HttpFeedOptions } from './request.ts';
import { sse, sseJson } from './sse.ts';
import { StreamTransport } from './stream-transport.ts';

interface Transport {
  readonly connections: number;
  request(req: IncomingMessage, res: ServerResponse, asked: FeedAsked): Promise<void>;
  close(reason: Disconnect, graceMs: number): Promise<void>;
}

export type HttpFeedName = 'sse' | 'ndjson' | 'iframe' | 'longpoll';

export class HttpFeeds {
  /** By the name that requests use. */
  readonly transports: ReadonlyMap<HttpFeedName, Transport>;

  constructor(options: HttpFeedOptions) {
    const iframes = new IframeFormats();
    this.transports = new Map<HttpFeedName, Transport>([
      ['sse', new StreamTransport(options, ({ format }) => (format === 'json' ? sseJson : sse))],
      ['ndjson', new StreamTransport(options, () => ndjson)],
      ['iframe', new StreamTransport(options, ({ callback }) => iframes.of(callback ?? 'onmessage'))],
      ['longpoll', new LongPollTransport(options)],
    ]);
  }

  /** Open streams and held polls, by transport. */
  connections(): ReadonlyMap<HttpFeedName, number> {
    return new Map([...this.transports].map(([name, { connections }]) => [name, connections]));
  }

  /** Ends everything with `reason` and takes no more; what is not gone within `graceMs` is cut. */
  async close(reason: Disconnect, graceMs: number): Promise<void> {
    await Promise.all([...this.transports.values()].map((transport) => transport.close(reason, graceMs)));
  }
}
