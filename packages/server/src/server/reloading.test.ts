import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '@carillon/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../config/faults.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { RememberingLog } from '../testing/remembering-log.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Reloading, type ReloadingParts } from './reloading.ts';

let cwd: string;
let clock: VirtualClock;
let log: RememberingLog;
/** What was put in force, in order. */
let applied: Settings[];

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-reloading-'));
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  log = new RememberingLog();
  applied = [];
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(config: object): void {
  writeFileSync(join(cwd, 'carillon.config.json'), JSON.stringify(config));
}

function load(): Promise<LoadedConfig> {
  return loadConfig({ env: {}, cwd });
}

async function start(config: object, parts: Partial<ReloadingParts> = {}): Promise<Reloading> {
  write(config);
  const prepare = async (next: Settings) => () => void applied.push(next);
  return new Reloading(await load(), { load, prepare, clock, log, ...parts });
}

const time = '2026-01-01T00:00:00.000Z';

test('RLD1 another config is put in force, and what it changes is told', async () => {
  const reloading = await start({ port: 1 });
  write({ port: 2, origins: ['https://example.com'] });
  clock.advance(5_000);
  expect(await reloading.reload()).toEqual({ changed: ['origins'], restart: ['port'] });
  expect(applied).toMatchObject([{ port: 1, origins: ['https://example.com'] }]);
  expect(reloading.info()).toEqual({
    file: join(cwd, 'carillon.config.json'),
    loadedAt: '2026-01-01T00:00:05.000Z',
    restart: ['port'],
  });
  expect(log.lines).toEqual([
    'info: the config was loaded again',
    'warn: some of the config takes effect with a restart only',
  ]);
});

test('RLD2 a config with faults changes nothing and says what is wrong, until a good one comes', async () => {
  const reloading = await start({ origins: ['https://a.example'] });
  write({ orgins: [], port: 'x' });
  clock.advance(1_000);
  await expect(reloading.reload()).rejects.toMatchObject({
    code: 107,
    status: 400,
    message: expect.stringMatching(/cannot be used, and nothing has changed: port: .* orgins: unknown key/),
  });
  expect(applied).toEqual([]);
  expect(reloading.info()).toMatchObject({
    loadedAt: time,
    failing: {
      time: '2026-01-01T00:00:01.000Z',
      faults: [expect.stringContaining('port'), expect.anything()],
    },
  });
  expect(reloading.figures).toMatchObject({ isFailing: true, succeeded: 0, failed: 1 });
  write({ origins: ['https://b.example'] });
  expect(await reloading.reload()).toMatchObject({ changed: ['origins'] });
  expect(reloading.info()).not.toHaveProperty('failing');
  expect(reloading.figures).toMatchObject({ isFailing: false, succeeded: 1, failed: 1 });
});

test('RLD2 what cannot be prepared changes nothing either', async () => {
  const prepare = async (): Promise<() => void> => {
    throw new ConfigError(['hooks: cannot be loaded: it throws.']);
  };
  const reloading = await start({}, { prepare });
  write({ origins: ['https://a.example'] });
  await expect(reloading.reload()).rejects.toMatchObject({ code: 107 });
  await expect(reloading.reload()).rejects.toMatchObject({ message: expect.stringContaining('it throws') });
  expect(reloading.figures).toMatchObject({ failed: 2, loadedAt: Date.UTC(2026, 0, 1) });
});

test('RLD2 a fault of the server is no fault of the config, and is logged', async () => {
  const broken = new Error('broken');
  const reloading = await start({}, { prepare: () => Promise.reject(broken) });
  await expect(reloading.reload()).rejects.toBe(broken);
  expect(reloading.figures.isFailing).toBe(true);
  expect(log.lines).toHaveLength(1);
});

test('RLD3 one is loaded at a time; who asks meanwhile shares the one that follows', async () => {
  let [running, most, loads] = [0, 0, 0];
  const reloading = await start(
    {},
    {
      load: async () => {
        loads += 1;
        running += 1;
        most = Math.max(most, running);
        const loaded = await load();
        running -= 1;
        return loaded;
      },
    },
  );
  await Promise.all(Array.from({ length: 10 }, () => reloading.reload()));
  expect(loads).toBe(1);
  const first = reloading.reload();
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  const others = Array.from({ length: 10 }, () => reloading.reload());
  await Promise.all([first, ...others]);
  expect(most).toBe(1);
  expect(loads).toBeLessThanOrEqual(3);
});

test('a program is run again with another number each time', async () => {
  const generations: number[] = [];
  const reloading = await start(
    {},
    {
      load: (generation) => {
        generations.push(generation);
        return load();
      },
    },
  );
  await reloading.reload();
  await reloading.reload();
  expect(generations).toEqual([1, 2]);
});

test('notes are told when they are new', async () => {
  const reloading = await start({ api: { keys: ['short'] } });
  await reloading.reload();
  expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  write({ api: { keys: ['short', 'too'] } });
  await reloading.reload();
  expect(log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
});

test('no more paths and faults are named than a person can read', async () => {
  const reloading = await start({});
  const names = Array.from({ length: limits.listedChanges + 5 }, (_, n) => `n${n}:*`);
  write({ channels: Object.fromEntries(names.map((name) => [name, { subscribe: 'anyone' }])) });
  const { changed, more } = await reloading.reload();
  expect([changed.length, more]).toEqual([limits.listedChanges, 5]);
  write(Object.fromEntries(names.map((name) => [name, 1])));
  await expect(reloading.reload()).rejects.toMatchObject({
    message: expect.stringContaining(`And ${names.length - limits.namedFaults} more.`),
  });
});
