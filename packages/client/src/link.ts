/** What a channel asks of the client, so that neither has to know the other. */
import type { ConnectionChange } from './connection-state.ts';
import type { Emitter } from './emitter.ts';
import type { Reason } from './errors.ts';
import type { Settle } from './requests.ts';
import type { Cancel } from './timers.ts';
import type { TokenOption, TokenSource } from './token.ts';

/** The connection as a subscription and the outbox see it. */
export interface ConnectionLink {
  readonly connected: boolean;
  /** The session id before the present one. */
  readonly formerSession: string | undefined;
  /** Connects on first use; tells why not where the client was closed or turned away. */
  use(): Reason | undefined;
  /** Sends a command, JSON text without an id; only while connected. */
  send(command: string, settle: Settle): void;
  /**
   * The same for what makes sense on this connection alone: nothing settles where it is lost, and without an answer it is given up.
   * `token` goes with it, once there is one.
   */
  ask(command: object, settle: Settle, token?: TokenSource): void;
  /** Gives the present connection up and comes back. */
  lost(reason: Reason): void;
  /** The same with a fresh token; false where there is no way to get one. */
  renewToken(reason: Reason): boolean;
  /** Runs `task` after the backoff that follows so many failures in a row. */
  later(failures: number, task: () => void): Cancel;
}

/** What waits for the connection, as a channel sees it. */
export interface OutboxLink {
  /**
   * Sends a command, JSON text without an id, that may be sent twice, as soon as the client is connected and `ready` says so, and again after a
   * cut; `once`: never again. Rejects with a CarillonError.
   */
  submit(command: string, ready: () => boolean, once?: boolean): Promise<unknown>;
  /** Looks again at what waits for `ready`. */
  flush(): void;
  /** A key that no other publication has. */
  uniqueKey(): string;
}

/** A channel's way to the client. */
export interface Link {
  readonly connection: ConnectionLink;
  readonly outbox: OutboxLink;
  /** Where the client tells of its connection. */
  readonly events: Pick<Emitter<{ readonly state: [change: ConnectionChange] }>, 'on'>;
  /** Where a token of its own comes from. */
  tokenSource(source: TokenOption): TokenSource;
  /** Tells the application of an error that no promise of its own carries. */
  report(error: unknown): void;
}
