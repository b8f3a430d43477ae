/** The native protocol over a WebSocket: the runtime's own, or the one that was given. */
import type { Transport, TransportCallbacks, TransportConnection } from '../transport.ts';

/** What the SDK uses of a WebSocket; the browser's, Node's, Deno's, Bun's and `ws` all have it. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
  send(text: string): void;
  close(code?: number): void;
}

/** A WebSocket class. */
export type WebSocketConstructor = new (url: string) => WebSocketLike;

export class WebSocketTransport implements Transport {
  readonly name = 'websocket';
  readonly #WebSocket: WebSocketConstructor;

  constructor(WebSocket: WebSocketConstructor) {
    this.#WebSocket = WebSocket;
  }

  open(url: string, callbacks: TransportCallbacks): TransportConnection {
    const socket = new this.#WebSocket(url);
    let live = true;
    socket.addEventListener('open', () => {
      if (live) callbacks.opened();
    });
    socket.addEventListener('message', ({ data }) => {
      if (live) callbacks.received(data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (!live) return;
      live = false;
      callbacks.closed(code, reason || 'the connection was lost');
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
}
