import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts';

let cwd: string;
let files = 0;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'carillon-config-'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Writes a config file under a name of its own. */
function file(content: unknown, ending = 'json'): string {
  files += 1;
  const path = join(cwd, `config-${files}.${ending}`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(config: unknown, rest: Partial<ConfigSources> = {}): Promise<LoadedConfig> {
  return loadConfig({ env: {}, cwd, ...rest, flags: { config: file(config), ...rest.flags } });
}

const rule = { subscribe: 'anyone' } as const;

describe('without anything', () => {
  it('is development mode on loopback with every channel open', async () => {
    const { settings, development } = await loadConfig({ env: {}, cwd });
    expect(development).toBe(true);
    expect(settings).toMatchObject({ host: '127.0.0.1', port: 6790, drainMs: 3_000, development: true });
    expect(settings.auth.anonymous).toBe(true);
    const open = {
      subscribe: 'anyone',
      publish: 'anyone',
      readHistory: 'anyone',
      readPresence: 'anyone',
      history: { size: 100, ttlMs: 600_000 },
      presence: { announces: false },
    };
    expect(settings.channels).toEqual([
      { ...open, pattern: 'user:{uid}', inbox: {} },
      { ...open, pattern: '*' },
    ]);
  });

  it('has customers for the demos, as long as the config names no users', async () => {
    const { settings, inForce } = await loadConfig({ env: {}, cwd });
    expect([...settings.auth.tokens.values()].map(({ user }) => user)).toEqual(['ada', 'lin', 'max']);
    expect(JSON.stringify(inForce)).not.toContain('demo-ada');
    const first = inForce.find(({ path }) => path === 'auth.tokens[entry 1].user');
    expect(first).toMatchObject({ value: 'ada', origin: 'development mode' });
    for (const auth of [{ tokens: { t: { user: '1' } } }, { jwt: { secret: 's'.repeat(32) } }]) {
      const given = await load({ auth }, { flags: { dev: true } });
      expect(given.settings.auth.tokens.has('demo-ada')).toBe(false);
    }
  });

  it('has the defaults of the contract', async () => {
    const { settings } = await loadConfig({ env: {}, cwd });
    expect(settings.websocket).toEqual({
      path: '/ws',
      rawPaths: ['/message-center'],
      pingIntervalMs: 25_000,
      pongTimeoutMs: 10_000,
      stallTimeoutMs: 60_000,
      maxFrameBytes: 65_536,
    });
    expect(settings.limits).toMatchObject({ channelsPerConnection: 128, apiBodyBytes: 1_048_576 });
    expect(settings.limits.publishesPerSecond).toBeUndefined();
  });

  it('gives settings that nobody can change', async () => {
    const { settings } = await loadConfig({ env: {}, cwd });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.websocket.rawPaths)).toBe(true);
  });
});

describe('a whole config', () => {
  const whole = {
    host: '127.0.0.1',
    port: 7000,
    workers: 'auto',
    drain: '3s',
    engine: 'memory',
    api: { keys: ['key-1'], listen: '127.0.0.1:6789' },
    auth: {
      anonymous: true,
      tokens: { 'secret-1': { user: '1001' }, 'secret-2': { user: 1002, tags: { vip: true } } },
      cookie: 'token',
    },
    origins: ['https://example.com'],
    hosts: ['push.example.com'],
    trustProxy: ['127.0.0.0/8', '::1'],
    paths: { '/webws': { channel: 'chat:{channel}' } },
    channels: {
      'user:{uid}': { subscribe: 'owner', history: { size: 100, ttl: '24h' } },
      'room:*': {
        subscribe: 'user',
        publish: 'subscriber',
        readHistory: 'nobody',
        history: { size: 50, ttl: '10m' },
      },
      'qr:*': { subscribe: 'anyone' },
    },
  };

  it('is taken as it is, without the openings of development mode', async () => {
    const { settings, development } = await load(whole);
    expect(development).toBe(false);
    expect(settings.channels.map(({ pattern }) => pattern)).toEqual(['user:{uid}', 'room:*', 'qr:*']);
    expect(settings.api.listen).toEqual({ host: '127.0.0.1', port: 6789 });
    expect(settings.paths).toEqual([{ path: '/webws', channel: 'chat:{channel}' }]);
  });

  it('turns a numeric user into its decimal text', async () => {
    const { settings } = await load(whole);
    expect(settings.auth.tokens.get('secret-1')).toEqual({ user: '1001' });
    expect(settings.auth.tokens.get('secret-2')).toEqual({ user: '1002', tags: { vip: true } });
  });

  it('closes what a rule does not name, and lets who may subscribe read history and presence', async () => {
    const { settings } = await load(whole);
    expect(settings.channels).toEqual([
      expect.objectContaining({ publish: 'nobody', readHistory: 'owner', readPresence: 'owner' }),
      expect.objectContaining({
        readHistory: 'nobody',
        readPresence: 'user',
        history: { size: 50, ttlMs: 600_000 },
      }),
      {
        pattern: 'qr:*',
        subscribe: 'anyone',
        publish: 'nobody',
        readHistory: 'anyone',
        readPresence: 'anyone',
      },
    ]);
  });

  it('says the same in YAML, with comments', async () => {
    const yaml =
      '# rooms\nport: 7001\nchannels:\n  room:*: { subscribe: anyone, history: { size: 5, ttl: 1m } }\n';
    const { settings } = await loadConfig({ env: {}, cwd, flags: { config: file(yaml, 'yaml') } });
    expect(settings.port).toBe(7001);
    expect(settings.channels[0]).toMatchObject({ pattern: 'room:*', history: { size: 5, ttlMs: 60_000 } });
  });

  it('may name its JSON schema', async () => {
    expect((await load({ $schema: './config.schema.json', port: 7002 })).settings.port).toBe(7002);
  });
});

describe('precedence', () => {
  it('is flag, environment, file, default, and each value knows its origin', async () => {
    const path = file({ port: 1, host: '127.0.0.2', drain: '9s' });
    const { settings, origins } = await loadConfig({
      flags: { config: path, port: '3' },
      env: { CARILLON_PORT: '2', CARILLON_HOST: '127.0.0.3' },
      cwd,
    });
    expect(settings).toMatchObject({ port: 3, host: '127.0.0.3', drainMs: 9_000 });
    expect(origins.get('port')).toBe('--port');
    expect(origins.get('host')).toBe('CARILLON_HOST');
    expect(origins.get('drain')).toBe('config-'.concat(`${files}.json`));
    expect(origins.get('engine')).toBe('default');
    expect(origins.get('channels["*"].subscribe')).toBeUndefined();
  });

  it('reads lists, numbers and switches from the environment, and takes an empty one as absent', async () => {
    const { settings } = await loadConfig({
      env: {
        CARILLON_API_KEYS: 'a, b',
        CARILLON_AUTH_ANONYMOUS: 'true',
        CARILLON_WEBSOCKET_PING_INTERVAL: '5s',
        CARILLON_LIMITS_CHANNELS_PER_CONNECTION: '7',
        CARILLON_WORKERS: '2',
        CARILLON_HOST: '',
      },
      cwd,
    });
    expect(settings.api.keys).toEqual(['a', 'b']);
    expect(settings).toMatchObject({ workers: 2, host: '127.0.0.1', development: false });
    expect(settings.websocket.pingIntervalMs).toBe(5_000);
    expect(settings.limits.channelsPerConnection).toBe(7);
  });

  it('takes CARILLON_API_KEY as the one key where there is no list', async () => {
    const alone = await loadConfig({ env: { CARILLON_API_KEY: 'one' }, cwd });
    expect(alone.settings.api.keys).toEqual(['one']);
    expect(alone.development).toBe(false);
    const both = await loadConfig({ env: { CARILLON_API_KEY: 'one', CARILLON_API_KEYS: 'two,three' }, cwd });
    expect(both.settings.api.keys).toEqual(['two', 'three']);
  });

  it('finds the file by CARILLON_CONFIG, relative to the working directory', async () => {
    file({ port: 5 });
    const loaded = await loadConfig({ env: { CARILLON_CONFIG: `config-${files}.json` }, cwd });
    expect(loaded.settings.port).toBe(5);
    expect(loaded.file).toBe(join(cwd, `config-${files}.json`));
  });
});

describe('development mode', () => {
  it('is off with a file, and off with an API key', async () => {
    expect((await load({})).development).toBe(false);
    expect((await loadConfig({ env: { CARILLON_API_KEYS: 'k' }, cwd })).development).toBe(false);
  });

  it('is on with --dev or CARILLON_DEV, and adds its open rule behind those of the file', async () => {
    const { settings, origins } = await load({ channels: { 'room:*': rule } }, { flags: { dev: true } });
    expect(settings.channels.map(({ pattern }) => pattern)).toEqual(['room:*', '*']);
    expect(origins.get('channels["*"].subscribe')).toBe('development mode');
    expect((await load({}, { env: { CARILLON_DEV: '1' } })).development).toBe(true);
  });

  it('leaves what the file says of anonymous and of *', async () => {
    const given = { auth: { anonymous: false }, channels: { '*': { subscribe: 'user' } } };
    const { settings } = await load(given, { flags: { dev: true } });
    expect(settings.auth.anonymous).toBe(false);
    expect(settings.channels).toEqual([
      expect.objectContaining({ pattern: '*', subscribe: 'user', publish: 'nobody' }),
    ]);
  });
});

describe('what is in force', () => {
  it('is listed with every secret masked', async () => {
    const { inForce } = await load({
      api: { keys: ['hidden-1', 'hidden-2'] },
      auth: { tokens: { 'hidden-token': { user: '7' } } },
    });
    expect(inForce).toContainEqual({
      path: 'api.keys',
      value: ['***', '***'],
      origin: expect.stringMatching(/^config-/),
    });
    expect(inForce).toContainEqual({
      path: 'auth.tokens[entry 1].user',
      value: '7',
      origin: expect.stringMatching(/^config-/),
    });
    expect(JSON.stringify(inForce)).not.toContain('hidden');
  });
});
