/** The format of the log's file: its tables, its version, and how a file of an older version becomes one of this. */
import type { DatabaseSync } from 'node:sqlite';
import type { LogOptions, Sync } from './messages.ts';

/** `CARI`, so that a file tells whose it is. */
const applicationId = 0x43_41_52_49;

/** Each step leads from the version of its place to the next; a step that was released is never changed. */
const steps: readonly string[] = [
  `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- Offsets below 'oldest' are over, though their rows may be there still. Times are milliseconds since the Unix epoch.
  CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    top INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    ttl INTEGER NOT NULL,
    position_ttl INTEGER NOT NULL,
    touched INTEGER NOT NULL
  );
  CREATE TABLE publications (
    channel INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_binary INTEGER NOT NULL,
    exclude TEXT,
    data TEXT NOT NULL
  );
  CREATE UNIQUE INDEX publications_by_offset ON publications (channel, offset);
  CREATE TABLE keys (
    channel INTEGER NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    epoch TEXT,
    offset INTEGER,
    PRIMARY KEY (channel, key)
  ) WITHOUT ROWID;
  CREATE INDEX keys_by_time ON keys (at);
  -- Small facts of other parts; 'until' is when one is over.
  CREATE TABLE kept (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    until INTEGER,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID;
  CREATE INDEX kept_by_end ON kept (until) WHERE until IS NOT NULL;
  `,
];

const synchronous: Record<Sync, string> = { always: 'FULL', interval: 'NORMAL', off: 'OFF' };

/** Takes the file for this process alone, and brings it to this version. @throws {FormatFault} and what node:sqlite throws. */
export function openFormat(
  database: DatabaseSync,
  { sync, maxBytes }: Pick<LogOptions, 'sync' | 'maxBytes'>,
): void {
  database.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;',
  );
  database.exec(
    `PRAGMA synchronous = ${synchronous[sync]}; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864;`,
  );
  const pages = Math.floor(maxBytes / pragma(database, 'page_size'));
  database.exec(`PRAGMA max_page_count = ${pages}`);
  database.exec('BEGIN EXCLUSIVE');
  try {
    upgrade(database);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

/** The file cannot be used by this version. The message is half a sentence. */
export class FormatFault extends Error {}

function upgrade(database: DatabaseSync): void {
  const [id, version] = [pragma(database, 'application_id'), pragma(database, 'user_version')];
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined;
  if (!isEmpty && id !== applicationId) throw new FormatFault('is a database of something else');
  if (version > steps.length) throw new FormatFault('was written by a newer version of Carillon');
  for (const step of steps.slice(version)) database.exec(step);
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length};`);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
