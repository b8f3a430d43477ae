/** What the SDK asks of a way to reach the server; the WebSocket is one, streams and polling are others. */

/** The ways, the best first. */
export type TransportName = 'websocket' | 'sse' | 'longpoll';

/** What a transport tells about the connection that it opened. After `closed` it tells nothing more. */
export interface TransportCallbacks {
  /** Commands can be sent. `session` is told where the transport itself learns it. */
  opened(session?: string): void;
  /** One frame of the native protocol. Anything but text is a fault that the receiver judges. */
  received(frame: unknown): void;
  /** The connection is over, or never came about. `code` is a close code. */
  closed(code: number, reason: string): void;
}

/** One connection, open or on its way. */
export interface TransportConnection {
  /** Sends one frame. Only between `opened` and `closed`. */
  send(text: string): void;
  /** Gives the connection up. No callback is called from here on. */
  close(): void;
}

export interface Transport {
  /** What it is; of several, the one in use. */
  readonly name: TransportName;
  /** Starts a connection to the address of the WebSocket and returns at once; the callbacks come later, never from inside this call. */
  open(url: string, callbacks: TransportCallbacks): TransportConnection;
}
