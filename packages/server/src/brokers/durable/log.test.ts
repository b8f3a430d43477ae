/** What outlives a process, and what a log says when it cannot be used. */
import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { limits } from '@carillon/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerSink, Publication } from '../../core/broker.ts';
import { randomEpoch } from '../../system/ids.ts';
import { RememberingLog } from '../../testing/remembering-log.ts';
import { ShiftedClock } from '../../testing/shifted-clock.ts';
import { DurableBroker, type DurableBrokerOptions } from './broker.ts';

const kept = { retention: { size: 1_000, ttlMs: 3_600_000 } };
const open: DurableBroker[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-log-'));
});

afterEach(async () => {
  for (const broker of open.splice(0)) await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

class Sink implements BrokerSink {
  readonly seen: Publication[] = [];
  readonly gaps: string[] = [];

  publications(_channel: string, batch: readonly Publication[]): void {
    this.seen.push(...batch);
  }

  gap(channel: string): void {
    this.gaps.push(channel);
  }
}

function make(options: Partial<DurableBrokerOptions> = {}): DurableBroker {
  const broker = new DurableBroker({
    file: join(folder, 'carillon.db'),
    maxBytes: 100_000_000,
    sync: 'always',
    bootId: 'first boot',
    newEpoch: randomEpoch,
    clock: new ShiftedClock(),
    log: new RememberingLog(),
    ...options,
  });
  open.push(broker);
  return broker;
}

async function start(options: Partial<DurableBrokerOptions> = {}): Promise<DurableBroker> {
  const broker = make(options);
  await broker.start(new Sink());
  return broker;
}

async function texts(broker: DurableBroker, channel: string): Promise<string[]> {
  const { publications } = await broker.history(channel, { limit: 1_000 });
  return publications.map(({ data }) => data);
}

describe('a log that is opened again', () => {
  it('REC12 has epochs, offsets, publications and keys as they were', async () => {
    const first = await start();
    const before = await first.publish('a', '"1"', kept);
    await first.publish('a', '"2"', { ...kept, idempotencyKey: 'k', exclude: { users: ['u'] } });
    await first.close();
    const second = await start();
    expect(await second.history('a', { limit: 9 })).toMatchObject({
      epoch: before?.epoch,
      top: 2,
      oldest: 1,
      publications: [
        { offset: 1, data: '"1"' },
        { offset: 2, data: '"2"', exclude: { users: ['u'] } },
      ],
    });
    expect(await second.publish('a', '"again"', { ...kept, idempotencyKey: 'k' })).toMatchObject({
      offset: 2,
    });
    expect(await second.publish('a', '"3"', kept)).toEqual({ epoch: before?.epoch, offset: 3 });
  });

  it('keeps the epoch of a channel that is still empty', async () => {
    const first = await start();
    const { epoch } = await first.history('a', { limit: 0 });
    await first.close();
    const second = await start();
    expect(await second.publish('a', '1', kept)).toEqual({ epoch, offset: 1 });
  });

  it('never gives a name that was forgotten the epoch that it had', async () => {
    const clock = new ShiftedClock();
    const broker = await start({ clock });
    const first = await broker.publish('a', '1', { retention: { size: 1, ttlMs: 1_000 } });
    clock.shift(limits.positionTtlMs + 10_000);
    // The next sweep forgets it, and comes within about a second.
    for (let tries = 0; tries < 200; tries++) {
      const { epoch } = await broker.history('a', { limit: 0 });
      if (epoch !== first?.epoch) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const second = await broker.publish('a', '1', kept);
    expect(second?.offset).toBe(1);
    expect(second?.epoch).not.toBe(first?.epoch);
  });

  it('enforces what a channel keeps on the disk, too', async () => {
    const broker = await start();
    const few = { retention: { size: 10, ttlMs: 3_600_000 } };
    for (let number = 0; number < 500; number++) await broker.publish('a', '1', few);
    await broker.close();
    const database = new DatabaseSync(join(folder, 'carillon.db'));
    const rows = Number(database.prepare('SELECT count(*) AS rows FROM publications').get()?.['rows']);
    database.close();
    expect(rows).toBeLessThan(100);
  });
});

describe('after an end that was not clean', () => {
  /** Leaves the file as a killed process does. */
  async function killed(sync: DurableBrokerOptions['sync']): Promise<string | undefined> {
    const broker = await start({ sync });
    const position = await broker.publish('a', '"1"', kept);
    await broker.close();
    const database = new DatabaseSync(join(folder, 'carillon.db'));
    database.exec("UPDATE facts SET value = 'false' WHERE name = 'clean'");
    database.close();
    return position?.epoch;
  }

  it.each(['always', 'interval', 'off'] as const)(
    'of the process alone, sync %s keeps the epochs',
    async (sync) => {
      const epoch = await killed(sync);
      expect((await (await start({ sync })).history('a', { limit: 1 })).epoch).toBe(epoch);
    },
  );

  it('of the machine, sync always keeps the epochs', async () => {
    const epoch = await killed('always');
    const broker = await start({ bootId: 'second boot' });
    expect((await broker.history('a', { limit: 1 })).epoch).toBe(epoch);
  });

  it.each(['interval', 'off'] as const)(
    'of the machine, sync %s begins new epochs, and offsets and publications go on',
    async (sync) => {
      const epoch = await killed(sync);
      const broker = await start({ sync, bootId: 'second boot' });
      const page = await broker.history('a', { limit: 1 });
      expect(page).toMatchObject({ top: 1, publications: [{ data: '"1"' }] });
      expect(page.epoch).not.toBe(epoch);
      expect(page.epoch).toMatch(/^[\w-]{1,64}$/);
    },
  );
});

describe('a log that cannot be used', () => {
  const fault = async (options: Partial<DurableBrokerOptions> = {}): Promise<string> => {
    try {
      await start(options);
    } catch (error) {
      return (error as Error).message.replace(folder, '');
    }
    throw new Error('it could be opened');
  };

  it('is in use', async () => {
    await start();
    expect(await fault()).toBe(
      'the log /carillon.db is in use by another process; one Carillon at a time may have it.',
    );
  });

  it('is something else', async () => {
    writeFileSync(join(folder, 'carillon.db'), 'no database, but long enough to look like one'.repeat(100));
    expect(await fault()).toBe('the log /carillon.db is damaged, or no log of Carillon.');
  });

  it('is the database of another program', async () => {
    const database = new DatabaseSync(join(folder, 'carillon.db'));
    database.exec('CREATE TABLE theirs (a)');
    database.close();
    expect(await fault()).toBe('the log /carillon.db is a database of something else.');
  });

  it('is of a newer version', async () => {
    await (await start()).close();
    const database = new DatabaseSync(join(folder, 'carillon.db'));
    database.exec('PRAGMA user_version = 1000');
    database.close();
    expect(await fault()).toBe('the log /carillon.db was written by a newer version of Carillon.');
  });

  it('is cut off in the middle, and is left as it is', async () => {
    const broker = await start();
    for (let number = 0; number < 200; number++)
      await broker.publish('a', JSON.stringify('x'.repeat(1_000)), kept);
    await broker.close();
    const file = join(folder, 'carillon.db');
    truncateSync(file, Math.floor(statSync(file).size / 2));
    const size = statSync(file).size;
    const outcome = await fault().catch(() => 'opened');
    // SQLite may notice only when it reads what is missing: then that is refused.
    if (outcome === 'opened') {
      const [reading] = open.slice(-1);
      await expect(reading?.history('a', { limit: 1_000 })).rejects.toMatchObject({ code: 108 });
    } else expect(outcome).toContain('is damaged');
    expect(statSync(file).size).toBe(size);
  });

  it('is a folder', async () => {
    mkdirSync(join(folder, 'carillon.db'));
    expect(await fault()).toBe('the log /carillon.db cannot be opened or made.');
  });

  it('refuses what does not fit on the disk, keeps what it has, and goes on when there is room', async () => {
    const log = new RememberingLog();
    const broker = await start({ maxBytes: 1_000_000, log });
    const data = JSON.stringify('x'.repeat(50_000));
    let stored = 0;
    let refusal: unknown;
    for (; refusal === undefined && stored < 100; stored++) {
      await broker.publish('a', data, kept).catch((error: unknown) => {
        refusal = error;
      });
    }
    expect(refusal).toMatchObject({
      code: 108,
      status: 503,
      message: expect.stringContaining('the disk is full'),
    });
    expect(await texts(broker, 'a')).toHaveLength(stored - 1);
    expect(log.lines.filter((line) => line.includes('the disk is full'))).toHaveLength(1);
    await broker.removeHistory('a');
    expect(await broker.publish('a', '"after"', kept)).toMatchObject({ offset: stored });
  });

  it('that has no room for one thing answers what came with it, and says so once until writing went well for a while', async () => {
    const log = new RememberingLog();
    const clock = new ShiftedClock();
    const broker = await start({ maxBytes: 1_000_000, log, clock });
    const large = JSON.stringify('x'.repeat(50_000));
    const publish = (data: string): Promise<unknown> =>
      broker.publish('a', data, kept).catch(() => 'refused');
    for (let stored = 0; stored < 100 && (await publish(large)) !== 'refused'; stored++);
    const { top } = await broker.history('a', { limit: 0 });
    const together = await Promise.all([broker.history('a', { limit: 1 }), publish(large), publish('1')]);
    expect(together).toMatchObject([{ top }, 'refused', { offset: top + 1 }]);
    for (const again of [1, 2, 3]) expect(await publish(again === 2 ? large : '2')).toBeDefined();
    expect(log.lines).toEqual([
      expect.stringMatching(/the disk is full, or .* limits\.dataBytes .*: publishing is refused until/),
    ]);
    clock.shift(60_000);
    await broker.history('a', { limit: 1 });
    expect(log.lines).toHaveLength(1);
    await publish('3');
    expect(log.lines.slice(1)).toEqual([expect.stringContaining('the log can be written again')]);
  });
});
