import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { scopes } from '../http/api/permissions.ts';
import { scopeNames } from './api.ts';
import { ConfigError } from './faults.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

const cwd = mkdtempSync(join(tmpdir(), 'carillon-api-config-'));
afterAll(() => rmSync(cwd, { recursive: true }));
let files = 0;

function load(config: unknown): Promise<LoadedConfig> {
  const path = join(cwd, `config-${++files}.json`);
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ flags: { config: path }, env: {}, cwd });
}

async function faultsOf(api: unknown): Promise<readonly string[]> {
  try {
    await load({ api });
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('the config was accepted');
}

describe('ACC18: API keys', () => {
  test('are texts, or objects that say what they may do', async () => {
    const limited = {
      key: 'b-long-enough-for-a-key',
      name: 'shop',
      scopes: ['publish'],
      channels: ['room:*'],
    };
    const { settings, notes } = await load({
      api: { keys: ['a-long-enough-for-a-key', limited, { key: 'c' }] },
    });
    expect(settings.api.keys).toEqual(['a-long-enough-for-a-key', limited, { key: 'c' }]);
    expect(notes).toEqual(['api.keys: 1 of 3 are shorter than 16 characters and may be guessed.']);
  });

  test('have the scopes that the API knows', () => {
    expect(scopeNames).toEqual(scopes);
  });

  test('are never shown, whatever else is', async () => {
    const keys = ['hidden-1', { key: 'hidden-2', scopes: ['read'] }];
    const { inForce } = await load({ api: { keys } });
    expect(JSON.stringify(inForce)).not.toContain('hidden');
    const shown = inForce
      .filter(({ path }) => path.startsWith('api.keys'))
      .map(({ path, value }) => [path, value]);
    expect(shown).toEqual([
      ['api.keys[0]', '***'],
      ['api.keys[1].key', '***'],
      ['api.keys[1].scopes', ['read']],
    ]);
  });

  test.each<[string, unknown, string]>([
    [
      'a scope that there is not',
      { key: 'k', scopes: ['publish', 'write'] },
      'api.keys[0].scopes[1]: must be one of',
    ],
    ['no scope', { key: 'k', scopes: [] }, 'api.keys[0].scopes: must name at least one'],
    ['no channel', { key: 'k', channels: [] }, 'api.keys[0].channels: must name at least one'],
    ['no key', { scopes: ['read'] }, 'api.keys[0].key: is missing'],
    ['a slip', { key: 'k', scope: ['read'] }, "api.keys[0].scope: unknown key; did you mean 'scopes'?"],
    ['a reserved channel', { key: 'k', channels: ['$x'] }, 'api.keys[0].channels[0]: must be a channel name'],
    ['something else', 5, 'api.keys[0]: must be a text of printable ASCII without spaces, or {'],
    ['a list', [['k']], 'api.keys[0]: must be a text of printable ASCII without spaces, or {'],
  ])('%s is a fault that names the place', async (_what, key, sentence) => {
    const [first, ...others] = await faultsOf({ keys: [key, 'another'] });
    expect(first).toContain(sentence);
    expect(others).toEqual([]);
  });

  test('that stand twice are a fault, since the second would count for nothing', async () => {
    expect(
      await faultsOf({ keys: ['one', { key: 'two', scopes: ['read'] }, { key: 'one', scopes: ['read'] }] }),
    ).toEqual(['api.keys[2]: is the key of api.keys[0] again; leave one of them out.']);
  });
});

test('ACC15: a pattern that names a part twice is a fault', async () => {
  const channels = { 'dm:{uid}:{uid}': { subscribe: 'owner' } };
  await expect(load({ channels })).rejects.toThrow('{uid} stands twice in the pattern');
});
