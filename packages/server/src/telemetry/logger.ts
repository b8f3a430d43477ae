/** The log of a server: JSON lines for machines, calm lines for a person on a terminal. Tokens and keys never reach it. */
import type { Log } from '../core/log.ts';

export interface LogSettings {
  /** The least important level that is written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: for people when `stream` is a terminal, else JSON. */
  readonly format: 'auto' | 'human' | 'json';
}

/** A log whose level may change. */
export interface LeveledLog extends Log {
  setLevel(level: LogSettings['level']): void;
}

/** Where lines go; stderr in the server. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(line: string): unknown;
}

type Level = 'debug' | 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, unknown>>;

const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;
const secretNames = /^(?:.*[-_])?(?:token|secret|password|authorization|cookie|key|keys|apikey)$/i;
const partsOfLine: readonly string[] = ['level', 'time', 'pid', 'msg'];
const secretInUrl = /([?&](?:token|key|secret)=)[^&\s"']+/gi;
const credentialsInUrl = /(\/\/)[^/@\s:]*:[^/@\s]*@/g;

/** Opens a log. JSON lines have `time` (milliseconds since the Unix epoch), `level` (a word), `msg`, and the fields. */
export async function createLog(
  settings: LogSettings,
  stream: LogStream = process.stderr,
): Promise<LeveledLog> {
  let { level: least } = settings;
  const human = settings.format === 'human' || (settings.format === 'auto' && stream.isTTY === true);
  const write = human ? humanWriter(stream) : await jsonWriter(stream);
  const at =
    (level: Level): Log['info'] =>
    (message, fields = {}) => {
      if (ranks[level] >= ranks[least]) write(level, withoutSecrets(message), safeFields(fields));
    };
  const setLevel = (wanted: LogSettings['level']): void => {
    least = wanted;
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), setLevel };
}

type Writer = (level: Level, message: string, fields: Fields) => void;

async function jsonWriter(stream: LogStream): Promise<Writer> {
  const { pino } = await import('pino');
  const logger = pino(
    { level: 'debug', base: { pid: process.pid }, formatters: { level: (label) => ({ level: label }) } },
    { write: (line: string) => void stream.write(line) },
  );
  return (level, message, fields) => logger[level](ownNames(fields), message);
}

/** A line has each of its names once: a field that is called like a part of the line itself steps aside. */
function ownNames(fields: Fields): Fields {
  if (!partsOfLine.some((name) => Object.hasOwn(fields, name))) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [partsOfLine.includes(name) ? `${name}_` : name, value]),
  );
}

function humanWriter(stream: LogStream): Writer {
  return (level, message, fields) => {
    const time = new Date().toTimeString().slice(0, 8);
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`);
    stream.write(`${time} ${level.padEnd(5)} ${oneLine(`${message}${pairs.join('')}`)}\n`);
  };
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? String(value);
}

/** A line stays one line, and a terminal is told nothing, whatever a client sent. JSON alone would leave some of these as they are. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (control) => {
    const written = JSON.stringify(control).slice(1, -1);
    return written === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}` : written;
  });
}

function safeFields(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      secretNames.test(name) ? '***' : safeValue(value, 0),
    ]),
  );
}

/** Deep enough for what one logs; what lies deeper is left out. */
function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return errorFields(value);
  if (depth > 3) return '...';
  if (Array.isArray(value)) return value.map((item) => safeValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      secretNames.test(name) ? '***' : safeValue(member, depth + 1),
    ]),
  );
}

function errorFields(error: Error): Fields {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    ...(code === undefined ? {} : { code }),
    ...(error.stack === undefined ? {} : { stack: withoutSecrets(error.stack) }),
  };
}

function withoutSecrets(text: string): string {
  return text.replaceAll(secretInUrl, '$1***').replaceAll(credentialsInUrl, '$1***@');
}
