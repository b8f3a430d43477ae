/** The publications of the log's channels as rows: appended, read as pages, and taken away when their time or number is over. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { HistoryPage, HistoryQuery, Publication } from '../../core/broker.ts';
import type { Head } from './heads.ts';
import type { PublishRequest } from './messages.ts';

interface Row {
  readonly offset: number;
  readonly at: number;
  readonly is_binary: number;
  readonly exclude: string | null;
  readonly data: string;
}

/** Rows that are over are taken away when there are so many: one by one would cost as much as appending. */
const purgeRows = 64;
/** What a publication costs besides its data, as the bound of a page counts. */
const publicationBytes = 120;

export class Publications {
  readonly #insert: StatementSync;
  readonly #forward: StatementSync;
  readonly #backward: StatementSync;
  readonly #firstSince: StatementSync;
  readonly #purge: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      'INSERT INTO publications (channel, offset, at, is_binary, exclude, data) VALUES (?, ?, ?, ?, ?, ?)',
    );
    const columns = 'SELECT offset, at, is_binary, exclude, data FROM publications';
    const range = 'WHERE channel = ? AND offset BETWEEN ? AND ? ORDER BY offset';
    this.#forward = database.prepare(`${columns} ${range} LIMIT ?`);
    this.#backward = database.prepare(`${columns} ${range} DESC LIMIT ?`);
    this.#firstSince = database.prepare(
      'SELECT offset, at FROM publications WHERE channel = ? AND offset >= ? AND at > ? ORDER BY offset LIMIT 1',
    );
    this.#purge = database.prepare('DELETE FROM publications WHERE channel = ? AND offset < ?');
  }

  /** Appends to a channel that has a number; without retention it is counted, and nothing is kept. Returns the offset. */
  append(head: Head, { data, binary, exclude, retention }: PublishRequest, now: number): number {
    head.top += 1;
    if (retention === undefined) {
      this.clear(head);
      return head.top;
    }
    head.ttlMs = retention.ttlMs;
    this.#advance(head, head.top - retention.size + 1);
    if (head.oldest === head.top) head.oldestAt = now;
    const excluded = exclude === undefined ? null : JSON.stringify(exclude);
    this.#insert.run(head.id, head.top, now, binary === true ? 1 : 0, excluded, data);
    this.expire(head, now);
    if (head.oldest - head.purgedTo >= purgeRows) this.purge(head);
    return head.top;
  }

  /** Gives up what is older than the channel keeps it. Whether something was. */
  expire(head: Head, now: number): boolean {
    const { oldest, top, ttlMs } = head;
    const since = now - ttlMs;
    if (head.id === 0 || oldest > top || (head.oldestAt !== undefined && head.oldestAt > since)) return false;
    const first = this.#firstSince.get(head.id, oldest, since) as { offset: number; at: number } | undefined;
    head.oldest = first?.offset ?? top + 1;
    head.oldestAt = first?.at;
    return head.oldest !== oldest;
  }

  /** Gives up everything; offsets go on. */
  clear(head: Head): void {
    this.#advance(head, head.top + 1);
    this.purge(head);
  }

  /** Takes away the rows of what was given up. */
  purge(head: Head): void {
    this.#purge.run(head.id, head.oldest);
    head.purgedTo = head.oldest;
  }

  page(head: Head, query: HistoryQuery): HistoryPage {
    const { epoch, top, oldest } = head;
    return { epoch, top, oldest, publications: this.#read(head, query) };
  }

  #read({ id, top, oldest }: Head, { sinceOffset, limit, maxBytes, reverse }: HistoryQuery): Publication[] {
    const isBackward = reverse === true;
    const from = isBackward || sinceOffset === undefined ? oldest : Math.max(oldest, sinceOffset + 1);
    const to = isBackward && sinceOffset !== undefined ? Math.min(top, sinceOffset - 1) : top;
    const found: Publication[] = [];
    if (id === 0 || from > to || limit <= 0) return found;
    let bytes = 0;
    const rows = (isBackward ? this.#backward : this.#forward).iterate(id, from, to, limit);
    for (const row of rows as Iterable<unknown> as Iterable<Row>) {
      bytes += row.data.length + publicationBytes;
      if (found.length > 0 && maxBytes !== undefined && bytes > maxBytes) break;
      found.push(publicationOf(row));
    }
    return found;
  }

  #advance(head: Head, oldest: number): void {
    if (oldest <= head.oldest) return;
    head.oldest = oldest;
    head.oldestAt = undefined;
  }
}

function publicationOf({ offset, at, is_binary: isBinary, exclude, data }: Row): Publication {
  return {
    offset,
    data,
    at,
    ...(isBinary === 1 && { binary: true as const }),
    ...(exclude !== null && { exclude: JSON.parse(exclude) }),
  };
}
