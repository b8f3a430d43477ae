/** The running server that a client command speaks to. */
import { type Option, usage } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

const url: Option = {
  type: 'string',
  placeholder: 'URL',
  sentence: 'The running server.',
  env: 'CARILLON_URL',
  default: 'http://127.0.0.1:6790',
};

const key: Option = {
  type: 'string',
  placeholder: 'KEY',
  sentence: 'An API key; a server in development mode needs none.',
  env: 'CARILLON_API_KEY',
};

const token: Option = {
  type: 'string',
  placeholder: 'TOKEN',
  sentence: 'The token of a client; not needed where the rules admit anyone.',
  env: 'CARILLON_TOKEN',
};

/** The options of commands that speak to a server, as an API user, as a client, or as both. */
export const targetOptions = { url, key, token } as const;

/** The server's URL for requests. @throws {CommandError} 64 */
export function httpUrl(text: string, path: string): URL {
  const parsed = parse(text);
  parsed.protocol = parsed.protocol.replace('ws', 'http');
  if (parsed.pathname === '/') parsed.pathname = path;
  return parsed;
}

/** The server's URL for a WebSocket; a path in it is kept, else it is the native protocol's. @throws {CommandError} 64 */
export function webSocketUrl(text: string): URL {
  const parsed = parse(text);
  parsed.protocol = parsed.protocol.replace('http', 'ws');
  if (parsed.pathname === '/') parsed.pathname = '/ws';
  return parsed;
}

function parse(text: string): URL {
  const complete = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const parsed = URL.canParse(complete) ? new URL(complete) : undefined;
  if (parsed === undefined || !/^(?:http|ws)s?:$/.test(parsed.protocol)) {
    throw usage(`'${text}' is no URL of a server; it must look like http://127.0.0.1:6790`);
  }
  return parsed;
}

/** Nobody answers at a URL. */
export function unreachable({ host }: URL, cause?: unknown): CommandError {
  const why = cause instanceof Error ? reason(cause) : '';
  return new CommandError(`no server answers at ${host}${why}; is it running?`, exitCodes.unavailable);
}

function reason(error: Error): string {
  const cause: Error & { code?: unknown } = error.cause instanceof Error ? error.cause : error;
  return ` (${typeof cause.code === 'string' ? cause.code : cause.message})`;
}
