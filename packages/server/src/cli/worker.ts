/** `carillon worker`: one of the processes that `carillon serve` starts. It lives as long as its primary does. */
import { Socket } from 'node:net';
import { type CarriedConfig, restored } from '../config/carried.ts';
import { ConfigError } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import type { Log } from '../core/log.ts';
import { Calls } from '../link/calls.ts';
import { FrameStream } from '../link/frames.ts';
import type { RunningServer } from '../server.ts';
import { guard } from '../supervisor/guard.ts';
import {
  type Beginning,
  guardDescriptor,
  linkDescriptor,
  type StartFault,
  type WorkerVerbs,
} from '../supervisor/process.ts';
import { version } from '../system/version.ts';
import { boundYoungGeneration } from '../system/young-generation.ts';
import { createLog } from '../telemetry/logger.ts';
import { Peers } from '../workers/peers.ts';
import type { Call, Command } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { explain } from './load-or-explain.ts';

export const worker: Command = {
  name: 'worker',
  positionals: 'ID',
  arity: { min: 0, max: 1 },
  about: ['One of the processes of a server. The command serve starts them; it is of no use by itself.'],
  options: {},
  examples: [],
  run: runWorker,
};

/** Clients of a worker that lost its primary have this long to take in that they are closed. */
const abandonedMs = 500;
/** A worker that has not ended by then, because its loop hangs, is ended. */
const guardedMs = 800;

async function runWorker(call: Call): Promise<number> {
  leaveSignalsToPrimary();
  const link = openLink();
  guard({ descriptor: guardDescriptor, graceMs: guardedMs });
  await new Worker(call, link).ended;
  return exitCodes.ok;
}

/** A signal may reach every process of the group; the primary says what becomes of it. */
function leaveSignalsToPrimary(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {});
}

/** @throws {CommandError} 64 nobody is at the other end. */
function openLink(): FrameStream {
  try {
    return new FrameStream(new Socket({ fd: linkDescriptor, readable: true, writable: true }));
  } catch {
    throw new CommandError("'worker' is started by 'carillon serve'; start that one", exitCodes.usage);
  }
}

class Worker implements WorkerVerbs {
  readonly ended: Promise<void>;
  readonly #call: Call;
  readonly #stream: FrameStream;
  readonly #calls: Calls;
  #log: Log | undefined;
  #server: RunningServer | undefined;
  #end: () => void = () => {};

  constructor(call: Call, stream: FrameStream) {
    this.#call = call;
    this.#stream = stream;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#calls = new Calls(stream, (name, error) =>
      this.#log?.error('what the primary asked for failed', { call: name, error }),
    );
    this.#calls.offer<WorkerVerbs>('worker', this, ['begin', 'retire', 'ping']);
    stream.onEnded(() => void this.#abandoned());
  }

  async begin(beginning: Beginning): Promise<StartFault | undefined> {
    if (beginning.version !== version())
      return { message: otherVersion(beginning.version), code: 'ERR_WORKER_NOT_STARTED' };
    try {
      this.#server = await this.#serve(beginning);
      return undefined;
    } catch (error) {
      return faultOf(error);
    }
  }

  retire(): void {
    if (this.#server === undefined) this.#end();
    else void this.#server.close().finally(() => this.#end());
  }

  ping(): void {}

  async #serve(beginning: Beginning): Promise<RunningServer> {
    const { env, cwd } = this.#call.terminal;
    const { flags } = beginning;
    const load = (generation: number) => loadConfig({ flags, env, cwd, generation });
    const settings = await restored(beginning.config as CarriedConfig, load);
    const log = await createLog(settings.log, this.#call.terminal.stderr);
    this.#log = log;
    boundYoungGeneration();
    const { startWorker } = await import('../server.ts');
    const [calls, stream] = [this.#calls, this.#stream];
    const home = { calls, stream, beginning, peers: new Peers(beginning.id, calls) };
    return startWorker(settings, log, { load, setLogLevel: log.setLevel, flags, home });
  }

  /** The primary is gone, and with it what this worker serves from: clients find a server again, if only a later one. */
  async #abandoned(): Promise<void> {
    const { fault } = this.#stream;
    if (fault !== undefined) this.#log?.error('the link to the primary was cut', { error: fault });
    else this.#log?.error('the primary is gone, so this worker closes its clients and ends');
    setTimeout(() => this.#end(), abandonedMs);
    await this.#server?.abandon(abandonedMs).catch(() => undefined);
    this.#end();
  }
}

function otherVersion(primary: string): string {
  return `this program is version ${version()} and its primary is ${primary}; start the server anew, with --takeover where it has a data directory`;
}

function faultOf(error: unknown): StartFault {
  if (error instanceof ConfigError) return { message: explain(error), code: 'ERR_CONFIG_UNUSABLE' };
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  return {
    message: error.message,
    ...(code !== undefined && { code }),
    ...(address !== undefined && { address }),
    ...(port !== undefined && { port }),
  };
}
