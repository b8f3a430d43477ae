import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hookNames } from '../hooks/names.ts';
import { ConfigError } from './faults.ts';
import { hookKeys, readUrlHook } from './hooks.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

let cwd: string;
let count = 0;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-config-'));
  mkdirSync(join(cwd, 'etc'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** `config`: JSON, or the text of a module. */
function load(config: object | string, env: Record<string, string> = {}): Promise<LoadedConfig> {
  count += 1;
  const name = `etc/${count}.${typeof config === 'string' ? 'mjs' : 'json'}`;
  writeFileSync(join(cwd, name), typeof config === 'string' ? config : JSON.stringify(config));
  return loadConfig({ env, cwd, flags: { config: name } });
}

async function faultsOf(hooks: unknown): Promise<readonly string[]> {
  const error: unknown = await load({ hooks }).catch((thrown: unknown) => thrown);
  return error instanceof ConfigError ? error.faults : [];
}

const url = 'https://example.com/hook';

describe('RUN1 the key hooks', () => {
  it('knows every hook', () => {
    expect(hookKeys).toEqual(hookNames);
  });

  it('may be absent', async () => {
    expect((await load({})).settings.hooks).toEqual({ source: {}, timeoutMs: 5_000 });
  });

  it('is a path, relative to the file that says it', async () => {
    const { settings } = await load({ hooks: './hooks.ts', hookTimeout: '250ms' });
    const module = { path: join(cwd, 'etc/hooks.ts'), kind: 'hooks' };
    expect(settings.hooks).toEqual({ source: { module }, timeoutMs: 250 });
    const { settings: other } = await load({}, { CARILLON_HOOKS: 'more/hooks.mjs' });
    expect(other.hooks.source.module?.path).toBe(join(cwd, 'more/hooks.mjs'));
  });

  it('is an object of URLs in any language', async () => {
    const { settings, inForce } = await load({
      hooks: { auth: { url, headers: { 'X-Key': 'geheim' } }, call: { url, timeout: '2s' } },
    });
    const urls = new Map([
      ['auth', { url, headers: { 'X-Key': 'geheim' } }],
      ['call', { url, headers: {}, timeoutMs: 2_000 }],
    ]);
    expect(settings.hooks.source).toEqual({ urls });
    expect(JSON.stringify(inForce)).not.toContain('geheim');
    expect(inForce).toContainEqual(expect.objectContaining({ path: 'hooks.auth.url', value: url }));
  });

  it('with a function is read by the thread from the very file', async () => {
    const { settings, inForce } = await load(
      `export default { hooks: { publish() {}, auth: { url: '${url}' } } };`,
    );
    const module = { path: join(cwd, `etc/${count}.mjs`), kind: 'config' };
    expect(settings.hooks.source).toEqual({ module });
    expect(inForce).toContainEqual(expect.objectContaining({ path: 'hooks.publish', value: 'a function' }));
  });

  it.each([
    [{ publsh: { url } }, "hooks.publsh: unknown key; did you mean 'publish'?"],
    [{ auth: { url, timout: '1s' } }, "hooks.auth.timout: unknown key; did you mean 'timeout'?"],
    [{ auth: {} }, 'hooks.auth.url: is missing; it must be a URL without user and password'],
    [{ auth: { url: 'x' } }, 'hooks.auth.url: must be a URL'],
    [
      { auth: { url, timeout: 5 } },
      "hooks.auth.timeout: must be a duration from 10ms to 10m, with its unit, such as '10s'",
    ],
    [
      { auth: 'x' },
      'hooks.auth: must be a function, which only a config in TypeScript or JavaScript can have, or { url }',
    ],
    ['hooks.json', 'hooks: must be the path of a file in TypeScript or JavaScript'],
    [
      5,
      "hooks: must be the path of a file in TypeScript or JavaScript, such as './hooks.ts', or an object of hooks",
    ],
  ])('%j is refused: %s', async (hooks, fault) => {
    const [first, ...others] = await faultsOf(hooks);
    expect([first, others]).toEqual([expect.stringContaining(fault), []]);
  });
});

describe('RUN1 a URL in a file of hooks', () => {
  it('is read like one of the config', () => {
    expect(readUrlHook({ url, timeout: '1s' })).toEqual({ url, timeoutMs: 1_000, headers: {} });
  });

  it.each([
    [{ ulr: url, url }, "has an unknown key 'ulr'; did you mean 'url'?"],
    [{ url, headers: { 'a b': 'x' } }, 'cannot be used: headers'],
    ['x', 'cannot be used: must be an object'],
  ])('%j is refused: %s', (value, why) => {
    expect(() => readUrlHook(value)).toThrow(why);
  });
});
