/**
 * What goes between the server and a thread of hooks.
 *
 * To the thread: JSON texts of one array, by threes `id, hook, event` for a call, `-id, 'result' | 'error', value` for the answer
 * to a request. An empty array asks for a sign of life. One text parses faster than many objects are cloned.
 *
 * From the thread: {@link Signals}, and {@link Notice}s.
 */

/** By threes: `id, outcome, text` for an answer, `-id, method, params` for a request. Empty: a sign of life. */
export type Signals = readonly (number | string)[];

/** What a call came to; its text says more. */
export const outcomes = {
  /** The hook has nothing to say; no text. */
  nothing: 0,
  /** The text is JSON: an identity, the data, or the result. */
  answer: 1,
  /** The hook said `false`; no text. */
  no: 2,
  /** The text is JSON: `[code, message]`. */
  refused: 3,
  /** The text is a sentence for the log. */
  failed: 4,
} as const;

/** What is said besides, seldom. */
export type Notice =
  /** Ready for calls. `hooks`: JSON of each hook by name, `true` for a function, else what stands there. */
  | { readonly type: 'loaded'; readonly hooks: string }
  | { readonly type: 'unloadable'; readonly sentence: string }
  /** A local file is about to be read; its stamp as it is now. */
  | { readonly type: 'file'; readonly path: string; readonly stamp: string }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly hook: string;
      readonly message: string;
      /** JSON; empty for none. */
      readonly fields: string;
    }
  /** Something went wrong outside of any call; `hook` is empty where it is not known which one began it. */
  | { readonly type: 'fault'; readonly hook: string; readonly sentence: string }
  /** The thread ends itself. */
  | { readonly type: 'exit'; readonly hook: string; readonly sentence: string };

export type FromThread = Signals | Notice;

/** Ends the thread from the inside, so that what it left for its end can run. */
export const endText = 'end';

export interface ThreadData {
  readonly path: string;
  readonly kind: 'hooks' | 'config';
  readonly generation: number;
  /** One number: the place of the hook in the list of names that is running right now, from 1; 0 for none. */
  readonly running: SharedArrayBuffer;
}
