/** Redis Streams with a consumer group: each entry at least once, acknowledged when its publication is in history. */
import { createHash } from 'node:crypto';
import { limits } from '@carillon/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Door } from './door.ts';
import type { Link, Reply } from './link.ts';
import type { KeyRule } from './options.ts';
import { reasonOf } from './reason.ts';

export interface StreamsOptions {
  /** The streams of one connection; in a Cluster that is one. */
  readonly keys: readonly KeyRule[];
  readonly group: string;
  readonly consumer: string;
  readonly door: Door;
  readonly clock: Clock;
}

/** Entries in one read: what may be published and not yet acknowledged. */
const batch = '100';
/** One blocked read lasts so long; then entries of dead consumers are looked for, if it is time. */
const blockMs = '5000';
/** An entry that another consumer has held for so long is taken over. */
const idleMs = 60_000;

interface Entry {
  readonly id: string;
  /** Names and values by turns; undefined when the entry was deleted from the stream. */
  readonly fields: readonly Buffer[] | undefined;
}

export class Streams {
  readonly #options: StreamsOptions;
  /** Streams whose group is known to have been there: one made anew begins at its oldest entry, since all of it is new. */
  readonly #known = new Set<string>();
  #claimAt = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** As {@link LineOptions.work}. */
  async work(link: Link, up: () => void, signal: AbortSignal): Promise<void> {
    const { keys, clock } = this.#options;
    for (const { key } of keys) await this.#makeGroup(link, key);
    up();
    for (const rule of keys) await this.#takeOwnPending(link, rule, signal);
    this.#claimAt = clock.now();
    while (!signal.aborted) {
      if (clock.now() >= this.#claimAt) await this.#takeOver(link, signal);
      await this.#takeNew(link, signal);
    }
  }

  async #makeGroup(link: Link, key: string): Promise<void> {
    const from = this.#known.has(key) ? '0' : '$';
    try {
      await link.ask('XGROUP', 'CREATE', key, this.#options.group, from, 'MKSTREAM');
    } catch (error) {
      if (!reasonOf(error).startsWith('BUSYGROUP')) throw error;
    }
    this.#known.add(key);
  }

  /** What this consumer was given before and has not acknowledged, from the oldest on. */
  async #takeOwnPending(link: Link, rule: KeyRule, signal: AbortSignal): Promise<void> {
    for (let after = '0'; !signal.aborted; ) {
      const [entries = []] = read(await this.#ask(link, [rule], after)).values();
      const last = entries.at(-1);
      if (last === undefined) return;
      await this.#takeAll(link, rule, entries, signal);
      after = last.id;
    }
  }

  /** What other consumers of the group left behind. */
  async #takeOver(link: Link, signal: AbortSignal): Promise<void> {
    const { keys, group, consumer, clock } = this.#options;
    this.#claimAt = clock.now() + idleMs;
    for (const rule of keys) {
      for (let from = '0-0'; !signal.aborted; ) {
        const claim = ['XAUTOCLAIM', rule.key, group, consumer, String(idleMs), from, 'COUNT', batch];
        const [next, entries] = listOf(await this.#claim(link, claim));
        await this.#takeAll(link, rule, entriesOf(entries), signal);
        from = String(next ?? '0-0');
        if (from === '0-0') break;
      }
    }
  }

  /** A Redis before 6.2 cannot tell: what dead consumers hold stays with them. */
  async #claim(link: Link, command: readonly string[]): Promise<Reply> {
    try {
      return await link.ask(...command);
    } catch (error) {
      if (!/^ERR unknown command/i.test(reasonOf(error))) throw error;
      this.#claimAt = Number.POSITIVE_INFINITY;
      return [];
    }
  }

  async #takeNew(link: Link, signal: AbortSignal): Promise<void> {
    const { keys } = this.#options;
    // While it is blocked, nothing is under way: it can be cut off at any time.
    signal.addEventListener('abort', link.close, { once: true });
    let found: ReadonlyMap<string, readonly Entry[]>;
    try {
      found = read(await this.#ask(link, keys, '>'));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    } finally {
      signal.removeEventListener('abort', link.close);
    }
    for (const rule of keys) await this.#takeAll(link, rule, found.get(rule.key) ?? [], signal);
  }

  #ask(link: Link, keys: readonly KeyRule[], after: string): Promise<Reply> {
    const { group, consumer } = this.#options;
    const block = after === '>' ? ['BLOCK', blockMs] : [];
    const names = keys.map(({ key }) => key);
    return link.ask(
      ...['XREADGROUP', 'GROUP', group, consumer, 'COUNT', batch, ...block, 'STREAMS', ...names],
      ...names.map(() => after),
    );
  }

  /** Publishes in order, and acknowledges what is in history, also when something in between cannot be published now. */
  async #takeAll(link: Link, rule: KeyRule, entries: readonly Entry[], signal: AbortSignal): Promise<void> {
    const done: string[] = [];
    try {
      for (const entry of entries) {
        if (signal.aborted) break;
        await this.#take(rule, entry);
        done.push(entry.id);
      }
    } finally {
      if (done.length > 0) await link.ask('XACK', rule.key, this.#options.group, ...done);
    }
  }

  async #take({ key, channel }: KeyRule, { id, fields }: Entry): Promise<void> {
    if (fields === undefined) return;
    const { door } = this.#options;
    const bytes = dataOf(fields);
    if (bytes === undefined) {
      door.refuse('stream', key, `the entry ${id} has no field 'data', and bytes that are not UTF-8`);
      return;
    }
    await door.take({ way: 'stream', source: key, channel, bytes, idempotencyKey: keyOf(key, id) });
  }
}

/** The field `data`; of an entry without it, all fields as one object of texts. Undefined when those are no texts. */
export function dataOf(fields: readonly Buffer[]): Buffer | undefined {
  const object: Record<string, string> = {};
  let isText = true;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [fields[at], fields[at + 1]];
    if (name === undefined || value === undefined) continue;
    if (name.equals(dataField)) return value;
    isText &&= isUtf8Text(name) && isUtf8Text(value);
    Object.defineProperty(object, name.toString(), { value: value.toString(), enumerable: true });
  }
  return isText ? Buffer.from(JSON.stringify(object)) : undefined;
}

/** One for each entry of each stream, however often it is delivered. */
export function keyOf(stream: string, id: string): string {
  const key = `redis:${stream}:${id}`;
  if (Buffer.byteLength(key) <= limits.idempotencyKeyBytes) return key;
  return `redis:${createHash('sha256').update(stream).digest('base64url')}:${id}`;
}

const dataField = Buffer.from('data');

function isUtf8Text(bytes: Buffer): boolean {
  return bytes.equals(Buffer.from(bytes.toString()));
}

/** The entries by stream; none when nothing came in time. */
function read(reply: Reply): Map<string, readonly Entry[]> {
  return new Map(
    listOf(reply).map((stream) => {
      const [key, entries] = listOf(stream);
      return [String(key), entriesOf(entries)];
    }),
  );
}

function entriesOf(reply: Reply | undefined): Entry[] {
  return listOf(reply).flatMap((entry) => {
    const [id, fields] = listOf(entry);
    if (id === undefined || id === null) return [];
    const bytes = Array.isArray(fields)
      ? listOf(fields).filter((field) => Buffer.isBuffer(field))
      : undefined;
    return { id: String(id), fields: bytes };
  });
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? (reply as readonly Reply[]) : [];
}
