/** The two servers of a comparison, as child processes on cores of their own where the system can pin them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseTarget, type Target } from '../packages/server/src/bench/target.ts';

export const serverNames = ['carillon', 'baseline'] as const;
export type ServerName = (typeof serverNames)[number];

const carillonBin = fileURLToPath(new URL('../packages/server/bin/carillon.js', import.meta.url));
const carillonConfig = fileURLToPath(new URL('carillon.config.json', import.meta.url));
const wsLoop = fileURLToPath(new URL('baseline/ws-loop.ts', import.meta.url));
/** The key in carillon.config.json; that server listens on loopback only. */
const apiKey = 'bench-key-for-loopback-only';
/** Ended with this process, however it ends. */
const children = new Set<ChildProcess>();
const startTimeoutMs = 15_000;
const endTimeoutMs = 10_000;

export interface RunningServer {
  readonly target: Target;
  /** Ends the process with SIGTERM, then SIGKILL; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would. */
  kill(): Promise<void>;
}

export interface StartOptions {
  /** Write a CPU profile into this folder when the server ends. */
  readonly profileDir?: string | undefined;
  readonly pinned: boolean;
  /** A config of Carillon's in place of carillon.config.json. */
  readonly config?: string | undefined;
}

/** Puts this process on the second core, so that servers get the first to themselves; false where that is not possible. */
export function pinGenerator(): boolean {
  if (availableParallelism() < 2) return false;
  return spawnSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' }).status === 0;
}

/** Starts a server on a free loopback port and waits until it answers. */
export async function startServer(name: ServerName, options: StartOptions): Promise<RunningServer> {
  const port = await freePort();
  const profile =
    options.profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileDir}`];
  const script =
    name === 'carillon'
      ? [carillonBin, 'serve', '--config', options.config ?? carillonConfig, '--port', String(port)]
      : [wsLoop, String(port)];
  const command = [process.execPath, '--conditions=carillon-source', ...profile, ...script];
  const [program = '', ...args] = options.pinned ? ['taskset', '-c', '0', ...command] : command;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(url, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`The ${name} server did not start: ${String(error)}\n${complaints}`);
  }
  return {
    target: parseTarget(url, { key: apiKey, pid: child.pid }),
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
  };
}

/** Ends what still runs when this process is told to end. */
export function endServersOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const child of children) child.kill('SIGKILL');
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  }
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
    if ((await status(`${url}/healthz`)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no answer within ${startTimeoutMs / 1000} s`);
}

function status(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(undefined));
    sent.end();
  });
}

function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
    child.once('exit', () => {
      clearTimeout(impatience);
      resolve();
    });
    child.kill(signal);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
