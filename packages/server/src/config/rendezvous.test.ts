import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from './faults.ts';
import { loadConfig } from './load.ts';

let cwd = '';
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-config-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** The settings of a config file; a list of sentences where it cannot be used. */
async function load(config: object | undefined, env: Readonly<Record<string, string>> = {}) {
  const file = join(cwd, 'config.json');
  writeFileSync(file, JSON.stringify(config ?? {}));
  const flags = config === undefined ? {} : { config: file };
  return loadConfig({ flags, env, cwd }).catch((error: unknown) => {
    if (error instanceof ConfigError) return { faults: error.faults };
    throw error;
  });
}

const usual = { ttlMs: 120_000, path: '/rendezvous', limits: { open: 100_000, perAddress: 20 } };

test('there are none unless the config says so, and some in development mode', async () => {
  const without = await load({});
  expect('settings' in without && without.settings.rendezvous).toBeUndefined();
  expect(await load({ rendezvous: {} })).toMatchObject({ settings: { rendezvous: usual } });
  const development = await load(undefined);
  expect(development).toMatchObject({ development: true, settings: { rendezvous: usual } });
  expect('origins' in development && development.origins.get('rendezvous.ttl')).toBe('development mode');
});

test('one key of it is enough, also from the environment', async () => {
  const short = { settings: { rendezvous: { ...usual, ttlMs: 30_000 } } };
  expect(await load({}, { CARILLON_RENDEZVOUS_TTL: '30s' })).toMatchObject(short);
  const scanUrl = 'app://login/{code}';
  const own = { settings: { rendezvous: { ...usual, scanUrl } } };
  expect(await load({ rendezvous: { scanUrl } })).toMatchObject(own);
});

test.each([
  [{ rendezvous: { scanUrl: 'https://m.example.com/login' } }, 'must be an address with {code} in it'],
  [{ rendezvous: { ttl: 120 } }, 'with its unit'],
  [{ rendezvous: { ttl: '1h' } }, 'must be a duration from 1s to 10m'],
  [{ rendezvous: { limits: { perAddress: 0 } } }, 'must be a whole number from 1'],
  [{ rendezvous: { path: '/pub' } }, "rendezvous.path: '/pub' is taken by Carillon itself"],
  [
    { rendezvous: {}, paths: { '/rendezvous/consume': { channel: 'a' } } },
    "'/rendezvous/consume' is taken by rendezvous.path",
  ],
  [
    { rendezvous: {}, channels: { 'rendezvous:*': { publish: 'anyone' } } },
    `channels["rendezvous:*"]: these channels belong to the key 'rendezvous'`,
  ],
])('%j is refused', async (config, sentence) => {
  expect(await load(config)).toEqual({ faults: [expect.stringContaining(sentence)] });
});

test('without the feature its channels are like any other', async () => {
  expect(await load({ channels: { 'rendezvous:*': { publish: 'anyone' } } })).toHaveProperty('settings');
});
