/** `carillon chaos`: disturbs a server of its own, and checks that nothing is lost untold. */
import { constants } from 'node:os';
import { limits } from '@carillon/protocol';
import { type Call, type Command, numberOption, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

const defaults = { seconds: 30, readers: 12, publishers: 4, channels: 4, workers: 2 } as const;
const most = {
  seconds: limits.chaosSeconds,
  readers: limits.chaosReaders,
  publishers: limits.chaosPublishers,
  channels: limits.chaosChannels,
  workers: limits.chaosWorkers,
} as const;

export const chaos: Command = {
  name: 'chaos',
  positionals: '',
  arity: { min: 0, max: 0 },
  about: [
    'Starts a server of its own with readers and publishers; kills, pauses and replaces it and its workers, and cuts connections.',
    'Then it checks what every reader got: 0 nothing was lost, repeated or reordered beyond what readers were told; 1 otherwise.',
  ],
  options: {
    seconds: {
      type: 'string',
      placeholder: 'N',
      sentence: `How long to disturb, at most ${most.seconds}.`,
      default: String(defaults.seconds),
    },
    seed: {
      type: 'string',
      placeholder: 'S',
      sentence: 'A whole number that decides everything random; a random one is printed.',
    },
    readers: {
      type: 'string',
      placeholder: 'N',
      sentence: `Clients of all transports, at most ${most.readers}.`,
      default: String(defaults.readers),
    },
    publishers: {
      type: 'string',
      placeholder: 'N',
      sentence: `Publishers, at most ${most.publishers}.`,
      default: String(defaults.publishers),
    },
    channels: {
      type: 'string',
      placeholder: 'N',
      sentence: `Channels, at most ${most.channels}.`,
      default: String(defaults.channels),
    },
    workers: {
      type: 'string',
      placeholder: 'N',
      sentence: `Workers of the server, at most ${most.workers}; 1 is a single process.`,
      default: String(defaults.workers),
    },
    memory: {
      type: 'boolean',
      sentence: 'A server without a data directory: readers must be told of what is lost.',
    },
    json: { type: 'boolean', sentence: 'Print the verdict as JSON, and no progress.' },
  },
  examples: ['chaos', 'chaos --seconds 120 --readers 50', 'chaos --memory --seed 7 --json'],
  run: runChaosCommand,
};

async function runChaosCommand(call: Call): Promise<number> {
  const options = {
    seed: numberOption(call, 'seed') ?? Math.floor(Math.random() * 1_000_000_000),
    seconds: sizeOption(call, 'seconds'),
    readers: sizeOption(call, 'readers'),
    publishers: sizeOption(call, 'publishers'),
    channels: sizeOption(call, 'channels'),
    workers: sizeOption(call, 'workers'),
    durable: call.flags['memory'] !== true,
  };
  const { stdout, stderr } = call.terminal;
  const json = call.flags['json'] === true;
  const [{ runChaos }, { formatVerdict, sameAgain }, { ChaosError }] = await Promise.all([
    import('../chaos/main.ts'),
    import('../chaos/report.ts'),
    import('../chaos/chaos-error.ts'),
  ]);
  // The server and the folder go with this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  if (!json) stderr.write(`${sameAgain(options)}\n`);
  const verdict = await runChaos(options, (step) => {
    if (!json && stderr.isTTY) stderr.write(`\r\x1b[K${step}`);
  }).catch((error: unknown) => {
    throw error instanceof ChaosError ? new CommandError(error.message, error.exitCode) : error;
  });
  if (!json && stderr.isTTY) stderr.write('\r\x1b[K');
  stdout.write(json ? `${JSON.stringify(verdict, undefined, 2)}\n` : formatVerdict(verdict));
  return verdict.ok ? exitCodes.ok : exitCodes.failed;
}

/** @throws {CommandError} 64 */
function sizeOption(call: Call, name: keyof typeof defaults): number {
  const value = numberOption(call, name) ?? defaults[name];
  if (value >= 1 && value <= most[name]) return value;
  throw usage(`'--${name}' must be from 1 to ${most[name]}, but is ${value}`);
}
