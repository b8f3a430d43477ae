/** What hooks are told and what they may answer, as the ones who write hooks see it: data is a value, not its text. */
import type { HookEvents } from '../core/hooks.ts';
import type { LifecycleEvents } from '../core/lifecycle.ts';

/** A connection has come; nothing that it sends is looked at before the answer. */
export type ConnectEvent = HookEvents['connect'];

/** A token that nothing in the config knows. */
export type AuthEvent = HookEvents['auth'];

/** A client wants to subscribe, and the rule lets it, or leaves it to the hook (`subscribe: 'hook'`). */
export interface SubscribeEvent extends Omit<HookEvents['subscribe'], 'data'> {
  /** What the client gave with its command. */
  readonly data?: unknown;
}

/** Something is to be published, and the rule lets it, or leaves it to the hook (`publish: 'hook'`). */
export interface PublishEvent extends Omit<HookEvents['publish'], 'data'> {
  /** A whole number beyond 2^53 has lost digits here; what is published keeps them unless the hook answers with data of its own. */
  readonly data: unknown;
}

/** A frame on a `/sub` WebSocket, or a command that the protocol does not know. */
export interface MessageEvent extends Omit<HookEvents['message'], 'data'> {
  readonly data: unknown;
}

/** The command `call`. */
export interface CallEvent extends Omit<HookEvents['call'], 'data'> {
  readonly data: unknown;
}

export type DisconnectEvent = LifecycleEvents['disconnect'];
export type ChannelOccupiedEvent = LifecycleEvents['channelOccupied'];
export type ChannelVacatedEvent = LifecycleEvents['channelVacated'];
export type UserOnlineEvent = LifecycleEvents['userOnline'];
export type UserOfflineEvent = LifecycleEvents['userOffline'];
export type InboxOverdueEvent = LifecycleEvents['inboxOverdue'];

/** Whom a token, or a connection, stands for. */
export interface IdentityAnswer {
  /** 1 to 255 bytes; a whole number becomes its decimal text. Absent: somebody, but nobody in particular. */
  readonly user?: string | number;
  /** What others may see of the user, any JSON. */
  readonly info?: unknown;
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  /** Names or patterns that rules of kind `token` admit. */
  readonly channels?: readonly string[];
  /** Seconds from now; the session ends then unless it is refreshed. */
  readonly expires?: number;
}

/** What is published instead. */
export interface DataAnswer {
  readonly data: unknown;
}
