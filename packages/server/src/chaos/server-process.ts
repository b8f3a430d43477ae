/** The server that is disturbed: `carillon serve` as a process of its own, started again and again on the same port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ChaosError } from './chaos-error.ts';
import { ask, get } from './http.ts';

const bin = fileURLToPath(new URL('../../bin/carillon.js', import.meta.url));

/** How long a server may take until it answers, and to end after SIGTERM; both are far more than it needs. */
const startMs = 60_000;
const endMs = 30_000;
const keptOutput = 16_384;
/** How long a worker may outlive the first process: it is to end within a second, but machines are busy. */
const orphanMs = 10_000;
/** How long workers may take to be replaced, all of them. */
const replaceMs = 60_000;

export interface Ended {
  readonly code: number | string;
  /** The end of what it printed to standard error. */
  readonly output: string;
}

/** One life of the server, from its start to its end. */
class Life {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Somebody ends it on purpose. */
  isMeant = false;
  hasEnded = false;
  #output = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [bin, 'serve', ...args], {
      env: ownEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-keptOutput);
    });
    const kill = (): boolean => this.child.kill('SIGKILL');
    // Before the folder goes.
    process.prependOnceListener('exit', kill);
    this.ended = once(this.child, 'close').then(([code, signal]: unknown[]) => {
      process.off('exit', kill);
      this.hasEnded = true;
      return { code: typeof code === 'number' ? code : String(signal), output: this.#output };
    });
  }

  signal(name: NodeJS.Signals): void {
    if (!this.hasEnded) this.child.kill(name);
  }
}

export class ServerProcess {
  readonly port: number;
  /** Lives that are over. */
  ends = 0;
  readonly #args: readonly string[];
  readonly #key: string;
  readonly #onFault: (sentence: string) => void;
  #life: Life | undefined;

  /**
   * `args` are those of `carillon serve`, without host and port; `key` is one of its API keys. `onFault` is told what a server
   * must not do.
   */
  constructor(
    { args, key }: { readonly args: readonly string[]; readonly key: string },
    port: number,
    onFault: (sentence: string) => void,
  ) {
    this.#args = [...args, '--host', '127.0.0.1', '--port', String(port)];
    this.#key = key;
    this.port = port;
    this.#onFault = onFault;
  }

  /** Starts it where it does not run, and waits until it answers. @throws {ChaosError} it does not. */
  async start(more: readonly string[] = []): Promise<void> {
    if (this.#life === undefined || this.#life.hasEnded) this.spawn(more);
    const life = this.#life;
    for (const until = Date.now() + startMs; Date.now() < until && life?.hasEnded === false; ) {
      if (await get(this.port, '/healthz', 1000)) return;
      await sleep(20);
    }
    if (life !== undefined && !life.hasEnded) throw new ChaosError('the server does not answer', 69);
    const { code = 'nothing', output = '' } = (await life?.ended) ?? {};
    throw new ChaosError(
      `the server did not start (${code}): ${output.trim()}`,
      code === 78 || code === 69 ? code : 1,
    );
  }

  /** Starts it, and does not wait. */
  spawn(more: readonly string[] = []): void {
    const life = new Life([...this.#args, ...more]);
    this.#life = life;
    void life.ended.then(({ code, output }) => {
      this.ends += 1;
      if (!life.isMeant) this.#onFault(`ended by itself (${code}): ${output.trim().slice(-600)}`);
    });
  }

  /** The process ids of its workers; none where it does not answer, or is a single process. */
  async workers(): Promise<readonly number[]> {
    const answer = await ask({
      port: this.port,
      path: '/v1/info',
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#key}` },
      body: '{}',
      timeoutMs: 10_000,
    });
    if (answer?.status !== 200) return [];
    const { result } = JSON.parse(answer.text) as { result: { workers: readonly { pid?: number }[] } };
    return result.workers.flatMap(({ pid }) =>
      pid === undefined || pid === this.#life?.child.pid ? [] : [pid],
    );
  }

  /** `kill -9` of the first process, and of these others; then waits until all of them have ended. */
  async kill(others: readonly number[] = []): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    life.isMeant = true;
    life.signal('SIGKILL');
    for (const pid of others) signal(pid, 'SIGKILL');
    const late = sleep(orphanMs, true, { ref: false });
    const isLate = await Promise.race([life.ended, late]);
    if (isLate === true) this.#onFault(`left a process behind for ${orphanMs / 1000} s after 'kill -9'`);
    await life.ended;
  }

  /** SIGUSR2, and waits until no worker is one of those before. */
  async replaceWorkers(): Promise<void> {
    const life = this.#life;
    const before = await this.workers();
    life?.signal('SIGUSR2');
    for (const until = Date.now() + replaceMs; Date.now() < until && life?.hasEnded === false; ) {
      const now = await this.workers();
      if (now.length > 0 && !now.some((pid) => before.includes(pid))) return;
      await sleep(100);
    }
    if (life?.hasEnded === false) this.#onFault(`did not replace its workers within ${replaceMs / 1000} s`);
  }

  /** SIGTERM, and waits for the end. */
  async terminate(): Promise<void> {
    const life = this.#life;
    if (life === undefined || life.hasEnded) return;
    life.isMeant = true;
    life.signal('SIGTERM');
    await this.#end(life);
  }

  /** Starts another one in its place, which ends it. */
  async takeOver(): Promise<void> {
    const before = this.#life;
    if (before !== undefined) before.isMeant = true;
    this.spawn(['--takeover']);
    if (before !== undefined) await this.#end(before);
    await this.start();
  }

  pause(): void {
    this.#life?.signal('SIGSTOP');
  }

  resume(): void {
    this.#life?.signal('SIGCONT');
  }

  async #end(life: Life): Promise<void> {
    const force = setTimeout(() => {
      this.#onFault(`did not end within ${endMs / 1000} s of SIGTERM`);
      life.signal('SIGKILL');
    }, endMs);
    const { code, output } = await life.ended;
    clearTimeout(force);
    if (code !== 0 && code !== 'SIGKILL') this.#onFault(`ended with ${code} after SIGTERM: ${output.trim()}`);
  }
}

/**
 * A free loopback port outside of the range from which systems give ports to outgoing connections: while the server is down, such a
 * connection could take it, or even connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const listening = once(server, 'listening');
    server.listen(port, '127.0.0.1');
    const isFree = await listening.then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new ChaosError('no loopback port between 10000 and 29999 is free', 69);
}

/** This process's environment without what configures a server or Node.js. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) => !/^(?:CARILLON_|NODE_OPTIONS$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** To a process that may be gone by now. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
