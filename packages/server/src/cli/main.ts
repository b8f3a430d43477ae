/** The command line: finds the command, reads its arguments, and turns what goes wrong into a sentence and an exit code. */
import { nearest } from '@carillon/protocol';
import { version } from '../system/version.ts';
import { type Command, columns, parseCall, renderHelp, type Terminal } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

interface Entry {
  /** Absent: the help does not name it. */
  readonly summary?: string;
  /** Loaded only when it is used, so that every start is quick. */
  readonly load: () => Promise<Command>;
}

const commands: Readonly<Record<string, Entry>> = {
  serve: { summary: 'run the server (the default)', load: async () => (await import('./serve.ts')).serve },
  check: {
    summary: 'check a config, and print what is in force and from where',
    load: async () => (await import('./check.ts')).check,
  },
  init: { summary: 'write a commented config file', load: async () => (await import('./init.ts')).init },
  reload: {
    summary: 'have a running server load its config again',
    load: async () => (await import('./reload.ts')).reload,
  },
  explain: {
    summary: 'tell what became of a publication for a user',
    load: async () => (await import('./explain-delivery.ts')).explainDelivery,
  },
  publish: {
    summary: 'publish to a channel of a running server',
    load: async () => (await import('./publish.ts')).publish,
  },
  subscribe: {
    summary: 'print what arrives in channels',
    load: async () => (await import('./subscribe.ts')).subscribe,
  },
  connect: {
    summary: 'talk to a WebSocket, frame by frame',
    load: async () => (await import('./connect.ts')).connect,
  },
  token: {
    summary: 'make a JSON Web Token for a user',
    load: async () => (await import('./token.ts')).token,
  },
  top: { summary: 'watch a running server', load: async () => (await import('./top.ts')).top },
  data: {
    summary: 'check, export or import a data directory',
    load: async () => (await import('./data.ts')).data,
  },
  chaos: {
    summary: 'disturb a server of its own, and check that nothing is lost untold',
    load: async () => (await import('./chaos.ts')).chaos,
  },
  bench: { summary: 'measure a running server', load: async () => (await import('./bench.ts')).bench },
  worker: { load: async () => (await import('./worker.ts')).worker },
};

const wordsForHelp = ['help', '--help', '-h'];
const wordsForVersion = ['version', '--version', '-v'];

/** Runs one command line, without the program's name, and resolves with its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = ownTerminal();
  try {
    return await run(args, terminal);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    terminal.stderr.write(`carillon: ${error.message}\n`);
    return error.exitCode;
  }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first = 'serve', ...rest] = args;
  if (wordsForVersion.includes(first)) return print(terminal, `${version()}\n`);
  if (wordsForHelp.includes(first)) return printHelp(rest[0], terminal);
  const named = !first.startsWith('-');
  const command = await find(named ? first : 'serve');
  const call = parseCall(command, named ? rest : args, terminal);
  return call.flags['help'] === true ? print(terminal, renderHelp(command)) : await command.run(call);
}

async function find(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return await entry.load();
  const meant = nearest(name, [...Object.keys(commands), 'help', 'version']);
  const hint = meant === undefined ? "see 'carillon help'" : `did you mean '${meant}'?`;
  throw new CommandError(`unknown command '${name}'; ${hint}`, exitCodes.usage);
}

async function printHelp(name: string | undefined, terminal: Terminal): Promise<number> {
  if (name !== undefined) return print(terminal, renderHelp(await find(name)));
  const rows = Object.entries(commands).flatMap(([command, { summary }]) =>
    summary === undefined ? [] : [[command, summary]],
  );
  return print(
    terminal,
    [
      `Carillon ${version()}, a self-hosted realtime push server.`,
      'Usage\n  carillon [command] [options]',
      `Commands\n${columns([...rows, ['help', 'print the help of a command'], ['version', 'print the version']])}`,
      "Without a command it serves. 'carillon help serve' lists the options of a command.\n",
    ].join('\n\n'),
  );
}

function print({ stdout }: Terminal, text: string): number {
  stdout.write(text);
  return exitCodes.ok;
}

function ownTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // Whoever reads may have enough, as `head` does; that is no failure.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
  return { stdin, stdout, stderr, env, cwd: process.cwd() };
}
