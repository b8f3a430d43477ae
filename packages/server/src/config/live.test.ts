import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configKeys } from './keys.ts';
import { isLive, liveKeys, planReload } from './live.ts';
import { type LoadedConfig, loadConfig } from './load.ts';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-live-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

function load(config: object, flags: Record<string, boolean> = {}): Promise<LoadedConfig> {
  writeFileSync(join(cwd, 'config.json'), JSON.stringify(config));
  return loadConfig({ env: {}, cwd, flags: { config: 'config.json', ...flags } });
}

async function plan(before: object, next: object, flags: Record<string, boolean> = {}) {
  return planReload(await load(before), await load(next, flags));
}

const rule = { subscribe: 'anyone' };

describe('what a reload changes', () => {
  it('are keys that there are', () => {
    const known = new Set(configKeys().map(({ path }) => path.join('.')));
    expect(liveKeys.filter((name) => !known.has(name))).toEqual([]);
    expect(isLive(['channels', 'room:*', 'history', 'size'])).toBe(true);
    expect(isLive(['auth', 'cookie'])).toBe(false);
    expect(isLive(['port'])).toBe(false);
  });

  it('is nothing where nothing is different', async () => {
    const config = { api: { keys: ['a'] }, channels: { 'a:*': rule } };
    expect(await plan(config, config)).toMatchObject({ changed: [], restart: [] });
  });

  it('is named by its path; what comes or goes, as a whole; and a secret by its place alone', async () => {
    const before = {
      api: { keys: ['secret-1'] },
      auth: { tokens: { 'secret-2': { user: 'a' } } },
      channels: { 'a:*': rule, 'b:*': rule, 'c:*': { ...rule, history: { size: 1 } } },
      webhooks: [{ url: 'http://127.0.0.1/a' }],
      log: { level: 'info' },
    };
    const next = {
      api: { keys: ['secret-3'] },
      auth: { tokens: { 'secret-2': { user: 'b' }, 'secret-4': { user: 'c' } } },
      channels: { 'a:*': { subscribe: 'user' }, 'c:*': rule, 'd:*': rule },
      webhooks: [{ url: 'http://127.0.0.1/b' }],
      log: { level: 'debug' },
    };
    const { changed, restart, standing } = await plan(before, next);
    expect(changed.toSorted()).toEqual([
      'api.keys',
      'auth.tokens[entry 1].user',
      'auth.tokens[entry 2]',
      'channels["a:*"].subscribe',
      'channels["b:*"]',
      'channels["c:*"].history',
      'channels["d:*"]',
      'log.level',
      'webhooks[0].url',
    ]);
    expect(restart).toEqual([]);
    const { settings } = await load(next);
    expect(standing.settings).toEqual(settings);
    const renamed = { ...next, auth: { tokens: { other: { user: 'b' }, 'secret-4': { user: 'c' } } } };
    expect((await plan(next, renamed)).changed).toEqual(['auth.tokens[entry 1].user']);
    expect((await plan(next, {})).changed.toSorted()).toEqual([
      'api.keys',
      'auth.tokens[entry 1]',
      'auth.tokens[entry 2]',
      'channels["a:*"]',
      'channels["c:*"]',
      'channels["d:*"]',
      'log.level',
      'webhooks[0]',
    ]);
  });

  it('leaves the rest to a restart, and says so again as long as it is so', async () => {
    const before = { port: 1, websocket: { pingInterval: '20s' }, auth: { cookie: 'a' }, channels: {} };
    const next = { port: 2, websocket: {}, auth: { cookie: 'b' }, channels: { 'a:*': rule } };
    const first = await plan(before, next);
    expect(first.restart.toSorted()).toEqual(['auth.cookie', 'port', 'websocket.pingInterval']);
    expect(first.standing.settings).toMatchObject({
      port: 1,
      websocket: { pingIntervalMs: 20_000 },
      auth: { cookie: 'a' },
      channels: [{ pattern: 'a:*' }],
    });
    const second = planReload(first.standing, await load(next));
    expect(second).toMatchObject({ changed: [], restart: expect.arrayContaining(['port']) });
    expect(planReload(first.standing, await load(before)).restart).toEqual([]);
  });

  it('takes limits away again', async () => {
    const limited = { limits: { publishesPerSecond: 5, connectionsPerAddress: 7, apiBodyBytes: 2_000 } };
    const to = await plan({}, limited);
    expect(to.standing.settings.limits).toMatchObject({
      publishesPerSecond: 5,
      connectionsPerAddress: 7,
      apiBodyBytes: 1_048_576,
    });
    expect(planReload(to.standing, await load({})).standing.settings.limits).not.toHaveProperty(
      'publishesPerSecond',
    );
  });

  it.each([
    ['the native path', {}, { paths: { '/ws': { channel: 'a' } } }],
    [
      'a raw path',
      {},
      { websocket: { rawPaths: ['/other'] }, paths: { '/message-center': { channel: 'a' } } },
    ],
    ['a rendezvous', { rendezvous: {} }, { paths: { '/rendezvous': { channel: 'a' } } }],
  ])('takes nothing away from %s, which stays until the restart', async (_, before, next) => {
    const { restart, changed, standing } = await plan(before, next);
    expect(standing.settings.paths).toEqual([]);
    expect(restart.some((path) => path.startsWith('paths['))).toBe(true);
    expect(changed).toEqual([]);
  });

  it('is nothing at all where the mode is another', async () => {
    const before = { channels: { 'a:*': rule } };
    const { changed, restart, standing } = await plan(before, before, { dev: true });
    expect(changed).toEqual([]);
    expect(restart).toEqual(expect.arrayContaining(['development mode', 'auth.anonymous', 'channels["*"]']));
    expect(standing.settings.development).toBe(false);
    expect(standing.settings.channels).toHaveLength(1);
  });
});
