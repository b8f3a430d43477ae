import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomEpoch } from '../../system/ids.ts';
import { RememberingLog } from '../../testing/remembering-log.ts';
import { ShiftedClock } from '../../testing/shifted-clock.ts';
import { checkLog, exportLog, importLog } from './archive.ts';
import { DurableBroker } from './broker.ts';

const kept = { retention: { size: 1_000, ttlMs: 3_600_000 } };
const sink = { publications: (): void => {}, gap: (): void => {} };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-archive-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function path(name: string): string {
  return join(folder, `${name}.db`);
}

async function using<T>(name: string, work: (broker: DurableBroker) => Promise<T>): Promise<T> {
  const broker = new DurableBroker({
    file: path(name),
    maxBytes: 100_000_000,
    sync: 'off',
    bootId: 'boot',
    newEpoch: randomEpoch,
    clock: new ShiftedClock(),
    log: new RememberingLog(),
  });
  await broker.start(sink);
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
}

/** A log with history, removed history, keys, bytes, exclusions, and text that could end a line or a member. */
function fill(): Promise<void> {
  return using('from', async (broker) => {
    for (let number = 1; number <= 30; number++) {
      await broker.publish('a', String(number), { retention: { size: 20, ttlMs: 3_600_000 } });
    }
    const exclude = { sessions: ['},"data":1'], users: ['u'] };
    await broker.publish('b', '{"z":1e400,"a":"\\n\u2028},\\"data\\":"}', {
      ...kept,
      exclude,
      idempotencyKey: 'k',
    });
    await broker.publish('b', '"AA=="', { ...kept, binary: true });
    await broker.publish('gone', '1', kept);
    await broker.removeHistory('gone');
    await broker.publish('none', '1', { idempotencyKey: 'k' });
    await broker.put('tags', 'ann', '[["vip",true]]');
    await broker.put('inbox', 'user:ann', '{}', Date.now() + 3_600_000);
  });
}

async function* each(lines: Iterable<string>): AsyncGenerator<string> {
  yield* lines;
}

describe('an archive', () => {
  it('brings everything back: positions, data as it was written, exclusions, keys', async () => {
    await fill();
    expect(await importLog(path('to'), each(exportLog(path('from'))), { keepsPositions: true })).toEqual({
      channels: 4,
      publications: 22,
    });
    const pages = (name: string): Promise<unknown[]> =>
      using(name, (broker) =>
        Promise.all(
          ['a', 'b', 'gone', 'none', 'new'].map((channel) => broker.history(channel, { limit: 100 })),
        ),
      );
    expect(await pages('to')).toEqual(await pages('from'));
    const again = await using('to', (broker) =>
      broker.publish('b', '"again"', { ...kept, idempotencyKey: 'k' }),
    );
    expect(again).toMatchObject({ offset: 1 });
    const facts = await using('to', async (broker) => [
      ...(await broker.load('tags')),
      ...(await broker.load('inbox')),
    ]);
    expect(facts).toEqual([
      ['ann', '[["vip",true]]'],
      ['user:ann', '{}'],
    ]);
    expect(checkLog(path('to'))).toMatchObject({ channels: 4, publications: 22, keys: 2, faults: [] });
  });

  it('begins new epochs unless it is known that none of its offsets was given since', async () => {
    await fill();
    await importLog(path('to'), each(exportLog(path('from'))), { keepsPositions: false });
    const page = (name: string): ReturnType<DurableBroker['history']> =>
      using(name, (broker) => broker.history('b', { limit: 100 }));
    const [to, from] = [await page('to'), await page('from')];
    expect(to).toEqual({ ...from, epoch: to.epoch });
    expect(to.epoch).not.toBe(from.epoch);
  });

  it('is taken whole or not at all', async () => {
    await fill();
    const lines = [...exportLog(path('from'))];
    const refusal = (changed: readonly string[]): Promise<string> =>
      importLog(path('to'), each(changed), { keepsPositions: true }).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    expect(await refusal([])).toBe('the archive is empty.');
    expect(await refusal(lines.slice(1))).toContain('line 1 is not the heading');
    expect(await refusal(lines.slice(0, 5))).toBe('the archive breaks off within a channel.');
    expect(await refusal([...lines.slice(0, 6), ...lines.slice(7)])).toBe(
      'line 7: the publication with offset 13 should stand here.',
    );
    expect(await refusal([...lines.slice(0, 3), 'x'])).toBe('line 4 is no JSON object.');
    expect(checkLog(path('to'))).toMatchObject({ channels: 0, publications: 0 });
    expect(await refusal(lines)).toBe('taken');
    expect(await refusal(lines)).toContain('is not empty');
  });
});

describe('a check', () => {
  it('finds a hole, and publications of nobody', async () => {
    await fill();
    const database = new DatabaseSync(path('from'));
    database.exec('DELETE FROM publications WHERE channel = 1 AND offset = 20');
    database.exec("INSERT INTO publications VALUES (99, 1, 0, 0, NULL, '1')");
    database.close();
    expect(checkLog(path('from')).faults).toEqual([
      'the channel "a" should have the offsets 11 to 30, and has 19 publications.',
      '1 publications belong to no channel.',
    ]);
  });

  it('leaves a log alone that is in use', async () => {
    await using('from', async () => {
      expect(() => checkLog(path('from'))).toThrow('is in use by another process');
    });
  });
});
