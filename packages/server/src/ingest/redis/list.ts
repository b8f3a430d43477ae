/** A Redis list as a queue: each item is moved to a processing list, published, and only then removed. */
import type { Door } from './door.ts';
import type { Link, Reply } from './link.ts';
import type { KeyRule } from './options.ts';

export interface ListOptions {
  readonly rule: KeyRule;
  /** The end from which items are taken. */
  readonly take: 'left' | 'right';
  /** Where items are while they are published. */
  readonly processing: string;
  readonly door: Door;
}

/** One blocked move lasts so many seconds. */
const blockSeconds = '5';

export class List {
  readonly #options: ListOptions;

  constructor(options: ListOptions) {
    this.#options = options;
  }

  /** As {@link LineOptions.work}. */
  async work(link: Link, up: () => void, signal: AbortSignal): Promise<void> {
    // Asked first, so that a key of another kind, or a missing right, shows before anything is said to be in force.
    let left = itemsOf(await link.ask('LRANGE', this.#options.processing, '0', '-1'));
    await link.ask('LLEN', this.#options.rule.key);
    up();
    for (; left.length > 0 && !signal.aborted; left = left.slice(1)) await this.#take(link, left[0]);
    while (!signal.aborted) await this.#take(link, await this.#move(link, signal));
  }

  /** The next item, which then lies in the processing list, oldest first; undefined when none came in time. */
  async #move(link: Link, signal: AbortSignal): Promise<Buffer | undefined> {
    const { rule, take, processing } = this.#options;
    // While it is blocked, nothing is under way; an item that is moved all the same is found at the next start.
    signal.addEventListener('abort', link.close, { once: true });
    try {
      const item = await link.ask('BLMOVE', rule.key, processing, take.toUpperCase(), 'RIGHT', blockSeconds);
      return Buffer.isBuffer(item) ? item : undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      signal.removeEventListener('abort', link.close);
    }
  }

  async #take(link: Link, item: Buffer | undefined): Promise<void> {
    if (item === undefined) return;
    const { rule, processing, door } = this.#options;
    await door.take({ way: 'list', source: rule.key, channel: rule.channel, bytes: item });
    await link.ask('LREM', processing, '1', item);
  }
}

/** In a Cluster both lists must lie in one slot. */
export function processingKey(key: string, consumer: string, isCluster: boolean): string {
  const isTagged = /\{[^}]+\}/.test(key);
  return `${isCluster && !isTagged ? `{${key}}` : key}:processing:${consumer}`;
}

function itemsOf(reply: Reply): readonly Buffer[] {
  return Array.isArray(reply) ? reply.filter((item) => Buffer.isBuffer(item)) : [];
}
