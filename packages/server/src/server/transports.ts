/** What clients connect through, made of the settings. */
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Node } from '../core/node.ts';
import { HttpFeeds } from '../transports/http/feeds.ts';
import { NativeHttp } from '../transports/http/native-transport.ts';
import { WebSocketTransport } from '../transports/websocket/transport.ts';

export interface Transports {
  readonly websocket: WebSocketTransport;
  /** For backends; no client comes here. */
  readonly apiSockets: WebSocketTransport;
  readonly feeds: HttpFeeds;
  readonly native: NativeHttp;
}

export function makeTransports(
  { auth, websocket, limits }: Settings,
  node: Node,
  clock: Clock,
  log: Log,
): Transports {
  const { cookie } = auth;
  const prepareFeed = node.prepareFeed.bind(node);
  const parts = { accept: node.accept.bind(node), prepareFeed, clock, log };
  return {
    websocket: new WebSocketTransport({
      ...parts,
      settings: websocket,
      ...(cookie !== undefined && { cookieName: cookie }),
    }),
    apiSockets: new WebSocketTransport({
      ...parts,
      settings: { ...websocket, maxFrameBytes: limits.apiBodyBytes },
    }),
    feeds: new HttpFeeds({ prepareFeed, clock, stallTimeoutMs: websocket.stallTimeoutMs }),
    native: new NativeHttp({
      accept: node.accept.bind(node),
      clock,
      stallTimeoutMs: websocket.stallTimeoutMs,
    }),
  };
}

/** Open ones, by transport. */
export function connectionsOf({ websocket, feeds, native }: Transports): ReadonlyMap<string, number> {
  return new Map([['websocket', websocket.connections], ...feeds.connections(), ...native.connections()]);
}
