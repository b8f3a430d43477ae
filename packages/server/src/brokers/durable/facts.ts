/** The small facts that other parts keep in the log. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FactKind } from '../../core/keep.ts';
import type { FactsAnswer } from './messages.ts';

export class Facts {
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #page: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare('INSERT OR REPLACE INTO kept (kind, key, value, until) VALUES (?, ?, ?, ?)');
    this.#drop = database.prepare('DELETE FROM kept WHERE kind = ? AND key = ?');
    this.#page = database.prepare(
      'SELECT key, value FROM kept WHERE kind = ? AND key > ? AND (until IS NULL OR until > ?) ORDER BY key LIMIT ?',
    );
    this.#forget = database.prepare('DELETE FROM kept WHERE until <= ?');
  }

  put(kind: FactKind, key: string, value: string | undefined, until: number | undefined): void {
    if (value === undefined) this.#drop.run(kind, key);
    else this.#put.run(kind, key, value, until ?? null);
  }

  page(kind: FactKind, after: string, limit: number, now: number): FactsAnswer {
    return this.#page
      .all(kind, after, now, limit)
      .map(({ key, value }) => [String(key), String(value)] as const);
  }

  /** Takes away what is over. */
  sweep(now: number): void {
    this.#forget.run(now);
  }
}
