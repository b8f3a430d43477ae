import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/carillon.js', import.meta.url));
const clone = fileURLToPath(new URL('../../../..', import.meta.url));
const children = new Set<ChildProcess>();
let root: string;
let cwd: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
});
beforeEach(() => {
  cwd = mkdtempSync(join(root, 'cwd-'));
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** The real command, with an environment in which nobody has said anything about Carillon. */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CARILLON_'));
  return { ...Object.fromEntries(inherited), ...env };
}

function carillon(args: readonly string[], { env, input = '' }: Setting = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: environment(env), timeout: 25_000 };
    const child = execFile(bin, [...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
    children.add(child);
    child.stdin?.end(input);
  });
}

interface Serving {
  readonly url: string;
  readonly banner: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts a server on a free port and resolves when its banner is complete. */
function serving(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Serving> {
  const child = spawn(bin, [...args, '--port', '0'], { cwd, env: environment(env) });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (piece) => {
      stdout += piece;
      const [, url] = /listening {2}(\S+)\/\n/.exec(stdout) ?? [];
      if (url !== undefined && stdout.includes('Ctrl-C')) resolve({ url, banner: stdout, child, ended });
    });
    void ended.then(() => reject(new Error(`it ended: ${stderr}`)));
  });
}

async function stop({ child, ended }: Serving): Promise<Ended> {
  child.kill('SIGTERM');
  return await ended;
}

describe('usage', () => {
  it('prints help for everything and for each command', async () => {
    const help = await carillon(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['serve', 'check', 'init', 'publish', 'subscribe', 'connect', 'bench']) {
      expect(help.stdout).toContain(`  ${name} `);
    }
    const ofServe = await carillon(['serve', '--help']);
    expect(ofServe.stdout).toMatch(/--port PORT +The TCP port to listen on.*\(CARILLON_PORT, default 6790\)/);
    expect((await carillon(['help', 'publish'])).stdout).toContain('carillon publish CHANNEL DATA [options]');
  });

  it('prints the version', async () => {
    const { version } = JSON.parse(readFileSync(join(clone, 'packages/server/package.json'), 'utf8'));
    expect(await carillon(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['chekc'], "unknown command 'chekc'; did you mean 'check'?"],
    [['xyzzy'], "unknown command 'xyzzy'; see 'carillon help'"],
    [['toString'], "unknown command 'toString'; see 'carillon help'"],
    [['check', '--prot', '1'], "unknown flag '--prot'; did you mean '--port'?"],
    [['--potr=1'], "unknown flag '--potr'; did you mean '--port'?"],
    [['serve', '--port'], "'--port' needs a value: --port PORT"],
    [['serve', '--dev=perhaps'], "'--dev' is a switch; it takes no value but true or false"],
    [['publish', 'a'], 'an argument is missing: carillon publish CHANNEL DATA'],
    [['check', 'a', 'b'], 'there are too many arguments: carillon check [FILE]'],
    [['connect', 'ftp://x'], "'ftp://x' is no URL of a server; it must look like http://127.0.0.1:6790"],
    [['subscribe', 'a', 'b', '--since', 'e:1'], "'--since' is for one channel; subscribe to one"],
    [['subscribe', 'a', '--since', '5'], "'--since' must be EPOCH:OFFSET, but is '5'"],
    [['check', '--user', '7'], "'--user' goes with --explain CHANNEL"],
    [['check', '--explain', '@user'], "'--explain @user' needs --user U"],
    [['check', '--explain', '$x'], "'--explain' must not begin with '$', which is reserved"],
    [['subscribe', 'a', '--last', 'x'], "'--last' must be a whole number, but is 'x'"],
  ])('answers %j with 64 and one sentence', async (args, sentence) => {
    expect(await carillon(args)).toEqual({ code: 64, stdout: '', stderr: `carillon: ${sentence}\n` });
  });
});

describe('check', () => {
  it('prints what is in force and from where, and ends with 0', async () => {
    writeFileSync(join(cwd, 'carillon.config.json'), '{"port": 7000, "api": {"keys": ["hidden-key"]}}');
    const { code, stdout, stderr } = await carillon(['check', '--host', 'localhost'], {
      env: { CARILLON_DRAIN: '5s' },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}port +7000 +carillon\.config\.json$/m);
    expect(stdout).toMatch(/^ {2}host +"localhost" +--host$/m);
    expect(stdout).toMatch(/^ {2}drain +"5s" +CARILLON_DRAIN$/m);
    expect(stdout).toMatch(/^ {2}engine +"memory" +default$/m);
    expect(stdout + stderr).not.toContain('hidden-key');
  });

  it('explains what a client may do in a channel', async () => {
    const rule = { subscribe: 'user', publish: 'subscriber', history: { size: 50, ttl: '10m' } };
    const channels = {
      'room:*': rule,
      'user:{uid}': { subscribe: 'owner' },
      'vip:*': { subscribe: 'token' },
      '*': {},
    };
    writeFileSync(join(cwd, 'carillon.config.json'), JSON.stringify({ channels }));
    const explain = async (...args: string[]) => carillon(['check', '--explain', ...args]);
    const { code, stdout } = await explain('room:42', '--user', '1001');
    expect([code, stdout.split('\n')]).toEqual([
      0,
      [
        '  channel  room:42',
        "  client   the user '1001'",
        "  rule     'room:*'",
        "           less specific: '*'",
        '  keeps    50 publications, each for 600 s',
        '',
        "  subscribe  yes  every user may, and this one is '1001'",
        '  publish    yes  only who is subscribed may, and this client may subscribe',
        "  history    yes  every user may, and this one is '1001'",
        '  presence   no   the rule has no presence',
        '',
      ],
    ]);
    expect((await explain('@user', '--user', '7')).stdout).toContain(
      "rule     'user:{uid}', where {uid} is '7'",
    );
    const listed = await explain('vip:a,b', '--token-channel', 'x', '--token-channel', 'vip:a,b', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({
      tokenChannels: ['x', 'vip:a,b'],
      rule: 'vip:*',
      verdicts: [{ action: 'subscribe', allowed: true }, { action: 'publish', allowed: false }, {}, {}],
    });
    expect((await explain('room:42')).stdout).toContain('because auth.anonymous is off');
  });

  it('prints every fault on a line of its own, and ends with 78', async () => {
    writeFileSync(join(cwd, 'c.json'), '{"prot": 1, "drain": 3, "channels": {"a": {"publish": "all"}}}');
    const { code, stdout, stderr } = await carillon(['check', 'c.json']);
    expect(code).toBe(78);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^carillon: .*c\.json cannot be used:$/),
      "  drain: must be a duration from 0s to 10m, with its unit, such as '10s', but is 3",
      '  channels.a.publish: must be one of anyone, user, owner, subscriber, token, hook, nobody, but is "all"',
      "  prot: unknown key; did you mean 'port'?",
    ]);
  });

  it('gives both as JSON', async () => {
    const good = JSON.parse((await carillon(['check', '--json'])).stdout);
    expect(good).toMatchObject({ ok: true, development: true, notes: [] });
    expect(good.values).toContainEqual({ path: 'port', value: 6790, origin: 'default' });
    const bad = await carillon(['check', '--json', '--port', 'x']);
    expect(bad.code).toBe(78);
    expect(JSON.parse(bad.stdout)).toEqual({
      ok: false,
      faults: ['port: must be a whole number from 0 to 65535, but is "x" (from --port)'],
    });
  });

  it.each([
    [
      'config.ts',
      "import { defineConfig } from 'carillon';\nconst port: number = 7001;\nexport default defineConfig({ port });",
    ],
    ['config.ts', "import { port } from './port.ts';\nexport default { port };"],
    ['config.mjs', 'export default { port: await Promise.resolve(7001) };'],
    ['config.js', "import { defineConfig } from 'carillon';\nexport default defineConfig({ port: 7001 });"],
    ['config.js', 'module.exports = { port: 7001 };'],
    ['config.yml', 'port: 7001'],
  ])('reads %s where there is no package, without a warning: %j', async (name, text) => {
    writeFileSync(join(cwd, name), text);
    writeFileSync(join(cwd, 'port.ts'), 'export const port: number = 7001;');
    const { code, stdout, stderr } = await carillon(['check', name]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}port +7001 +config\./m);
  });

  it('reads an ES module also in a package of CommonJS', async () => {
    writeFileSync(join(cwd, 'package.json'), '{"type": "commonjs"}');
    writeFileSync(join(cwd, 'carillon.config.ts'), 'export default { port: 7001 as number };');
    expect(await carillon(['check'])).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    [
      'a.mjs',
      'export const x = 1;',
      "the file has no default export; it must say 'export default defineConfig({ ... })'",
    ],
    ['b.ts', 'export default { port: 1', /^the file is not well-formed/],
    ['c.mjs', '\nthrow new Error("boo");\nexport default {};', 'the file failed while it ran: boo (line 2)'],
  ])('says of %s what is wrong with it', async (name, text, sentence) => {
    writeFileSync(join(cwd, name), text);
    const { code, stderr } = await carillon(['check', name]);
    expect(code).toBe(78);
    expect(stderr.split('\n')[1]?.trim()).toEqual(
      typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
    );
  });
});

describe('init', () => {
  it('writes a config with a fresh key that check accepts, for the owner alone', async () => {
    expect((await carillon(['init'])).code).toBe(0);
    const text = readFileSync(join(cwd, 'carillon.config.ts'), 'utf8');
    const key = /keys: \['([\w-]{32})'\]/.exec(text)?.[1];
    expect(key).toBeDefined();
    const checked = await carillon(['check']);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(checked.stdout).not.toContain(key);
  });

  it('overwrites nothing without --force', async () => {
    writeFileSync(join(cwd, 'carillon.config.ts'), 'mine');
    const refused = await carillon(['init']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is there already; --force overwrites it');
    expect(readFileSync(join(cwd, 'carillon.config.ts'), 'utf8')).toBe('mine');
    expect((await carillon(['init', '--force'])).code).toBe(0);
    expect(readFileSync(join(cwd, 'carillon.config.ts'), 'utf8')).toContain('defineConfig');
  });
});

describe('serve', () => {
  it('says where it listens and what development mode means, and ends with 0 on SIGTERM', async () => {
    const server = await serving();
    expect(server.banner).toMatch(/^Carillon \d+\.\d+\.\d+\n {2}listening {2}http:\/\/127\.0\.0\.1:\d+\/\n/);
    expect(server.banner).toContain('Development mode: the API needs no key');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await stop(server)).code).toBe(0);
  });

  it('says what outlives it', async () => {
    const [without, with_] = [await serving(), await serving(['--data', './kept'])];
    expect(without.banner).toContain('memory (nothing outlives a restart)\n');
    expect(with_.banner).toMatch(/memory \(what outlives a restart is in \/.+kept\)\n/);
    await Promise.all([stop(without), stop(with_)]);
  });

  it('takes a signal that comes twice at once for one', async () => {
    const server = await serving();
    server.child.kill('SIGINT');
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('refuses with 78 to stand open', async () => {
    const { code, stdout, stderr } = await carillon(['--host', '0.0.0.0', '--port', '0']);
    expect(code).toBe(78);
    expect(stdout).toBe('');
    expect(stderr.match(/can be reached from other machines and needs/g)).toHaveLength(2);
  });

  it('refuses an occupied port with 69', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await carillon(['serve', '--port', String(port)]);
    other.close();
    expect(code).toBe(69);
    expect(stderr).toBe(
      `carillon: 127.0.0.1:${port} is in use by another program; end that one, or choose another port with --port.\n`,
    );
  });
});

describe('the client commands', () => {
  let server: Serving;
  beforeAll(async () => {
    cwd = mkdtempSync(join(root, 'server-'));
    server = await serving([], { CARILLON_LOG_LEVEL: 'error' });
  });
  afterAll(() => stop(server));

  it('publish JSON as it is and other text as a string, and subscribe prints both', async () => {
    const env = { CARILLON_URL: server.url };
    const first = await carillon(['publish', 'room:cli', '{"n":12345678901234567890}'], { env });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^published: offset 1, epoch \S+\n$/);
    const second = await carillon(['publish', 'room:cli', 'hello there', '--json'], { env });
    expect(JSON.parse(second.stdout)).toEqual({ offset: 2, epoch: expect.any(String) });
    expect((await carillon(['publish', 'room:cli', '-'], { env, input: '[1, 2]\n' })).code).toBe(0);
    expect((await carillon(['publish', 'room:cli', '--', '-5'], { env })).code).toBe(0);

    const heard = await carillon(['subscribe', 'room:cli', '--last', '4', '--count', '4'], { env });
    expect(heard.code).toBe(0);
    expect(heard.stdout).toBe(
      'room:cli 1 {"n":12345678901234567890}\nroom:cli 2 "hello there"\nroom:cli 3 [1,2]\nroom:cli 4 -5\n',
    );
    const { epoch } = JSON.parse(second.stdout);
    const since = ['subscribe', 'room:cli', '--since', `${epoch}:3`, '--count', '1', '--json'];
    expect((await carillon(since, { env })).stdout).toBe('{"event":"room:cli","data":-5,"offset":4}\n');
  });

  it('top shows figures, and what happened between two looks', async () => {
    const env = { CARILLON_URL: server.url };
    const { code, stdout } = await carillon(['top', '--count', '2', '--json'], { env });
    expect(code).toBe(0);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).workers[0]);
    expect([first.pid, first.perSecond]).toEqual([server.child.pid, undefined]);
    expect(second.perSecond).toMatchObject({
      publications: expect.any(Number),
      cpuPercent: expect.any(Number),
    });
    const line = (await carillon(['top', '--count', '1'], { env })).stdout;
    expect(line).toMatch(/^worker 0 {2}connections \d+ .* {2}published\/s - .* {2}memory MiB \d+\n$/);
    expect(await carillon(['top', '--interval', '0'], { env })).toMatchObject({ code: 64, stdout: '' });
  });

  it('say why the server refused', async () => {
    const env = { CARILLON_URL: server.url };
    const published = await carillon(['publish', 'bad name', 'x'], { env });
    expect(published.code).toBe(1);
    expect(published.stderr).toMatch(/^carillon: the server refused: .*channel.*\n$/);
    const elsewhere = await carillon(['top', '--count', '1', '--url', `${server.url}/v1/nothing`], { env });
    expect(elsewhere.stderr).toContain('(api.listen), name that with --url');
    const subscribed = await carillon(['subscribe', 'room:cli', '--token', 'wrong'], { env });
    expect(subscribed.code).toBe(1);
    expect(subscribed.stderr).toBe('carillon: the server refused the token: unauthorized (101)\n');
  });

  it('connect shows the frames of both sides, through pipes', async () => {
    const { code, stdout } = await carillon(['connect', `${server.url.replace('http', 'ws')}/ws`], {
      input: '{"op":"ping"}\nping\n',
    });
    expect(code).toBe(0);
    expect(stdout.split('\n').toSorted()).toEqual(
      ['', '< pong', '< {"result":"pong"}', '> ping', '> {"op":"ping"}', 'closed: 1000'].toSorted(),
    );
  });

  it('connect ends when the server closes, with code and reason', async () => {
    const { code, stdout } = await carillon(['connect', server.url, '--wait', '20'], { input: 'no json\n' });
    expect(code).toBe(0);
    expect(stdout).toContain('"code":107');
    expect(stdout).toMatch(/\nclosed: 3501 bad request\n$/);
  });

  it('end with 69 when nobody answers', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await new Promise((resolve) => other.close(resolve));
    const env = { CARILLON_URL: `http://127.0.0.1:${port}` };
    for (const args of [
      ['publish', 'a', 'b'],
      ['subscribe', 'a'],
      ['connect', `127.0.0.1:${port}`],
    ]) {
      const { code, stderr } = await carillon(args, { env });
      expect(code).toBe(69);
      expect(stderr).toBe(
        `carillon: no server answers at 127.0.0.1:${port} (ECONNREFUSED); is it running?\n`,
      );
    }
    expect((await carillon(['connect', `${server.url}/nowhere`])).stderr).toContain(
      'opens no WebSocket at /nowhere',
    );
  });
});

describe('the command under an old Node.js', () => {
  const old = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => existsSync(path));
  const isOld = async (path: string): Promise<boolean> => {
    const version = await new Promise<string>((resolve) =>
      execFile(path, ['-v'], (_, stdout) => resolve(stdout)),
    );
    return Number(/^v(\d+)/.exec(version)?.[1] ?? 99) < 22;
  };

  it('goes on under the one of the clone, with the same exit code', async ({ skip }) => {
    if (old === undefined || !(await isOld(old)))
      return skip('this machine has no old Node.js outside the clone');
    const { code, stderr } = await new Promise<Ended>((resolve) => {
      const child = execFile(old, [bin, 'chekc'], { cwd, env: environment() }, (_, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      });
    });
    expect(code).toBe(64);
    expect(stderr).toContain("did you mean 'check'?");
  });
});
