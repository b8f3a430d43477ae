/** The second argument of every hook: what a hook can do besides answering. */
import type { Position } from '@carillon/protocol';

/** Whom a `send` reaches; the same as `to` of the server API. */
export type To =
  | { readonly session: string }
  | { readonly sessions: readonly string[] }
  | { readonly user: string | number }
  | { readonly users: readonly (string | number)[] }
  | { readonly group: string }
  | { readonly groups: readonly string[] }
  | { readonly channel: string }
  | { readonly where: string }
  | { readonly all: true };

export interface Exclude {
  readonly sessions?: readonly string[];
  readonly users?: readonly (string | number)[];
}

/** Every call is checked as a request of the server API is, and rejects with a {@link CarillonError} when it is refused. */
export interface Carillon {
  /** Publishes. The hook `publish` is not asked about it. Resolves with its position, empty where the channel keeps no history. */
  publish(
    channel: string,
    data: unknown,
    options?: {
      readonly exclude?: Exclude;
      readonly idempotency_key?: string;
      readonly tags?: Readonly<Record<string, unknown>>;
    },
  ): Promise<{ readonly offset?: number; readonly epoch?: string }>;
  /** Sends past the channels, directly to whom it is for. Resolves with how many sessions it reached. */
  send(
    to: To,
    data: unknown,
    options?: { readonly event?: string; readonly exclude?: Exclude },
  ): Promise<{ readonly sessions: number }>;
  /** Reads what a channel keeps. */
  history(
    channel: string,
    options?: { readonly since?: Position; readonly limit?: number; readonly reverse?: boolean },
  ): Promise<{
    readonly publications: readonly { readonly offset: number; readonly data: unknown }[];
    readonly epoch: string;
    readonly offset: number;
  }>;
  /** Who is in a channel. */
  presence(channel: string): Promise<{
    readonly members: readonly {
      readonly session: string;
      readonly user?: string;
      readonly info?: unknown;
    }[];
  }>;
  /** How many are in a channel. */
  presenceStats(channel: string): Promise<{ readonly sessions: number; readonly users: number }>;
  /** Any method of the server API, with its parameters. */
  api(method: string, params?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Writes to the server's log, with the hook's name. At most 100 lines a second. */
  readonly log: HookLog;
  /** Rises by one with each load of the hooks. */
  readonly generation: number;
}

export interface HookLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What was asked of {@link Carillon} is refused. */
export interface CarillonError extends Error {
  readonly name: 'CarillonError';
  /** One of Carillon's own codes, such as 107; see docs/errors.md. */
  readonly code: number;
}
