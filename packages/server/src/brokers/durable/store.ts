/** The durable log itself: one SQLite file, worked on by one thread. Everything of a batch is committed, or nothing. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { HistoryPage, HistoryQuery } from '../../core/broker.ts';
import { Facts } from './facts.ts';
import { openFormat } from './format.ts';
import { type Head, Heads } from './heads.ts';
import type {
  ListAnswer,
  LogAnswer,
  LogBatch,
  LogOptions,
  LogRequest,
  PublishAnswer,
  PublishRequest,
} from './messages.ts';
import { Publications } from './publications.ts';

/** Channels that one sweep looks at. */
const sweptChannels = 1_000;
/** Pages that one sweep gives back to the file system. */
const vacuumedPages = 256;

export class LogStore {
  readonly #database: DatabaseSync;
  readonly #options: LogOptions;
  readonly #heads: Heads;
  readonly #publications: Publications;
  readonly #facts: Facts;
  readonly #subscribed = new Set<string>();
  readonly #keyed: StatementSync;
  readonly #rememberKey: StatementSync;
  readonly #forgetKeys: StatementSync;
  readonly #hasKeys: StatementSync;
  readonly #fact: StatementSync;
  readonly #setFact: StatementSync;
  /** New channels get `epoch-forgotten`, so that a name that was forgotten never gets the epoch that it had. */
  #epoch: string;
  #forgotten: number;
  #sweptTo = 0;

  /** @throws {FormatFault} and what node:sqlite throws. */
  constructor(options: LogOptions) {
    this.#options = options;
    const database = new DatabaseSync(options.file);
    this.#database = database;
    try {
      openFormat(database, options);
      this.#heads = new Heads(database, options.cachedHeads);
      this.#publications = new Publications(database);
      this.#facts = new Facts(database);
      this.#keyed = database.prepare('SELECT epoch, offset, at FROM keys WHERE channel = ? AND key = ?');
      this.#rememberKey = database.prepare(
        'INSERT OR REPLACE INTO keys (channel, key, at, epoch, offset) VALUES (?, ?, ?, ?, ?)',
      );
      this.#forgetKeys = database.prepare('DELETE FROM keys WHERE at <= ?');
      this.#hasKeys = database.prepare('SELECT 1 FROM keys WHERE channel = ? LIMIT 1');
      this.#fact = database.prepare('SELECT value FROM facts WHERE name = ?');
      this.#setFact = database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
      this.#epoch = this.#begin();
      this.#forgotten = Number(this.#factOf('forgotten') ?? 0);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** @throws what node:sqlite throws; nothing of the batch took effect then. */
  run({ now, requests }: LogBatch): LogAnswer[] {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const answers = requests.map((request) => this.#answer(request, now));
      this.#heads.write();
      this.#database.exec('COMMIT');
      return answers;
    } catch (error) {
      this.#heads.reset();
      // A disk that is full may have rolled it back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Nothing was lost: the next to open the file need not start new epochs. */
  close(): void {
    this.#setFact.run('clean', 'true');
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#database.close();
  }

  /**
   * The epoch of this file's new channels. After a power cut commits may be missing that had been answered, unless each was
   * synced: offsets could repeat, so all channels go on in new epochs.
   */
  #begin(): string {
    const { bootId, sync, freshEpoch } = this.#options;
    const wasClean = this.#factOf('clean') === 'true' || this.#factOf('sync') === 'always';
    const isSameBoot = this.#factOf('boot') === bootId;
    const known = this.#factOf('epoch');
    const mayBeShort = known !== undefined && !wasClean && !isSameBoot;
    const epoch = known === undefined || mayBeShort ? freshEpoch : known;
    this.#database.exec('BEGIN');
    if (mayBeShort) this.#database.prepare("UPDATE channels SET epoch = ? || '-' || id").run(`${epoch}-r`);
    for (const [name, value] of Object.entries({ epoch, boot: bootId, sync, clean: 'false' })) {
      this.#setFact.run(name, value);
    }
    this.#database.exec('COMMIT');
    return epoch;
  }

  #factOf(name: string): string | undefined {
    const row = this.#fact.get(name);
    return row === undefined ? undefined : String(row['value']);
  }

  #answer(request: LogRequest, now: number): LogAnswer {
    switch (request.kind) {
      case 'publish':
        return this.#publish(request, now);
      case 'answered':
        return this.#repeat(this.#head(request.channel), request.idempotencyKey, now);
      case 'history':
        return this.#history(request.channel, request.query, now);
      case 'remove':
        return this.#remove(request.channel);
      case 'list':
        return this.#list(request.after, request.limit, now);
      case 'put':
        this.#facts.put(request.about, request.key, request.value, request.until);
        return undefined;
      case 'facts':
        return this.#facts.page(request.about, request.after, request.limit, now);
      case 'subscribed':
        return this.#setSubscribed(request.channel, request.is, now);
      case 'sweep':
        return this.#sweep(now);
    }
  }

  #publish(request: PublishRequest, now: number): PublishAnswer {
    const { channel, retention, idempotencyKey: key } = request;
    const head = this.#head(channel);
    const before = key === undefined ? undefined : this.#repeat(head, key, now);
    if (before !== undefined) return before;
    const isNumbered = retention !== undefined || head.top > 0;
    if (!isNumbered && key === undefined) return { position: undefined, isRepeat: false };
    head.touchedAt = now;
    head.positionTtlMs = retention?.positionTtlMs ?? this.#options.positionTtlMs;
    this.#heads.keep(head);
    this.#heads.changed(head);
    const offset = isNumbered ? this.#publications.append(head, request, now) : undefined;
    const position = offset === undefined ? undefined : { epoch: head.epoch, offset };
    if (key !== undefined) {
      this.#rememberKey.run(head.id, key, now, position?.epoch ?? null, position?.offset ?? null);
    }
    return { position, isRepeat: false };
  }

  #repeat(head: Head, key: string, now: number): PublishAnswer | undefined {
    const row = this.#keyed.get(head.id, key);
    if (row === undefined || now - Number(row['at']) >= this.#options.idempotencyTtlMs) return undefined;
    const { epoch, offset } = row;
    const position = epoch === null ? undefined : { epoch: String(epoch), offset: Number(offset) };
    return { position, isRepeat: true };
  }

  #history(channel: string, query: HistoryQuery, now: number): HistoryPage {
    const head = this.#head(channel);
    this.#expire(head, now);
    return this.#publications.page(head, query);
  }

  #remove(channel: string): undefined {
    const head = this.#head(channel);
    if (head.id === 0) return;
    this.#publications.clear(head);
    this.#heads.changed(head);
  }

  #list(after: number, limit: number, now: number): ListAnswer {
    const heads = this.#heads.after(after, limit);
    const next = heads.length < limit ? 0 : (heads.at(-1)?.id ?? 0);
    for (const head of heads) this.#expire(head, now);
    const channels = heads
      .filter(({ name, top, oldest }) => oldest <= top || this.#subscribed.has(name))
      .map(({ name, top, oldest }) => ({ channel: name, publications: top - oldest + 1, top }));
    return { channels, next };
  }

  #setSubscribed(channel: string, is: boolean, now: number): undefined {
    if (is) this.#subscribed.add(channel);
    else if (this.#subscribed.delete(channel)) {
      const head = this.#head(channel);
      head.touchedAt = now;
      this.#heads.changed(head);
    }
  }

  #sweep(now: number): undefined {
    this.#facts.sweep(now);
    this.#forgetKeys.run(now - this.#options.idempotencyTtlMs);
    const heads = this.#heads.after(this.#sweptTo, sweptChannels);
    this.#sweptTo = heads.length < sweptChannels ? 0 : (heads.at(-1)?.id ?? 0);
    for (const head of heads) {
      this.#expire(head, now);
      if (head.oldest > head.purgedTo) this.#publications.purge(head);
      if (this.#isForgettable(head, now)) this.#forget(head);
    }
    this.#database.exec(`PRAGMA incremental_vacuum(${vacuumedPages})`);
  }

  /** Nobody listens, nothing is kept, and nothing happened for as long as positions are remembered. */
  #isForgettable({ id, name, oldest, top, touchedAt, ttlMs, positionTtlMs }: Head, now: number): boolean {
    if (oldest <= top || this.#subscribed.has(name)) return false;
    return now - (touchedAt + ttlMs) > positionTtlMs && this.#hasKeys.get(id) === undefined;
  }

  #forget(head: Head): void {
    this.#heads.forget(head);
    this.#forgotten += 1;
    this.#setFact.run('forgotten', String(this.#forgotten));
  }

  #expire(head: Head, now: number): void {
    if (this.#publications.expire(head, now)) this.#heads.changed(head);
  }

  #head(channel: string): Head {
    return this.#heads.head(channel, `${this.#epoch}-${this.#forgotten}`);
  }
}
