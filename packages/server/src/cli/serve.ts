/** `carillon serve`: runs the server until a signal ends it. */
import { isatty } from 'node:tty';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { RunningServer } from '../server/running.ts';
import type { Takeover } from '../server/takeover.ts';
import { version } from '../system/version.ts';
import { boundYoungGeneration } from '../system/young-generation.ts';
import { createLog } from '../telemetry/logger.ts';
import { renderBanner } from './banner.ts';
import { type Call, type Command, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { configOptions, loadOrExplain } from './load-or-explain.ts';
import { endOnSignal, reloadOnSignal, replaceOnSignal } from './signals.ts';

/** What closing may take beyond the time that connections have to end by themselves. */
const closingMs = 2_000;
/** Where there are several processes: the workers end first, see `endingMs` in server/primary.ts, and the primary's farewells follow. */
const closingWorkersMs = 4_000;

const takeoverHint = ' With --takeover this one ends the other and goes on in its place.';

export const serve: Command = {
  name: 'serve',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Runs the server. SIGTERM or SIGINT ends it: connections have the time `drain` to end, then they are closed.',
    'SIGHUP, or `carillon reload`, has it load its config again without dropping a connection.',
    'SIGUSR2 puts new workers in the place of all, one after another.',
    'Every key of the config can be set in the environment too; docs/configuration.md lists them.',
  ],
  options: {
    ...configOptions,
    takeover: {
      type: 'boolean',
      sentence:
        'With a data directory: ends the server that has it, waits until it has drained, and goes on in its place.',
    },
  },
  examples: [
    'serve',
    'serve --port 8080 --dev',
    'serve --config /etc/carillon/carillon.config.json',
    'serve --data ./data --takeover',
  ],
  run: runServe,
};

async function runServe(call: Call): Promise<number> {
  const loaded = await loadOrExplain(call);
  const { settings, notes } = loaded;
  const log = await createLog(settings.log, call.terminal.stderr);
  for (const note of notes) log.warn(note);
  boundYoungGeneration();
  const { startServer } = await import('../server.ts');
  const takeover = takeoverOf(call, loaded);
  const { env, cwd } = call.terminal;
  const { flags } = call;
  let ended = Promise.resolve(true);
  const started: Promise<RunningServer> = startServer(loaded, log, {
    flags,
    load: (generation) => loadConfig({ flags, env, cwd, generation }),
    setLogLevel: log.setLevel,
    ...(takeover !== undefined && { takeover }),
    aboutToServe: (workers) => {
      const limitMs = settings.drainMs + (workers === 1 ? closingMs : closingWorkersMs);
      const stopping = (): void => log.info('clients are told to leave', { drainMs: settings.drainMs });
      ended = obeySignals(() => started, stopping, limitMs);
      const replaceWorkers = async () => (await started.catch(() => undefined))?.replaceWorkers?.();
      replaceOnSignal(workers === 1 ? {} : { replaceWorkers }, log);
    },
  });
  const server = await started.catch((error: unknown) => {
    throw startFault(error, loaded);
  });
  call.terminal.stdout.write(renderBanner(version(), server, loaded));
  const whole = await ended;
  log.info(whole ? 'stopped' : 'stopped before everything was closed');
  return exitCodes.ok;
}

/** Whoever sees the server answer may send it a signal: one that comes while it still starts waits for that. */
function obeySignals(
  started: () => Promise<RunningServer>,
  stopping: () => void,
  limitMs: number,
): Promise<boolean> {
  const ended = endOnSignal(async () => {
    stopping();
    await (await started()).close();
  }, limitMs);
  // A start that failed is told as such.
  ended.catch(() => undefined);
  const reload = async (): Promise<unknown> => (await started()).reload();
  // What is wrong is in the log by then.
  reloadOnSignal(() => void reload().catch(() => undefined), {
    hasTerminal: process.stdin.isTTY,
    isTerminal: () => isatty(0),
  });
  return ended;
}

/** @throws {CommandError} 64 there is nothing to take over. */
function takeoverOf({ flags, terminal }: Call, { settings }: LoadedConfig): Takeover | undefined {
  if (flags['takeover'] !== true) return undefined;
  if (settings.dataDir === undefined)
    throw usage("'--takeover' needs a data directory; name one with --data DIR");
  return {
    waiting: (pid) => {
      const who = pid === undefined ? 'the other server' : `the server with process id ${pid}`;
      terminal.stderr.write(`carillon: waiting until ${who} has drained\n`);
    },
  };
}

/** What the system says when it gives no port, as a sentence. */
function startFault(error: unknown, { settings }: LoadedConfig): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const {
    code,
    address = settings.host,
    port = settings.port,
    isInUse = false,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
    isInUse?: boolean;
  };
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  switch (code) {
    case 'ERR_REDIS_UNAVAILABLE':
      return new CommandError(error.message, exitCodes.unavailable);
    case 'ERR_LOG_UNUSABLE':
      return new CommandError(`dataDir: ${error.message}${isInUse ? takeoverHint : ''}`, exitCodes.config);
    case 'ERR_WORKER_NOT_STARTED':
      return new CommandError(error.message, exitCodes.failed);
    case 'ERR_CONFIG_UNUSABLE':
    case 'ERR_HOOKS_UNUSABLE':
      return new CommandError(error.message, exitCodes.config);
    case 'EADDRINUSE':
      return new CommandError(
        `${place} is in use by another program; end that one, or choose another port with --port.`,
        exitCodes.unavailable,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CommandError(
        `host: '${address}' is no address of this machine; correct --host.`,
        exitCodes.config,
      );
    case 'EACCES':
      return new CommandError(
        `port: ${place} is not allowed to this user; choose one above 1023.`,
        exitCodes.config,
      );
    default:
      return error;
  }
}
