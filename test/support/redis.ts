/** Real Redis servers for tests: each on a free loopback port with a folder of its own, gone when the test is. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './carillon.ts';

const run = promisify(execFile);

export interface RedisStart {
  /** A port that is known beforehand, to start a server again where it was. Default: a free one. */
  readonly port?: number;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
  /** What `cli` says first, for example `--tls`. */
  readonly cli?: readonly string[];
  /** Where it keeps its files. Default: a new folder, removed at the end. */
  readonly folder?: string;
}

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #path: string;
  readonly #start: RedisStart;
  #child: ChildProcess | undefined;

  private constructor(path: string, port: number, start: RedisStart) {
    this.#path = path;
    this.port = port;
    this.folder = start.folder ?? mkdtempSync(join(tmpdir(), 'carillon-redis-'));
    this.#start = start;
  }

  /** `path`: as `requireOrSkip('redis-server')` found it. Resolves when it answers. */
  static async start(path: string, start: RedisStart = {}): Promise<RedisServer> {
    const server = new RedisServer(path, start.port ?? (await freePort()), start);
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it again where it was, after `kill`. */
  async restart(): Promise<void> {
    const { args = [] } = this.#start;
    const common = ['--bind', '127.0.0.1', '--dir', this.folder, '--loglevel', 'warning'];
    const listening = args.includes('--tls-port') ? ['--port', '0'] : ['--port', String(this.port)];
    const saving = args.includes('--appendonly') ? [] : ['--save', '', '--appendonly', 'no'];
    // A Sentinel's config file comes first.
    const [file, rest] = args[0]?.startsWith('-') === false ? [[args[0]], args.slice(1)] : [[], args];
    const child = spawn(this.#path, [...file, ...listening, ...common, ...saving, ...rest], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.#child = child;
    await this.#answers();
  }

  /** Ends it without a farewell. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops it in its tracks, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** What redis-cli prints. */
  async cli(...command: readonly string[]): Promise<string> {
    const cli = join(dirname(this.#path), basename(this.#path).replace('server', 'cli'));
    const first = ['-h', '127.0.0.1', '-p', String(this.port), ...(this.#start.cli ?? [])];
    const { stdout } = await run(cli, [...first, ...command], { timeout: 20_000 });
    return stdout.trimEnd();
  }

  /** The connections of a name, as CLIENT LIST shows them. */
  async connections(name: string): Promise<string[]> {
    const lines = (await this.cli('CLIENT', 'LIST')).split('\n');
    return lines.filter((line) => line.includes(` name=${name} `));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.#start.folder === undefined) rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks until anything but a refused connection or LOADING comes back, for 20 s at most. */
  async #answers(): Promise<void> {
    for (let attempt = 0; attempt < 400; attempt++) {
      const answer = await this.cli('PING').catch(() => '');
      if (/^(?:PONG|NOAUTH|ERR)/.test(answer)) return;
      if (this.#child?.exitCode != null) break;
      await sleep(50);
    }
    throw new Error(`redis-server does not answer on port ${this.port}`);
  }
}
