/** One load of the hooks: which there are, and who answers for each. */
import type { JsonText } from '@carillon/protocol';
import type { Settled } from './settled.ts';
import type { HookThread } from './thread.ts';
import type { UrlHook } from './url-hook.ts';

export interface GenerationParts {
  readonly number: number;
  /** Of the wall, in milliseconds. */
  readonly loadedAt: number;
  /** Those that are functions of the thread. */
  readonly functions: ReadonlySet<string>;
  readonly thread?: HookThread;
  readonly urls: ReadonlyMap<string, UrlHook>;
}

export class Generation {
  readonly number: number;
  readonly loadedAt: number;
  readonly names: ReadonlySet<string>;
  readonly #functions: ReadonlySet<string>;
  readonly #urls: ReadonlyMap<string, UrlHook>;
  #thread: HookThread | undefined;

  constructor({ number, loadedAt, functions, thread, urls }: GenerationParts) {
    this.number = number;
    this.loadedAt = loadedAt;
    this.names = new Set([...functions, ...urls.keys()]);
    this.#functions = functions;
    this.#thread = thread;
    this.#urls = urls;
  }

  /** Undefined when the thread that would answer is gone. */
  ask(name: string, event: JsonText): Promise<Settled> | undefined {
    const url = this.#urls.get(name);
    if (url !== undefined) return url.ask(event);
    if (this.#functions.has(name)) return this.#thread?.ask(name, event);
    return Promise.resolve({
      outcome: 'unavailable',
      isGuilty: false,
    });
  }

  isOf(thread: HookThread): boolean {
    return this.#thread === thread;
  }

  /** Whether functions can be asked, if there are any. */
  get isWhole(): boolean {
    return this.#functions.size === 0 || this.#thread !== undefined;
  }

  /** Whether the thread died before it was in force; then it is counted as lost. */
  hasLostThread(): boolean {
    if (this.#thread?.isGone === true) this.lostThread();
    return !this.isWhole;
  }

  /** The thread has died. */
  lostThread(): void {
    this.#thread = undefined;
  }

  /** Answers what it was asked, and ends. */
  async retire(): Promise<void> {
    await Promise.all([this.#thread?.retire(), ...[...this.#urls.values()].map((url) => url.retire())]);
  }

  /** Ends at once. */
  async terminate(): Promise<void> {
    for (const url of this.#urls.values()) url.close();
    await this.#thread?.terminate();
  }
}
