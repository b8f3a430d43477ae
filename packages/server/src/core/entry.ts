/** The door of the core: what a transport says of a client, and what it asks. */
import type { Identity } from './access.ts';
import type { Connection, ConnectionListener } from './connection.ts';

/** What is known of a client before it speaks. */
export interface ConnectRequest {
  /** Its IP address, behind trusted proxies the one they name. */
  readonly address: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came with the request, wherever it stood. */
  readonly token?: string;
  /** Which of its user's devices it says to be; 1 to 255 bytes. */
  readonly device?: string;
  /** Where a transport had to know before it could answer: it has been let in. The token is not looked at again. */
  readonly admitted?: Admitted;
}

/** A client that has been let in. */
export interface Admitted {
  /** The id of the session that it is to have. */
  readonly session: string;
  /** Absent where it showed nothing. */
  readonly identity?: Identity;
}

/**
 * Has a client judged before anything is answered; hand what comes of it to {@link Accept}.
 *
 * @throws {ReplyError} whose status answers the request: the application's refusal, or that of its token.
 */
export type Admit = (request: ConnectRequest) => Promise<ConnectRequest>;

/** Takes a connection that speaks the native protocol. */
export type Accept = (connection: Connection, request: ConnectRequest) => ConnectionListener;

/** What a transport may call for a client of the native protocol. */
export interface SessionListener extends ConnectionListener {
  /** The id of the session. */
  readonly session: string;
}

/** The same, for transports that tell the session's id themselves. */
export type AcceptSession = (connection: Connection, request: ConnectRequest) => SessionListener;

/** A client that wants publications only, and names its channels at once. Without `cursor`, `from` and `last` it starts at the newest. */
export interface FeedRequest extends ConnectRequest {
  readonly channels: readonly string[];
  /** As an earlier answer gave it. Wins over the other two. */
  readonly cursor?: string;
  /** Everything that is kept. */
  readonly from?: 'oldest';
  /** The newest `last` that are kept, per channel. */
  readonly last?: number;
  /** It ends with its first answer, and another one follows: nobody is told of its coming and going. */
  readonly isPoll?: true;
}

/** A feed whose subscriptions are in force. Exactly one of the two methods is called. */
export interface PreparedFeed {
  /** Whether nothing is missing since the cursor; undefined when there was none. */
  readonly recovered: boolean | undefined;
  /** Where the client starts; empty when none of its channels keeps history. */
  readonly cursor: string;
  /** Something is to be replayed at once. */
  readonly isBehind: boolean;
  open(connection: Connection): ConnectionListener;
  /** The client went away before it could be opened. */
  cancel(): void;
}

/** Resolves when every subscription is in force. @throws {ReplyError} whose status answers the request. */
export type PrepareFeed = (request: FeedRequest) => Promise<PreparedFeed>;
