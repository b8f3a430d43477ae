/** What a client can be told, and the defaults. */
import { type BackoffOptions, defaultBackoff } from './backoff.ts';
import type { Channel } from './channel.ts';
import { frameBytes } from './codes.ts';
import { realTimers, type Timers } from './timers.ts';
import { type TokenOption, TokenSource } from './token.ts';
import type { Transport } from './transport.ts';
import { type WebSocketConstructor, webSocketTransport } from './transports/websocket.ts';

export interface CarillonOptions {
  /**
   * Who this client is: a token, or a function that fetches one. The function is asked again when the server refuses a token or
   * says that it expired, at most three times in a row. The token is sent inside the connection, never in its address.
   */
  readonly token?: TokenOption;
  /** Which of its user's devices this is, 1 to 255 bytes: in an inbox each has a place of its own. Without it the server takes it as `default`. */
  readonly device?: string;
  /** The WebSocket class, where the runtime has none or another is wanted. Default `globalThis.WebSocket`. */
  readonly WebSocket?: WebSocketConstructor;
  /** The wait between two tries to connect. Default 300 ms to 20 s. */
  readonly backoff?: Partial<BackoffOptions>;
  /** Milliseconds for the token, for connecting, and for each reply. Default 10,000. */
  readonly timeoutMs?: number;
  /** Publications and history requests that may wait for a connection. Default 100. */
  readonly queueLimit?: number;
  /** Milliseconds from the call until a command that waits for a connection is given up. Default 60,000; keep it well below five minutes. */
  readonly queueTimeoutMs?: number;
  /** The largest command in bytes; what is larger is refused here, because the server would close the connection. Default 65,536. */
  readonly maxFrameBytes?: number;
}

/** What tests and the full client replace. Not part of the SDK's promise. */
export interface Internals {
  readonly timers?: Timers;
  readonly transport?: Transport;
  readonly Channel?: typeof Channel;
}

/** What a client works with: the options with their defaults filled in. */
export type Settings = ReturnType<typeof complete>;

export function complete(
  address: string | URL | undefined,
  options: CarillonOptions,
  { transport, timers = realTimers }: Internals,
) {
  const { device, timeoutMs = 10_000 } = options;
  return {
    url: webSocketUrl(address, device),
    device,
    token: new TokenSource(options.token, timers, timeoutMs),
    transport: transport ?? webSocketTransport(options.WebSocket),
    timers,
    backoff: { ...defaultBackoff, ...options.backoff },
    timeoutMs,
    queueLimit: options.queueLimit ?? 100,
    queueTimeoutMs: options.queueTimeoutMs ?? 60_000,
    maxFrameBytes: options.maxFrameBytes ?? frameBytes,
  };
}

/**
 * The address of the native protocol: `http` becomes `ws`, an address without a path gets `/ws`, and the device goes along.
 * @throws TypeError where it is no address.
 */
export function webSocketUrl(address: string | URL | undefined, device?: string): string {
  const page: string | undefined = (globalThis.location as Location | undefined)?.href;
  const url = new URL(address ?? '/', page);
  url.protocol = url.protocol.replace('http', 'ws');
  url.hash = '';
  if (url.pathname === '/') url.pathname = '/ws';
  if (device) url.searchParams.set('device', device);
  return url.href;
}
