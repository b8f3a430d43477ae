import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from './faults.ts';
import { readConfigFile } from './file.ts';
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

async function faultsOf(loading: Promise<LoadedConfig>): Promise<readonly string[]> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

const rule = { subscribe: 'anyone' } as const;

describe('a server that would stand open', () => {
  it('needs a key and a rule on a host that others reach, one sentence for each', async () => {
    expect(await faultsOf(load({ host: '0.0.0.0' }))).toEqual([
      "host: '0.0.0.0' can be reached from other machines and needs an API key: set api.keys, or start with --insecure if that is meant.",
      "host: '0.0.0.0' can be reached from other machines and needs at least one channel rule: set channels, or start with --insecure if that is meant.",
    ]);
    expect(await faultsOf(load({ host: '::', api: { keys: ['k'] } }))).toHaveLength(1);
    expect(await faultsOf(load({ host: '::', api: { keys: ['k'] }, channels: { a: rule } }))).toEqual([]);
  });

  it('starts when --insecure says that it is meant', async () => {
    const { settings, notes } = await load({ host: '0.0.0.0' }, { flags: { insecure: true } });
    expect(settings.insecure).toBe(true);
    expect(notes.join()).toContain('insecure');
  });

  it.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1', '[::1]'])('is not feared on %s', async (host) => {
    expect((await load({ host })).settings.host).toBe(host.replaceAll(/[[\]]/g, ''));
  });

  it('does not open development mode to others', async () => {
    const open = { host: '0.0.0.0', api: { keys: ['k'] }, channels: { a: rule } };
    expect(await faultsOf(load(open, { flags: { dev: true } }))).toEqual([
      "host: '0.0.0.0' can be reached from other machines, and development mode is for loopback alone: leave out --dev, or start with --insecure if that is meant.",
    ]);
  });

  it('needs a key where api.listen can be reached', async () => {
    expect(await faultsOf(load({ api: { listen: '0.0.0.0:6789' } }))).toEqual([
      "api.listen: '0.0.0.0' can be reached from other machines and needs an API key outside development mode: set api.keys.",
    ]);
  });
});

describe('faults', () => {
  it('are reported all at once, each with its path, its value and the name that was meant', async () => {
    const wrong = {
      prot: 1,
      port: 70_000,
      drain: 3,
      websocket: { pingIntervall: '5s', rawPaths: 'x' },
      channels: { 'room:*': { subscirbe: 'user', publish: 'everyone', history: { ttl: '5' } } },
      paths: { '/webws': {} },
      keys: ['k'],
      engine: 'redis',
    };
    expect(await faultsOf(load(wrong))).toEqual([
      'port: must be a whole number from 0 to 65535, but is 70000',
      "drain: must be a duration from 0s to 10m, with its unit, such as '10s', but is 3",
      'websocket.rawPaths: must be a list, but is "x"',
      "websocket.pingIntervall: unknown key; did you mean 'pingInterval'?",
      expect.stringMatching(/^paths\["\/webws"\]\.channel: is missing; it must be a channel name/),
      'channels["room:*"].publish: must be one of anyone, user, owner, subscriber, token, hook, nobody, but is "everyone"',
      'channels["room:*"].history.ttl: must be a duration from 1s to 365d, but is "5"',
      'channels["room:*"].subscirbe: unknown key; did you mean \'subscribe\'?',
      "prot: unknown key; did you mean 'port'?",
      "keys: unknown key; did you mean 'api.keys'?",
      "engine: 'redis' is not built yet; this version has 'memory' alone.",
    ]);
  });

  it('name the flag or variable that said it', async () => {
    const sources = { flags: { port: 'http' }, env: { CARILLON_DRAIN: 'soon' }, cwd };
    expect(await faultsOf(loadConfig(sources))).toEqual([
      'port: must be a whole number from 0 to 65535, but is "http" (from --port)',
      'drain: must be a duration from 0s to 10m, but is "soon" (from CARILLON_DRAIN)',
    ]);
  });

  it('never show a secret', async () => {
    const wrong = {
      api: { keys: ['top secret', 5, { key: 'hidden key', scope: [] }] },
      auth: { tokens: { 'hidden-token': { usr: 1 }, 'bad token': { user: true } } },
      engine: 'redis://me:hidden-password@host',
    };
    const text = (await faultsOf(load(wrong))).join('\n');
    expect(text).toContain('api.keys[0]: must be a text of printable ASCII without spaces\n');
    expect(text).toContain('api.keys[2].key: must be a text of printable ASCII without spaces\n');
    expect(text).toContain("api.keys[2].scope: unknown key; did you mean 'scopes'?");
    expect(text).toContain("auth.tokens[entry 1].usr: unknown key; did you mean 'user'?");
    expect(text).toContain('auth.tokens[entry 2]: its name must be');
    expect(text).not.toMatch(/top secret|hidden|bad token/);
  });

  it('tell what this version does not have', async () => {
    const later = {
      engine: { redis: { url: 'redis://localhost' } },
    };
    expect(await faultsOf(load(later))).toEqual([
      "engine: 'redis' is not built yet; this version has 'memory' alone.",
    ]);
  });

  it("tell an inbox that is nobody's", async () => {
    expect(await faultsOf(load({ channels: { a: { subscribe: 'user', inbox: true } } }))).toEqual([
      "channels.a.inbox: needs {uid} in the pattern, as in 'user:{uid}', because an inbox is one user's.",
    ]);
    expect(
      await faultsOf(load({ channels: { 'u:{uid}': { inbox: true, presence: { announce: false } } } })),
    ).toEqual([]);
  });

  it('tell an inbox whose messages are gone before they are overdue', async () => {
    const inbox = { overdue: '2h' };
    const loaded = load({ channels: { 'u:{uid}': { inbox, history: { ttl: '1h' } }, 'v:{uid}': { inbox } } });
    expect(await faultsOf(loaded)).toEqual([
      'channels["u:{uid}"].inbox.overdue: \'2h\' must be shorter than history.ttl (1h), or what is overdue is gone by then.',
    ]);
  });

  it('tell rules that can admit nobody', async () => {
    expect(
      await faultsOf(load({ channels: { 'a:*': { subscribe: 'subscriber', publish: 'owner' } } })),
    ).toEqual([
      'channels["a:*"].subscribe: \'subscriber\' lets nobody in, because only a subscriber would be let in; name another.',
      "channels[\"a:*\"].publish: 'owner' needs {uid} in the pattern, as in 'user:{uid}'.",
    ]);
  });

  it('tell a mistyped environment name, and only note one that is somebody else’s', async () => {
    expect(await faultsOf(loadConfig({ env: { CARILLON_API_KYES: 'k' }, cwd }))).toEqual([
      "CARILLON_API_KYES: unknown environment name; did you mean 'CARILLON_API_KEYS'?",
    ]);
    const { notes } = await loadConfig({ env: { CARILLON_SERVICE_HOST: '10.0.0.1' }, cwd });
    expect(notes).toEqual(['CARILLON_SERVICE_HOST is no name that Carillon knows; it has no effect.']);
  });

  it.each([
    ['{"api": {"keys": ["hidden" "x"]}}', 'json', 'the file is not well-formed JSON (line 1, column 28)'],
    ['{"api": hidden}', 'json', expect.stringMatching(/^the file is not well-formed JSON/)],
    [
      'port: [1',
      'yaml',
      expect.stringMatching(/^the file is not well-formed YAML \(line \d+, column \d+\)$/),
    ],
    ['[]', 'json', 'the file must hold an object, such as { "port": 6790 }'],
    ['null', 'json', 'the file must hold an object, such as { "port": 6790 }'],
    [
      `a: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\nc: [${'*b,'.repeat(20)}]`,
      'yaml',
      'the aliases of the YAML stand for far more than the file holds; write it out',
    ],
    [
      "export default { get port() { throw new Error('no port') } }",
      'mjs',
      'the file failed while it ran: no port (line 1)',
    ],
    ['x', 'toml', 'the file name must end in .ts, .js, .mjs, .json, .yaml or .yml'],
  ])('say of the file %j.%s what is wrong with it', async (content, ending, sentence) => {
    const faults = await faultsOf(loadConfig({ env: {}, cwd, flags: { config: file(content, ending) } }));
    expect(faults).toEqual([sentence]);
    expect(faults.join()).not.toContain('hidden');
  });

  it.each(['export default new Promise(() => {})', 'await new Promise(() => {}); export default {}'])(
    'say that the file %j never ends',
    async (content) => {
      await expect(readConfigFile(file(content, 'mjs'), { limitMs: 20 })).rejects.toMatchObject({
        faults: ['the file has not finished after 0.02 s; what it waits for never comes'],
      });
    },
  );

  it('say that the file is missing, or a folder', async () => {
    expect(await faultsOf(loadConfig({ env: {}, cwd, flags: { config: 'no.json' } }))).toEqual([
      'the file does not exist',
    ]);
  });
});

describe('paths', () => {
  it('move the native protocol away when /ws is mapped', async () => {
    const paths = { '/ws': { channel: 'chat' } };
    const { settings, origins } = await load({ paths });
    expect(settings.websocket.path).toBe('/carillon');
    expect(origins.get('websocket.path')).toBe("paths maps '/ws'");
    expect((await load({ paths, websocket: { path: '/native' } })).settings.websocket.path).toBe('/native');
  });

  it('must not claim the same place twice, nor one of Carillon’s own', async () => {
    const clash = {
      websocket: { path: '/ws', rawPaths: ['/raw', '/raw'] },
      paths: { '/ws': { channel: 'a' }, '/v1/x': { channel: 'a' } },
    };
    expect(await faultsOf(load(clash))).toEqual([
      "websocket.rawPaths[1]: '/raw' is taken by websocket.rawPaths[0]; choose another path.",
      'paths["/ws"]: \'/ws\' is taken by websocket.path; choose another path.',
      'paths["/v1/x"]: \'/v1/x\' is taken by Carillon itself; choose another path.',
    ]);
  });

  it('must not put the API on the main address', async () => {
    expect(await faultsOf(load({ port: 6789, api: { listen: '127.0.0.1:6789' } }))).toEqual([
      "api.listen: '127.0.0.1:6789' is the main address; choose another port, or leave it out.",
    ]);
  });
});
