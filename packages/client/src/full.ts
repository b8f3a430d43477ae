/** The client with every transport. */
import type { DataOfChannel, NoChannels } from '@carillon/protocol';
import { Carillon as WebSocketCarillon } from './client.ts';
import { CarillonError } from './errors.ts';
import { FallbackTransport } from './fallback.ts';
import { Channel } from './full-channel.ts';
import { Ladder } from './ladder.ts';
import { type CarillonOptions, type Internals, webSocketUrl } from './options.ts';
import * as reasons from './reasons.ts';
import { realTimers, type Timers } from './timers.ts';
import type { Transport, TransportName } from './transport.ts';
import { LongPollTransport } from './transports/longpoll.ts';
import { SseTransport } from './transports/sse.ts';
import { webSocketTransport } from './transports/websocket.ts';

/** What a client with every transport can be told. */
export interface FullOptions extends CarillonOptions {
  /**
   * The transports to use, the best first. Default: `websocket`, `sse`, `longpoll`. Where one does not get through, the next is
   * tried, and what worked is remembered for a while.
   */
  readonly transports?: readonly TransportName[];
}

/**
 * A connection to a Carillon server and its channels. It connects on first use, over the best transport that gets through, comes
 * back by itself after every cut, and recovers what was missed.
 *
 * Three states: `disconnected`, `connecting`, `connected`. The `state` event tells every change with its reason.
 *
 * `Channels` says what is published where, by pattern, as `ChannelsOf` takes it from a config. It is for the compiler alone.
 */
export class Carillon<Channels extends object = NoChannels> extends WebSocketCarillon<Channels> {
  /**
   * `url` is the server's address, `http(s)` or `ws(s)`; without a path it means `/ws`. In a browser the default is the page's own
   * server. Nothing is opened before the first use.
   * @throws TypeError where `url` is no address; CarillonError where the runtime has none of the transports.
   */
  constructor(url?: string | URL, options: FullOptions = {}, internals: Internals = {}) {
    const transport = internals.transport ?? transportFor(url, options, internals.timers);
    super(url, options, { ...internals, transport, Channel });
  }

  /** The channel of that name: the same object each time. It subscribes when it is listened to. */
  override channel<const Name extends string>(
    name: string extends Name ? never : Name,
  ): Channel<DataOfChannel<Channels, Name>>;
  /** For names that only the running program knows, or to say by hand what is published there. */
  override channel<T = unknown>(name: string): Channel<T>;
  override channel<T>(name: string): Channel<T> {
    return super.channel<T>(name) as Channel<T>;
  }
}

function transportFor(
  url: string | URL | undefined,
  options: FullOptions,
  timers: Timers = realTimers,
): Transport {
  const names = options.transports ?? (['websocket', 'sse', 'longpoll'] as const);
  const [first, ...others] = names.flatMap((name) => transportOf(name, options) ?? []);
  if (first === undefined) throw new CarillonError(reasons.noTransport);
  if (others.length === 0) return first;
  const ladder = new Ladder([first, ...others], timers, new URL(webSocketUrl(url)).host);
  return new FallbackTransport(ladder, timers);
}

/** Undefined where the runtime lacks what it takes. */
function transportOf(name: TransportName, options: CarillonOptions): Transport | undefined {
  if (name === 'websocket') {
    return options.WebSocket || globalThis.WebSocket ? webSocketTransport(options.WebSocket) : undefined;
  }
  if (typeof fetch !== 'function') return undefined;
  return name === 'sse' ? new SseTransport() : new LongPollTransport();
}
