/** A worker as a process: how it is started, linked with this one, and seen to end. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { limits } from '@carillon/protocol';
import type { Clock } from '../core/clock.ts';
import { inTime } from '../core/in-time.ts';
import { Calls, type Remote } from '../link/calls.ts';
import { FrameStream } from '../link/frames.ts';
import type { WorkerProcess } from './supervisor.ts';

/** What a worker is told first. */
export interface Beginning {
  readonly id: number;
  /** Of the program: a worker of another one, installed since, does not serve for this primary. */
  readonly version: string;
  /** As the command line gave them. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  /** The config that is in force, as the primary and its workers hand it on to each other. */
  readonly config: unknown;
  /** Where to listen; the ports are those that the system gave. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly apiListen?: { readonly host: string; readonly port: number };
}

/** Why a worker cannot serve; all but the sentence as the fault of a server that starts has it. */
export interface StartFault {
  readonly message: string;
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
}

/** What a worker offers its primary under the name `worker`. */
export interface WorkerVerbs {
  /** Resolves when it serves, or with the reason why it cannot. */
  begin(beginning: Beginning): Promise<StartFault | undefined>;
  retire(): void;
  /** Answers, which is all: whoever does not hangs. */
  ping(): void;
}

/** The file descriptor of a worker's end of the link, and of a line that says nothing and ends with the primary. */
export const linkDescriptor = 3;
export const guardDescriptor = 4;

export interface LinkedProcess extends WorkerProcess {
  readonly stream: FrameStream;
  readonly calls: Calls;
}

export interface SpawnOptions {
  readonly beginning: Beginning;
  readonly clock: Clock;
  readonly failed: (name: string, error: unknown) => void;
}

/** Runs this program again, as a worker. `linked` is called before anything goes over the link. @throws {Error} it cannot be run. */
export function spawnWorker(
  { beginning, clock, failed }: SpawnOptions,
  linked: (worker: Pick<LinkedProcess, 'stream' | 'calls'>) => void,
): LinkedProcess {
  const [program, script] = [process.execPath, process.argv[1] ?? ''];
  const child = spawn(program, [...process.execArgv, script, 'worker', String(beginning.id)], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
  });
  const gone = endOf(child);
  if (!hasPipes(child)) throw errorOf(notStarted('it could not be run (too many open files)'));
  // It ends when that process does, and is of no interest here.
  child.stdio[guardDescriptor]?.on('error', () => {});
  const stream = new FrameStream(child.stdio[linkDescriptor] as Duplex);
  const calls = new Calls(stream, failed);
  linked({ stream, calls });
  const verbs = calls.remote<WorkerVerbs>('worker');
  return {
    id: beginning.id,
    pid: child.pid,
    stream,
    calls,
    ready: begun(verbs, beginning, gone, clock),
    gone,
    ping: async () => verbs.ping(),
    retire: () => calls.told<WorkerVerbs>('worker').retire(),
    kill: () => child.kill('SIGKILL'),
  };
}

async function begun(
  verbs: Remote<WorkerVerbs>,
  beginning: Beginning,
  gone: Promise<string>,
  clock: Clock,
): Promise<void> {
  const ended = gone.then((how) => notStarted(`it ended before it served (${how})`));
  const answered = Promise.race([verbs.begin(beginning).catch(() => ended), ended]);
  const ms = limits.workerStartMs;
  const fault = await inTime(answered, ms, clock, () =>
    errorOf(
      notStarted(
        `it did not serve within ${ms / 1_000} s; a machine too busy for so many needs fewer 'workers'`,
      ),
    ),
  );
  if (fault !== undefined) throw errorOf(fault);
}

/** Whatever the type says, there are none where this process may open no more files. */
function hasPipes({ stdio }: { readonly stdio?: unknown }): boolean {
  return stdio !== undefined;
}

function errorOf({ message, ...rest }: StartFault): Error {
  return Object.assign(new Error(message), rest);
}

function notStarted(how: string): StartFault {
  return { message: `a worker did not start: ${how}`, code: 'ERR_WORKER_NOT_STARTED' };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`it could not be run (${error.message})`));
    // Not 'exit': what it said before is read by then.
    child.on('close', (code, signal) =>
      resolve(signal === null ? `it ended with code ${code}` : `killed by ${signal}`),
    );
  });
}
