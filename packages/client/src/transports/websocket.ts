/** The native protocol over a WebSocket: the runtime's own, or the one that was given. */
import { CarillonError } from '../errors.ts';
import * as reasons from '../reasons.ts';
import type { Transport, TransportCallbacks, TransportConnection } from '../transport.ts';

/** What the SDK uses of a WebSocket; the browser's, Node's, Deno's, Bun's and `ws` all have it. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'error', listener: () => unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => unknown): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  send(text: string): void;
  close(code?: number): void;
}

/** A WebSocket class. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** @throws CarillonError where the runtime has none, and none was given. */
export function webSocketTransport(WebSocket: WebSocketConstructor = globalThis.WebSocket): Transport {
  if (!WebSocket) throw new CarillonError(reasons.noTransport);
  return { name: 'websocket', open: (url, callbacks) => open(new WebSocket(url), callbacks) };
}

function open(socket: WebSocketLike, callbacks: TransportCallbacks): TransportConnection {
  let live = true;
  socket.addEventListener('open', () => live && callbacks.opened());
  socket.addEventListener('message', ({ data }) => live && callbacks.received(data));
  socket.addEventListener('close', ({ code, reason }) => {
    if (live) callbacks.closed(code, reason || reasons.connectionLost.message);
    live = false;
  });
  // `close` follows and tells enough; without a listener some implementations throw.
  socket.addEventListener('error', () => {});
  return {
    send: (text) => socket.send(text),
    close: () => {
      live = false;
      socket.close(1000);
    },
  };
}
