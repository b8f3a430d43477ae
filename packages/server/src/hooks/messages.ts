/**
 * What goes between the server and a thread of hooks.
 *
 * To the thread: JSON texts of one array, by threes `id, hook, event` for a call, `-id, 'result' | 'error', value` for the answer
 * to a request. An empty array asks for a sign of life. One text parses faster than many objects are cloned.
 *
 * From the thread: {@link Signals}, and {@link Notice}s.
 */
import { isJson } from '@carillon/protocol';

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
  /** The garbage is collected. */
  | { readonly type: 'collected' }
  /** The thread ends itself. */
  | { readonly type: 'exit'; readonly hook: string; readonly sentence: string };

/** The application's code may post to the same port, whatever it likes. */
export function isSignals(message: unknown): message is Signals {
  if (!Array.isArray(message) || message.length % 3 !== 0) return false;
  for (let at = 0; at < message.length; at += 3) {
    if (!Number.isInteger(message[at])) return false;
    const head: unknown = message[at + 1];
    if (typeof head !== 'string' && typeof head !== 'number') return false;
    if (typeof message[at + 2] !== 'string') return false;
  }
  return true;
}

/** The texts that each kind of notice has. */
const noticeTexts: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['loaded', ['hooks']],
  ['unloadable', ['sentence']],
  ['file', ['path', 'stamp']],
  ['log', ['level', 'hook', 'message', 'fields']],
  ['fault', ['hook', 'sentence']],
  ['exit', ['hook', 'sentence']],
]);
const levels: readonly unknown[] = ['debug', 'info', 'warn', 'error'];

export function isNotice(message: unknown): message is Notice {
  if (typeof message !== 'object' || message === null) return false;
  const fields = message as Readonly<Record<string, unknown>>;
  const texts = noticeTexts.get(fields['type']);
  if (texts?.every((name) => typeof fields[name] === 'string') !== true) return false;
  if (fields['type'] !== 'log') return true;
  const more = String(fields['fields']);
  return levels.includes(fields['level']) && (more === '' || isJson(more));
}

/** Ends the thread from the inside, so that what it left for its end can run. */
export const endText = 'end';

/** Asks the thread to collect its garbage; the notice `collected` is its answer. */
export const collectText = 'collect';

export interface ThreadData {
  readonly path: string;
  readonly kind: 'hooks' | 'config';
  readonly generation: number;
  /** One number: the place of the hook in the list of names that is running right now, from 1; 0 for none. */
  readonly running: SharedArrayBuffer;
}
