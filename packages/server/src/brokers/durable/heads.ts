/** Where each channel of the log stands: kept in memory while it is used, written back with the commit that changed it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** One channel. `id` is 0 until there is something to keep of it. */
export interface Head {
  id: number;
  readonly name: string;
  readonly epoch: string;
  /** The newest offset ever given. */
  top: number;
  /** The oldest offset that is kept; top + 1 when nothing is. */
  oldest: number;
  ttlMs: number;
  positionTtlMs: number;
  /** When it was last published to. */
  touchedAt: number;
  /** Rows below this offset are gone from the file, too. */
  purgedTo: number;
  /** When the publication `oldest` was appended; undefined while nobody knows. */
  oldestAt: number | undefined;
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly top: number;
  readonly oldest: number;
  readonly ttl: number;
  readonly position_ttl: number;
  readonly touched: number;
}

export class Heads {
  readonly #limit: number;
  /** In the order of their last use, the longest ago first. */
  readonly #heads = new Map<string, Head>();
  readonly #changed = new Set<Head>();
  readonly #byName: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #from: StatementSync;

  /** `limit`: how many are kept in memory. */
  constructor(database: DatabaseSync, limit: number) {
    this.#limit = limit;
    this.#byName = database.prepare('SELECT * FROM channels WHERE name = ?');
    this.#insert = database.prepare(
      'INSERT INTO channels (name, epoch, top, oldest, ttl, position_ttl, touched) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#update = database.prepare(
      'UPDATE channels SET top = ?, oldest = ?, ttl = ?, position_ttl = ?, touched = ? WHERE id = ?',
    );
    this.#delete = database.prepare('DELETE FROM channels WHERE id = ?');
    this.#from = database.prepare('SELECT * FROM channels WHERE id > ? ORDER BY id LIMIT ?');
  }

  /** The channel's head; a channel that nothing is known of has the epoch `freshEpoch`. */
  head(name: string, freshEpoch: string): Head {
    const cached = this.#heads.get(name);
    if (cached !== undefined) {
      this.#heads.delete(name);
      this.#heads.set(name, cached);
      return cached;
    }
    const row = this.#byName.get(name) as Row | undefined;
    const head = row === undefined ? freshHead(name, freshEpoch) : headOf(row);
    this.#heads.set(name, head);
    return head;
  }

  /** Channels in the order of their numbers, from after `id`. */
  after(id: number, count: number): Head[] {
    const rows = this.#from.all(id, count) as unknown as Row[];
    return rows.map((row) => this.#heads.get(row.name) ?? headOf(row));
  }

  /** Gives a channel a number of its own, if it has none. */
  keep(head: Head): void {
    if (head.id !== 0) return;
    const { name, epoch, top, oldest, ttlMs, positionTtlMs, touchedAt } = head;
    const { lastInsertRowid } = this.#insert.run(name, epoch, top, oldest, ttlMs, positionTtlMs, touchedAt);
    head.id = Number(lastInsertRowid);
  }

  changed(head: Head): void {
    this.#changed.add(head);
  }

  forget(head: Head): void {
    this.#delete.run(head.id);
    this.#changed.delete(head);
    this.#heads.delete(head.name);
  }

  /** Writes back what has changed; call before the commit. */
  write(): void {
    for (const { id, top, oldest, ttlMs, positionTtlMs, touchedAt } of this.#changed) {
      if (id !== 0) this.#update.run(top, oldest, ttlMs, positionTtlMs, touchedAt, id);
    }
    this.#changed.clear();
    for (const name of this.#heads.keys()) {
      if (this.#heads.size <= this.#limit) return;
      this.#heads.delete(name);
    }
  }

  /** The commit failed: what memory says is not what the file says. */
  reset(): void {
    this.#heads.clear();
    this.#changed.clear();
  }
}

function freshHead(name: string, epoch: string): Head {
  return {
    id: 0,
    name,
    epoch,
    top: 0,
    oldest: 1,
    ttlMs: 0,
    positionTtlMs: 0,
    touchedAt: 0,
    purgedTo: 1,
    oldestAt: undefined,
  };
}

function headOf({ id, name, epoch, top, oldest, ttl, position_ttl, touched }: Row): Head {
  return {
    id,
    name,
    epoch,
    top,
    oldest,
    ttlMs: ttl,
    positionTtlMs: position_ttl,
    touchedAt: touched,
    purgedTo: 0,
    oldestAt: undefined,
  };
}
