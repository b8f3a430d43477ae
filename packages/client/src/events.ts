/** What a channel is told and tells: options, states, messages, gaps. */
import type { Member, Position } from '@carillon/protocol';
import type { Reason } from './errors.ts';
import type { TokenOption } from './token.ts';

/**
 * - `unsubscribed`: not wanted, or refused, or ended by the server.
 * - `subscribing`: wanted and not in force: asked for, or waiting for the connection.
 * - `subscribed`: in force.
 */
export type SubscriptionState = 'unsubscribed' | 'subscribing' | 'subscribed';

/** What a `state` listener of a channel hears. A try that will be repeated is told as another `subscribing`. */
export interface SubscriptionChange {
  readonly state: SubscriptionState;
  readonly reason: Reason;
}

/** Where a new subscription begins; by default with what is published from now on. */
export interface SubscribeOptions {
  /** After this position, as far as the history reaches: what an earlier {@link Channel.position} was. */
  readonly since?: Position;
  /** With the newest so many publications. */
  readonly last?: number;
  /**
   * What admits this client to the channel, where the server asks for it: a token, or a function that fetches one. It is kept for
   * later subscriptions of this channel; the function is asked again, once in a row, where the server says that the token expired.
   */
  readonly token?: TokenOption;
}

/** One publication as it reached this client. */
export interface Message<T = unknown> {
  readonly channel: string;
  /** What JSON.parse makes of the published data. */
  readonly data: T;
  /** Its number in the channel; absent where the channel keeps no history. */
  readonly offset?: number;
  /** Present where `data` is the base64 of bytes. */
  readonly binary?: true;
  /** It was published before the subscription came into force, and comes from the history. */
  readonly recovered: boolean;
}

/**
 * Publications are missing, or may be: fetch the present state by other means. What is absent is not known.
 * It comes before the messages after the gap.
 */
export interface Gap {
  readonly channel: string;
  /** {@link reasons} `notRecovered`, `notKept` or `skipped`. */
  readonly reason: Reason;
  /** The epoch that `from` and `to` belong to. Another one than before: the channel's history began anew. */
  readonly epoch?: string;
  /** The first offset that is missing. */
  readonly from?: number;
  /** The last offset that is missing. */
  readonly to?: number;
}

/** The subscription came back, and everything missed follows: nothing is lost. */
export interface Recovery {
  readonly channel: string;
  /** The last position before. */
  readonly since: Position;
  /** The channel's newest offset. The messages up to it, other than those that exclude this client, follow. */
  readonly offset: number;
}

/** An inbox was acknowledged by another session of its user. */
export interface Ack {
  readonly channel: string;
  /** Whose place moved; absent: of all devices. */
  readonly device?: string;
  /** Everything up to here is acknowledged. */
  readonly offset: number;
  /** How many publications no device has acknowledged. */
  readonly unread: number;
}

/** The events of a channel and the arguments of their listeners. */
export interface ChannelEvents<T> {
  /** A publication, each once and in order. */
  readonly message: [data: T, message: Message<T>];
  readonly state: [change: SubscriptionChange];
  readonly gap: [gap: Gap];
  readonly recovered: [recovery: Recovery];
  /**
   * Somebody came, changed or went, where the channel announces it: put `member.session` into a list, or take it out, and take
   * `member.former` out in both cases. What happened during a cut, or in a `gap` without offsets, is not told: ask `presence()` again.
   */
  readonly join: [member: Member];
  readonly leave: [member: Member];
  readonly ack: [ack: Ack];
}
