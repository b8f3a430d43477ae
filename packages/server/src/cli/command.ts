/** What a command is: its words, its options and what it does. Parsing and help are made from this alone. */
import { parseArgs } from 'node:util';
import { nearest } from '@carillon/protocol';
import { CommandError, exitCodes } from './exit-codes.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  /** What stands for the value in the help. */
  readonly placeholder?: string;
  readonly sentence: string;
  /** The environment variable that says the same. */
  readonly env?: string | undefined;
  /** What holds when nobody says anything, as the help prints it. */
  readonly default?: string | undefined;
}

export interface Command {
  readonly name: string;
  /** How the positional arguments are called, e.g. `CHANNEL DATA`. */
  readonly positionals: string;
  /** How many of them there must and may be. */
  readonly arity: { readonly min: number; readonly max: number };
  /** One sentence, then what one should know besides. */
  readonly about: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** Command lines without the leading `carillon`. */
  readonly examples: readonly string[];
  /** Resolves with the exit code. @throws {CommandError} */
  run(call: Call): Promise<number>;
}

/** Where a command reads and writes. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** One use of a command. */
export interface Call {
  readonly positionals: readonly string[];
  /** Flags as they were given, by name. */
  readonly flags: Readonly<Record<string, string | boolean>>;
  /** All that a flag was given, where it may be repeated. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly terminal: Terminal;
}

/** Every command has this one. */
const helpOption: Option = { type: 'boolean', sentence: 'Print this help.' };

/** Reads the arguments of a command. @throws {CommandError} 64, with the name that was probably meant. */
export function parseCall(command: Command, args: readonly string[], terminal: Terminal): Call {
  const options = { ...command.options, help: helpOption };
  const { tokens } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }])),
      help: { type: 'boolean', short: 'h' },
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags: Record<string, string | boolean> = {};
  const lists: Record<string, string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const value = flagValue(command, options, token);
    flags[token.name] = value;
    if (typeof value === 'string') lists[token.name] = [...(lists[token.name] ?? []), value];
  }
  if (flags['help'] !== true) checkArity(command, positionals);
  return { positionals, flags, lists, terminal };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

function flagValue(
  command: Command,
  options: Readonly<Record<string, Option>>,
  { name, rawName, value }: OptionToken,
): string | boolean {
  const option = options[name];
  if (option === undefined) {
    const meant = nearest(name, Object.keys(options));
    const hint = meant === undefined ? `see 'carillon ${command.name} --help'` : `did you mean '--${meant}'?`;
    throw usage(`unknown flag '${rawName}'; ${hint}`);
  }
  if (option.type === 'string') {
    if (value === undefined || value === '')
      throw usage(`'--${name}' needs a value: --${name} ${option.placeholder ?? 'VALUE'}`);
    return value;
  }
  if (value === undefined || value === 'true') return true;
  if (value === 'false') return false;
  throw usage(`'--${name}' is a switch; it takes no value but true or false`);
}

function checkArity(command: Command, { length }: readonly string[]): void {
  const form = `carillon ${[command.name, command.positionals].join(' ').trim()}`;
  if (length < command.arity.min) throw usage(`an argument is missing: ${form}`);
  if (length > command.arity.max) throw usage(`there are too many arguments: ${form}`);
}

/** A use that cannot be understood. */
export function usage(sentence: string): CommandError {
  return new CommandError(`${sentence}`, exitCodes.usage);
}

/** The text that a flag, or else its environment variable, gives. */
export function textOption(
  command: Pick<Command, 'options'>,
  { flags, terminal }: Call,
  name: string,
): string | undefined {
  const given = flags[name];
  if (typeof given === 'string') return given;
  const env = command.options[name]?.env;
  return (env === undefined ? undefined : terminal.env[env]?.trim()) || command.options[name]?.default;
}

/** A whole number that a flag gives. @throws {CommandError} 64 */
export function numberOption(call: Call, name: string): number | undefined {
  const given = call.flags[name];
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !/^\d{1,9}$/.test(given))
    throw usage(`'--${name}' must be a whole number, but is '${given}'`);
  return Number(given);
}

/** The help of a command. */
export function renderHelp(command: Command): string {
  const rows = Object.entries({ ...command.options, help: helpOption }).map(([name, option]) => {
    const form = option.type === 'boolean' ? `--${name}` : `--${name} ${option.placeholder ?? 'VALUE'}`;
    const facts = [
      ...(option.env === undefined ? [] : [option.env]),
      ...(option.default === undefined ? [] : [`default ${option.default}`]),
    ];
    return [form, facts.length === 0 ? option.sentence : `${option.sentence} (${facts.join(', ')})`];
  });
  const parts = [
    command.about.join('\n'),
    `Usage\n  carillon ${[command.name, command.positionals].join(' ').trim()} [options]`,
    `Options\n${columns(rows)}`,
    `Examples\n${command.examples.map((line) => `  carillon ${line}`).join('\n')}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Rows as aligned columns, indented by two. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows
    .map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}
