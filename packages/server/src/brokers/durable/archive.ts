/** A log that no server has open, looked through or carried elsewhere: checked, written as lines of JSON, and read from them. */
import { DatabaseSync } from 'node:sqlite';
import type { JsonText } from '@carillon/protocol';
import { reasonOf } from './faults.ts';
import { openFormat } from './format.ts';
import { LogFault } from './log-thread.ts';

/** What was found in a log. */
export interface LogReport {
  readonly channels: number;
  readonly publications: number;
  readonly keys: number;
  /** Of the file, without what waits beside it. */
  readonly bytes: number;
  /** One sentence each; none when the log is whole. */
  readonly faults: readonly string[];
}

/** The first line of an archive. */
const heading = { carillon: 'log', version: 1 } as const;
/** Faults that are named one by one. */
const namedFaults = 20;

type Row = Readonly<Record<string, string | number | null>>;

/** Reads the whole file. Changes nothing but what a start would change, too. @throws {LogFault} it is in use, or cannot be opened. */
export function checkLog(file: string): LogReport {
  return withLog(file, (database) => {
    const faults = rows(database, `PRAGMA integrity_check(${namedFaults})`)
      .map((row) => String(row['integrity_check']))
      .filter((line) => line !== 'ok')
      .map((line) => `the file is damaged: ${line}.`);
    if (faults.length === 0) faults.push(...brokenChannels(database));
    const count = (table: string): number =>
      Number(rows(database, `SELECT count(*) AS rows FROM ${table}`)[0]?.['rows']);
    const [pages, size] = [pragma(database, 'page_count'), pragma(database, 'page_size')];
    return {
      channels: count('channels'),
      publications: count('publications'),
      keys: count('keys'),
      bytes: pages * size,
      faults,
    };
  });
}

/** What the rules of a log say no to: offsets beyond the channel's newest, holes, and publications of nobody. */
function brokenChannels(database: DatabaseSync): string[] {
  const holes = rows(
    database,
    `SELECT c.name, c.oldest, c.top, count(p.offset) AS kept FROM channels c
     LEFT JOIN publications p ON p.channel = c.id AND p.offset >= c.oldest
     GROUP BY c.id HAVING kept != c.top - c.oldest + 1 OR max(coalesce(p.offset, 0)) > c.top LIMIT ${namedFaults}`,
  ).map(
    ({ name, oldest, top, kept }) =>
      `the channel ${JSON.stringify(name)} should have the offsets ${oldest} to ${top}, and has ${kept} publications.`,
  );
  const strays = Number(
    rows(
      database,
      'SELECT count(*) AS strays FROM publications WHERE channel NOT IN (SELECT id FROM channels)',
    )[0]?.['strays'],
  );
  return strays === 0 ? holes : [...holes, `${strays} publications belong to no channel.`];
}

/** The lines of an archive, without their ends: the heading, small facts, then each channel, followed by its publications and keys. @throws {LogFault} */
export function* exportLog(file: string): Generator<string> {
  const database = opened(file);
  try {
    const facts = Object.fromEntries(
      rows(database, 'SELECT * FROM facts').map((row) => [row['name'], row['value']]),
    );
    yield JSON.stringify({ ...heading, epoch: facts['epoch'], forgotten: Number(facts['forgotten'] ?? 0) });
    for (const { kind, key, value, until } of database.prepare('SELECT * FROM kept').iterate()) {
      yield JSON.stringify({ kept: kind, key, value, until });
    }
    const publications = database.prepare(
      'SELECT * FROM publications WHERE channel = ? AND offset >= ? ORDER BY offset',
    );
    const keys = database.prepare('SELECT key, at, epoch, offset FROM keys WHERE channel = ?');
    for (const channel of database.prepare('SELECT * FROM channels ORDER BY id').iterate()) {
      const { id, name, epoch, top, oldest, ttl, position_ttl: positionTtl, touched } = channel as Row;
      yield JSON.stringify({ channel: name, epoch, top, oldest, ttl, positionTtl, touched });
      for (const row of publications.iterate(id ?? 0, oldest ?? 0)) yield publicationLine(row as Row);
      for (const { key, ...answer } of keys.iterate(id ?? 0)) yield JSON.stringify({ key, ...answer });
    }
  } catch (error) {
    throw faultOf(file, error);
  } finally {
    database.close();
  }
}

/** The data is JSON text already, and stays as it was written. */
function publicationLine({ offset, at, is_binary: isBinary, exclude, data }: Row): string {
  const marks = `${isBinary === 1 ? '"binary":true,' : ''}${exclude === null ? '' : `"exclude":${exclude},`}`;
  return `{"offset":${offset},"at":${at},${marks}"data":${data}}`;
}

/** What an import took over. */
export interface Imported {
  readonly channels: number;
  readonly publications: number;
}

export interface ImportOptions {
  /**
   * Nothing was published where the archive comes from after it was written, so that clients may go on where they stood. Else
   * the channels begin new epochs, because offsets that clients have seen could come again.
   */
  readonly keepsPositions: boolean;
}

/**
 * Reads an archive into a log that is new or empty: all of it, or nothing.
 * @throws {LogFault} the log has something in it, or a line cannot be understood; it is named by its number.
 */
export async function importLog(
  file: string,
  lines: AsyncIterable<string>,
  { keepsPositions }: ImportOptions,
): Promise<Imported> {
  const database = opened(file);
  try {
    if (rows(database, 'SELECT 1 FROM channels UNION SELECT 1 FROM kept LIMIT 1').length > 0) {
      throw new LogFault(`the log ${file} is not empty; import into a folder of its own.`);
    }
    database.exec('BEGIN IMMEDIATE');
    const reader = new ArchiveReader(database);
    let number = 0;
    for await (const line of lines) {
      number += 1;
      if (line !== '') reader.read(line, number);
    }
    reader.end(keepsPositions);
    database.exec('COMMIT');
    return { channels: reader.channels, publications: reader.publications };
  } catch (error) {
    throw faultOf(file, error);
  } finally {
    database.close();
  }
}

class ArchiveReader {
  channels = 0;
  publications = 0;
  readonly #database: DatabaseSync;
  #channel = 0;
  #expected = 0;
  #top = 0;
  #hasHeading = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws {LogFault} */
  read(line: string, number: number): void {
    const fields = parsed(line);
    if (fields === undefined) throw new LogFault(`line ${number} is no JSON object.`);
    if (!this.#hasHeading) this.#readHeading(fields);
    else if (typeof fields['kept'] === 'string') this.#readFact(fields);
    else if (typeof fields['channel'] === 'string') this.#readChannel(fields, number);
    else if (typeof fields['key'] === 'string') this.#readKey(fields);
    else this.#readPublication(fields, line, number);
  }

  /** @throws {LogFault} the archive breaks off. */
  end(keepsPositions: boolean): void {
    // To whoever opens it first, the log looks like one that was closed, or like one that a power cut may have shortened.
    this.#setFact('clean', String(keepsPositions));
    if (!this.#hasHeading) throw new LogFault('the archive is empty.');
    if (this.#expected <= this.#top) throw new LogFault('the archive breaks off within a channel.');
  }

  #readHeading({ carillon, version, epoch, forgotten }: Row): void {
    if (carillon !== heading.carillon || version !== heading.version || typeof epoch !== 'string') {
      throw new LogFault(
        "line 1 is not the heading of an archive that 'carillon data export' wrote in this version.",
      );
    }
    this.#setFact('epoch', epoch);
    this.#setFact('forgotten', String(forgotten ?? 0));
    this.#hasHeading = true;
    this.#expected = 1;
  }

  #setFact(name: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)').run(name, value);
  }

  #readChannel({ channel, epoch, top, oldest, ttl, positionTtl, touched }: Row, number: number): void {
    const counts = [top, oldest, ttl, positionTtl, touched];
    if (this.#expected <= this.#top)
      throw new LogFault(`line ${number}: publications are missing before it.`);
    if (typeof epoch !== 'string' || !counts.every(Number.isSafeInteger)) {
      throw new LogFault(`line ${number} is no channel of an archive.`);
    }
    const { lastInsertRowid } = this.#database
      .prepare(
        'INSERT INTO channels (name, epoch, top, oldest, ttl, position_ttl, touched) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(channel ?? '', epoch, ...(counts as number[]));
    this.#channel = Number(lastInsertRowid);
    this.#expected = Number(oldest);
    this.#top = Number(top);
    this.channels += 1;
  }

  #readFact({ kept, key, value, until }: Row): void {
    this.#database
      .prepare('INSERT INTO kept (kind, key, value, until) VALUES (?, ?, ?, ?)')
      .run(kept ?? '', key ?? '', value ?? '', until ?? null);
  }

  #readKey({ key, at, epoch, offset }: Row): void {
    this.#database
      .prepare('INSERT INTO keys (channel, key, at, epoch, offset) VALUES (?, ?, ?, ?, ?)')
      .run(this.#channel, key ?? '', Number(at), epoch ?? null, offset ?? null);
  }

  #readPublication({ offset, at, binary, exclude }: Row, line: string, number: number): void {
    const data = dataOf(line);
    if (offset !== this.#expected || offset > this.#top || !Number.isSafeInteger(at) || data === undefined) {
      throw new LogFault(`line ${number}: the publication with offset ${this.#expected} should stand here.`);
    }
    const isBinary = (binary as unknown) === true ? 1 : 0;
    this.#database
      .prepare(
        'INSERT INTO publications (channel, offset, at, is_binary, exclude, data) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(
        this.#channel,
        offset,
        at ?? 0,
        isBinary,
        exclude === undefined ? null : JSON.stringify(exclude),
        data,
      );
    this.#expected += 1;
    this.publications += 1;
  }
}

/** What stands behind `"data":`, as it was written; it is the last member. */
function dataOf(line: string): JsonText | undefined {
  const match = /^\{"offset":\d+,"at":\d+,(?:"binary":true,)?(?:"exclude":\{.*?\},)?"data":(.*)\}$/su.exec(
    line,
  );
  return match?.[1];
}

function parsed(line: string): Row | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : undefined;
  } catch {
    return undefined;
  }
}

function withLog<T>(file: string, use: (database: DatabaseSync) => T): T {
  const database = opened(file);
  try {
    return use(database);
  } catch (error) {
    throw faultOf(file, error);
  } finally {
    database.close();
  }
}

/** @throws {LogFault} */
function opened(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    openFormat(database, { sync: 'always', maxBytes: Number.MAX_SAFE_INTEGER });
    return database;
  } catch (error) {
    database?.close();
    throw faultOf(file, error);
  }
}

function faultOf(file: string, error: unknown): LogFault {
  return error instanceof LogFault ? error : new LogFault(`the log ${file} ${reasonOf(error)}.`);
}

function rows(database: DatabaseSync, sql: string): Row[] {
  return database.prepare(sql).all() as Row[];
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(rows(database, `PRAGMA ${name}`)[0]?.[name] ?? 0);
}
