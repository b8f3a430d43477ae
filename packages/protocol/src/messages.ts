/** The native protocol, message by message. PROTOCOL.md says what each means. */

/** A place in a channel's stream. Offsets compare only within one epoch. */
export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** JSON text that was checked at the door and is opaque from there on. */
export type JsonText = string;

/** A command's number or name, chosen by the client and echoed in the reply. */
export type CommandId = number | string;

/** What a client sends. `data` is any JSON value. */
export type Command = { readonly id?: CommandId } & (
  | { readonly op: 'auth'; readonly token: string; readonly device?: string }
  | {
      readonly op: 'subscribe';
      readonly channel: string;
      readonly since?: Position;
      readonly last?: number;
      readonly session?: string;
      /** For this one channel, where its rule says `token`. */
      readonly token?: string;
      readonly data?: unknown;
    }
  | { readonly op: 'unsubscribe'; readonly channel: string }
  | {
      readonly op: 'publish';
      readonly channel: string;
      readonly data: unknown;
      readonly idempotency_key?: string;
    }
  | {
      readonly op: 'history';
      readonly channel: string;
      readonly since?: Position;
      readonly limit?: number;
      readonly reverse?: boolean;
    }
  | { readonly op: 'presence' | 'presence_stats'; readonly channel: string }
  | { readonly op: 'call'; readonly method: string; readonly data: unknown }
  | { readonly op: 'ack'; readonly channel: string; readonly offset: number; readonly epoch?: string }
  | { readonly op: 'refresh'; readonly token: string }
  | { readonly op: 'ping' }
);

/** The result of a `subscribe` with an id. Position fields are absent where the channel keeps no history. */
export interface SubscribeResult {
  readonly channel: string;
  readonly epoch?: string;
  readonly offset?: number;
  /** Nothing after the `since` of the command is missing. */
  readonly recovered: boolean;
  /** The channel keeps history, so a later `since` can be asked for. */
  readonly recoverable: boolean;
  /** Of the owner's inbox: kept publications that this device has not acknowledged. */
  readonly unread?: number;
}

/** The result of a `publish` with an id; empty where the channel keeps no history. */
export interface PublishResult {
  readonly epoch?: string;
  readonly offset?: number;
}

/** One publication as history tells it. */
export interface HistoryItem {
  readonly offset: number;
  readonly data: unknown;
  /** True where `data` is base64 of bytes that a client sent as a binary frame. */
  readonly binary?: true;
}

export interface HistoryResult {
  readonly publications: readonly HistoryItem[];
  readonly epoch: string;
  readonly offset: number;
}

/** What the server sends unasked. */
export type ServerEvent =
  | { readonly event: string; readonly data: unknown; readonly offset?: number; readonly binary?: true }
  | { readonly event: string; readonly type: 'join' | 'leave'; readonly member: Member }
  | {
      readonly event: string;
      readonly type: 'subscribed';
      readonly epoch?: string;
      readonly offset?: number;
      readonly recoverable: boolean;
    }
  | {
      readonly event: string;
      readonly type: 'ack';
      /** Absent: all devices. */
      readonly device?: string;
      readonly offset: number;
      /** What no device has acknowledged. */
      readonly unread: number;
    }
  | { readonly event: string; readonly type: 'unsubscribed'; readonly code: number; readonly msg: string }
  | {
      readonly event: string;
      readonly type: 'gap';
      readonly epoch?: string;
      readonly from?: number;
      readonly to?: number;
    }
  | { readonly event: '$server'; readonly type: 'reconnect'; readonly delay: number };

/** One session in a channel's presence. */
export interface Member {
  readonly session: string;
  /** Absent for a session that nobody has logged in to. */
  readonly user?: string;
  /** What its token says that others may see. */
  readonly info?: unknown;
  /** In events: sessions that it took the place of, which no event told. */
  readonly former?: readonly string[];
}

/** The answer to a command. */
export type Reply =
  | { readonly id?: CommandId; readonly result: unknown }
  | { readonly id?: CommandId; readonly code: number; readonly msg: string };

export type ServerMessage = Reply | ServerEvent;
