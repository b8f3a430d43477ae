/** The states of a connection, and what the rest of the SDK hears of it. */
import type { Reason } from './errors.ts';
import type { Frame } from './frames.ts';
import type { TransportName } from './transport.ts';

/**
 * - `disconnected`: nothing happens until `connect()`, or until the client is used for the first time.
 * - `connecting`: a connection is being opened and authenticated, or the next try is waited for.
 * - `connected`: commands go through.
 */
export type ConnectionState = 'disconnected' | 'connecting' | 'connected';

/** What a `state` listener of the client hears. A try that failed is told as another `connecting`. */
export interface ConnectionChange {
  readonly state: ConnectionState;
  readonly reason: Reason;
  /** Milliseconds until the next try, where one is waited for. */
  readonly retryInMs?: number;
  /** What the connection goes through; present with `connected`. */
  readonly transport?: TransportName | undefined;
}

export interface ConnectionListener {
  /** Told at every change. */
  changed(change: ConnectionChange): void;
  /** An event of the server. */
  received(event: Frame): void;
  /** An exception in the application's code or the runtime's. */
  report(error: unknown): void;
}
