/** The function that gives a file of hooks its types. */
import type { Carillon } from './carillon.ts';
import type {
  AuthEvent,
  CallEvent,
  ChannelOccupiedEvent,
  ChannelVacatedEvent,
  ConnectEvent,
  DataAnswer,
  DisconnectEvent,
  IdentityAnswer,
  InboxOverdueEvent,
  MessageEvent,
  PublishEvent,
  SubscribeEvent,
  UserOfflineEvent,
  UserOnlineEvent,
} from './events.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: a function that just ends answers this.
type Nothing = void | undefined | null;

/** May be async. Throw an error with a `code` from 400 to 1999 to refuse: code and message become the reply. */
export type Hook<Event, Answer = never> = (
  event: Event,
  carillon: Carillon,
) => Answer | Nothing | Promise<Answer | Nothing>;

/** A backend that is asked instead: it gets `POST {"hook","event"}` and answers 200 with JSON. */
export interface UrlHook {
  readonly url: string;
  /** The time that a call may take, its wait for a free connection included, such as `'2s'`; absent: `hookTimeout`. */
  readonly timeout?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Each hook by its name. Those that are absent cost nothing. */
export interface HookDefinitions {
  /** Answers who the client is, so that it needs no token; nothing: a client like others. A refusal closes the connection. */
  connect?: Hook<ConnectEvent, IdentityAnswer> | UrlHook;
  /** Answers whom the token stands for; nothing: it is not known. */
  auth?: Hook<AuthEvent, IdentityAnswer> | UrlHook;
  /** Lets it be, or throws. */
  subscribe?: Hook<SubscribeEvent> | UrlHook;
  /** Lets it be, answers what is published instead, or throws. */
  publish?: Hook<PublishEvent, DataAnswer> | UrlHook;
  /** On `/sub`: answers what is published instead, or `false` for nothing. Of a command: `data` is the result. */
  message?: Hook<MessageEvent, DataAnswer | false> | UrlHook;
  /** Answers the result, any JSON; nothing is `null`. */
  call?: Hook<CallEvent, unknown> | UrlHook;
  /** A session is over. */
  disconnect?: Hook<DisconnectEvent> | UrlHook;
  /** The channel has a first subscriber. */
  channelOccupied?: Hook<ChannelOccupiedEvent> | UrlHook;
  /** The channel has had no subscriber for a while. */
  channelVacated?: Hook<ChannelVacatedEvent> | UrlHook;
  /** The user has a first session. */
  userOnline?: Hook<UserOnlineEvent> | UrlHook;
  /** The user has had no session for a while. */
  userOffline?: Hook<UserOfflineEvent> | UrlHook;
  /** A message of the user's inbox has waited too long for its acknowledgement. */
  inboxOverdue?: Hook<InboxOverdueEvent> | UrlHook;
}

/** Returns its argument; an editor that reads the file then knows every hook. A plain object, or named exports, work as well. */
export function defineHooks(hooks: HookDefinitions): HookDefinitions {
  return hooks;
}
