/** The second argument of every hook: requests to the server API, and its log. */
import { limits } from '@carillon/protocol';
import type { Carillon, HookLog } from '../carillon.ts';
import type { Notice } from '../messages.ts';
import type { Outbox } from './outbox.ts';

export interface HelpersOptions {
  readonly generation: number;
  readonly outbox: Outbox;
  readonly say: (notice: Notice) => void;
  /** The name of the hook that is running, also after it waited; empty for none. */
  readonly currentHook: () => string;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Helpers implements Carillon {
  readonly generation: number;
  readonly log: HookLog;
  readonly #outbox: Outbox;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor({ generation, outbox, say, currentHook }: HelpersOptions) {
    this.generation = generation;
    this.#outbox = outbox;
    this.log = createLog(say, currentHook);
    // A hook may take them out of the object.
    for (const name of ['publish', 'send', 'history', 'presence', 'presenceStats', 'api'] as const) {
      Object.defineProperty(this, name, { value: this[name].bind(this), enumerable: true });
    }
  }

  publish(channel: string, data: unknown, options?: object): Promise<{ offset?: number; epoch?: string }> {
    return this.#ask('publish', { ...options, channel, data });
  }

  send(to: object, data: unknown, options?: object): Promise<{ sessions: number }> {
    return this.#ask('send', { ...options, to, data });
  }

  history(channel: string, options?: object): ReturnType<Carillon['history']> {
    return this.#ask('history', { ...options, channel });
  }

  presence(channel: string): ReturnType<Carillon['presence']> {
    return this.#ask('presence', { channel });
  }

  presenceStats(channel: string): ReturnType<Carillon['presenceStats']> {
    return this.#ask('presence_stats', { channel });
  }

  api(method: string, params: object = {}): Promise<unknown> {
    return this.#ask(method, params);
  }

  /** What the server says to a request: `head` is `result` or `error`. */
  answered(id: number, head: string, value: unknown): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (head === 'result') waiting?.resolve(value);
    else waiting?.reject(refusal(value as { code: number; message: string }));
  }

  #ask<Result>(method: string, params: object): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= limits.hookRequests) {
        const message = `limit exceeded: ${limits.hookRequests} requests of hooks await an answer; wait for some of them`;
        throw refusal({ code: 106, message });
      }
      // Throws where the data is no JSON, and that becomes the rejection.
      const text = JSON.stringify(params);
      this.#lastId += 1;
      this.#waiting.set(this.#lastId, { resolve: resolve as Waiting['resolve'], reject });
      this.#outbox.add(-this.#lastId, String(method), text);
    });
  }
}

function refusal({ code, message }: { readonly code: number; readonly message: string }): Error {
  return Object.assign(new Error(message), { name: 'CarillonError', code });
}

function createLog(say: (notice: Notice) => void, currentHook: () => string): HookLog {
  let [since, lines] = [performance.now(), 0];
  const write = (level: keyof HookLog, message: string, fields?: object): void => {
    const now = performance.now();
    if (now - since >= 1_000) {
      const missing = lines - limits.hookLogLines;
      [since, lines] = [now, 0];
      if (missing > 0) {
        const sentence = `${missing} lines are not here, because hooks may write ${limits.hookLogLines} a second`;
        say({ type: 'log', level: 'warn', hook: '', message: sentence, fields: '' });
      }
    }
    lines += 1;
    if (lines > limits.hookLogLines) return;
    const text = String(message).slice(0, limits.hookLogCharacters);
    say({ type: 'log', level, hook: currentHook(), message: text, fields: fieldsText(fields) });
  };
  const at = (level: keyof HookLog) => (message: string, fields?: object) => write(level, message, fields);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function fieldsText(fields: object | undefined): string {
  if (fields === undefined) return '';
  try {
    const text = JSON.stringify(fields);
    return text.length > limits.hookLogCharacters ? '{"fields":"too long"}' : text;
  } catch {
    return '{"fields":"no JSON"}';
  }
}
