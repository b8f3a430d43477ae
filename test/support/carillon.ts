/** Starts the real `carillon` command as a process of its own, for tests that look at it from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The committed executable. */
export const carillonBin = fileURLToPath(new URL('../../packages/server/bin/carillon.js', import.meta.url));

export interface StartOptions {
  /** Further flags of `carillon serve`; `--host` and `--port` are given already. */
  readonly args?: readonly string[];
  /** Added to the environment, which is cleared of `CARILLON_*` before. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to a JSON file that is given with `--config`. Absent: development mode. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A port that is known beforehand, to start a server again where it was. Default: a free one. */
  readonly port?: number;
}

export interface RunningCarillon {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  /** `ws://127.0.0.1:<port>`, without a path. */
  readonly wsUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Everything printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Sends a signal (default SIGTERM) and waits for the end, which after 15 s is forced. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/** Starts `carillon serve` and waits until it answers. Throws with all that it printed when it ends before that. */
export async function startCarillon(options: StartOptions = {}): Promise<RunningCarillon> {
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'carillon-test-'));
  const child = spawn(process.execPath, [carillonBin, 'serve', ...flags(options, port, folder)], {
    cwd: folder,
    env: { ...plainEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const carillon = new CarillonProcess(child, port);
  void carillon.exited.then(() => rmSync(folder, { recursive: true, force: true }));
  await carillon.answers();
  return carillon;
}

class CarillonProcess implements RunningCarillon {
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<number | string>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.pid = child.pid ?? 0;
    this.url = `http://127.0.0.1:${port}`;
    this.wsUrl = `ws://127.0.0.1:${port}`;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    this.exited = once(child, 'close').then(([code, signal]: unknown[]) => {
      process.off('exit', kill);
      return typeof code === 'number' ? code : String(signal);
    });
  }

  /** Asks /healthz until anything answers, for 20 seconds at most. */
  async answers(): Promise<void> {
    let ended: number | string | undefined;
    void this.exited.then((code) => {
      ended = code;
    });
    for (let attempt = 0; attempt < 400 && ended === undefined; attempt++) {
      const response = await fetch(`${this.url}/healthz`).catch(() => undefined);
      if (response !== undefined) return void (await response.arrayBuffer());
      await sleep(50);
    }
    const code = ended ?? (await this.stop('SIGKILL'));
    throw new Error(
      `carillon did not answer on ${this.url} (ended with ${code}):\n${this.stdout}${this.stderr}`,
    );
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal);
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    const code = await this.exited;
    clearTimeout(force);
    return code;
  }
}

/** What a command that ended by itself left behind. */
export interface EndedCommand {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command that ends by itself. `input` is what it reads. */
export async function runCarillon(args: readonly string[], input = ''): Promise<EndedCommand> {
  const child = spawn(process.execPath, [carillonBin, ...args], { env: plainEnvironment(), stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}).end(input);
  const [code] = (await once(child, 'close')) as unknown[];
  return { code, stdout, stderr };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** This process's environment without anything that configures Carillon or the test runner. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => !/^(?:CARILLON_|VITEST|NODE_OPTIONS$|NODE_ENV$)/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function flags({ args = [], config }: StartOptions, port: number, folder: string): string[] {
  const given = ['--host', '127.0.0.1', '--port', String(port), ...args];
  if (config === undefined) return given;
  const file = join(folder, 'carillon.config.json');
  writeFileSync(file, JSON.stringify(config));
  return [...given, '--config', file];
}
