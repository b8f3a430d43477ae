/** What the application decides itself: the hooks that are asked, what they are told, and what their answers mean. */
import type { JsonText } from '@carillon/protocol';
import type { Identity } from './access.ts';

/** The client that an event is about. */
export interface HookClient {
  readonly session: string;
  readonly user?: string;
  readonly info?: unknown;
  readonly tags?: Identity['tags'];
  /** The channels that its token lists. */
  readonly channels?: readonly string[];
}

/** What is known of a client only while it comes in. */
export interface HookRequest {
  /** Its IP address. */
  readonly address: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Where a publication comes from: a client, the server API, or an ingest such as Redis. */
export type PublicationSource = 'client' | 'api' | 'ingest';

/** What each hook is asked about. */
export interface HookEvents {
  /** A connection has come; nothing that it sends is looked at before the answer. */
  readonly connect: HookClient & HookRequest;
  /** A token that nothing in the config knows. */
  readonly auth: Partial<HookClient> & HookRequest & { readonly token: string; readonly device?: string };
  /** After the rule has said yes, or where the rule says `hook`. `data` as the client gave it. */
  readonly subscribe: HookClient & { readonly channel: string; readonly data?: JsonText };
  /** After the rule has said yes, or where the rule says `hook`. Without a `session` where the publisher has none: the API, an ingest, a page that posts. */
  readonly publish: Partial<HookClient> & {
    readonly channel: string;
    readonly data: JsonText;
    /** `data` is a JSON string of base64. */
    readonly binary?: true;
    readonly source: PublicationSource;
  };
  /** What no command of the protocol claims: a frame on a `/sub` WebSocket, or a command whose `op` is unknown. */
  readonly message: HookClient & {
    readonly data: JsonText;
    readonly binary?: true;
    /** The single channel of a `/sub` request; absent for a command. */
    readonly channel?: string;
  };
  /** The command `call`. */
  readonly call: HookClient & { readonly method: string; readonly data: JsonText };
}

/** What each hook may answer; undefined lets everything go its way. */
export interface HookAnswers {
  /** Who the client is, so that it needs no token. */
  readonly connect: Identity | undefined;
  /** Undefined: the token is not known here. */
  readonly auth: Identity | undefined;
  readonly subscribe: undefined;
  /** What is published instead. */
  readonly publish: { readonly data: JsonText } | undefined;
  /** On `/sub`: what is published instead, or `false` for nothing. As a command: its result, or `false` for none. */
  readonly message: { readonly data: JsonText } | false | undefined;
  /** The result. */
  readonly call: JsonText | undefined;
}

export type HookName = keyof HookEvents;

/** Asks the application. */
export interface Hooks {
  /** Whether there is such a hook now. Asked before anything else is done, so that a hook that is not there costs nothing. */
  has(name: HookName): boolean;
  /** @throws {ReplyError} the hook's own refusal (400 to 1999), 100 it failed, 108 it is late or cannot be asked. */
  ask<Name extends HookName>(name: Name, event: HookEvents[Name]): Promise<HookAnswers[Name]>;
}

/** Where the application decides nothing. */
export const noHooks: Hooks = {
  has: () => false,
  ask: () => Promise.reject(new Error('there are no hooks')),
};
