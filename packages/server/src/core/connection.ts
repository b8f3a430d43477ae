/** One byte pipe to one client. Made by a transport; written to by the hub and by its own session only. */
import type { Disconnect } from '@carillon/protocol';
import type { Wire } from './wire.ts';

export interface Connection {
  readonly wire: Wire;
  /**
   * Hands finished bytes to the kernel. False: some of them are still pending, and nothing more should be written
   * until the listener is told `drained`. Never throws; on a closed connection it does nothing and returns true.
   */
  write(bytes: Buffer): boolean;
  /** Gathers the writes up to `uncork` into one. */
  cork(): void;
  /** Ends `cork`. False, as of `write`. */
  uncork(): boolean;
  /** Stops, or goes on, handing over what the client sends. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what was written. The listener hears `closed` once, later. */
  close(reason: Disconnect): void;
}

/** What the core gives back for a connection: all that a transport may call, in the order of what happens. */
export interface ConnectionListener {
  /** One text message, UTF-8 checked, within the size limit. */
  received(text: string): void;
  /** One binary message. */
  receivedBytes(bytes: Buffer): void;
  /** Everything written has left. */
  drained(): void;
  /** The connection is gone. Nothing follows. `end`: what its close frame said, or why the transport ended it. */
  closed(end?: Partial<Disconnect>): void;
}
