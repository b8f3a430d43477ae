/** The door of the core: what a transport says of a client, and what it asks. */
import type { Connection, ConnectionListener } from './connection.ts';

/** What is known of a client before it speaks. */
export interface ConnectRequest {
  /** Its IP address, behind trusted proxies the one they name. */
  readonly address: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came with the request, wherever it stood. */
  readonly token?: string;
}

/** Takes a connection that speaks the native protocol. */
export type Accept = (connection: Connection, request: ConnectRequest) => ConnectionListener;

/** A client that wants publications only, and names its channels at once. */
export interface FeedRequest extends ConnectRequest {
  readonly channels: readonly string[];
}

/** A feed whose subscriptions are in force. Exactly one of the two is called. */
export interface PreparedFeed {
  open(connection: Connection): ConnectionListener;
  /** The client went away before it could be opened. */
  cancel(): void;
}

/** Resolves when every subscription is in force. @throws {ReplyError} whose status answers the request. */
export type PrepareFeed = (request: FeedRequest) => Promise<PreparedFeed>;
