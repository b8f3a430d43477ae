/** The server that a benchmark is run against: where it listens, what it wants to see, and its process if it is on this machine. */
import { request } from 'node:http';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path of the native protocol. */
  readonly path: string;
  /** API key of `POST /v1/publish`; a development server needs none. */
  readonly key: string | undefined;
  /** Token of every WebSocket; not needed where rules admit anyone. */
  readonly token: string | undefined;
  /** First process of the server; without it there are no CPU and memory figures. */
  readonly pid: number | undefined;
  /** Channels of the run begin with this; the server's rules must let anyone subscribe and publish there. */
  readonly prefix: string;
}

/** A fault of what the caller asked for; `exitCode` follows sysexits: 64 wrong usage, 69 not reachable. */
export class BenchError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'BenchError';
    this.exitCode = exitCode;
  }
}

/**
 * Reads a server's URL. `http` and `ws` mean the same; a path other than `/` is that of the native protocol.
 * Throws BenchError 64 when the URL cannot be used.
 */
export function parseTarget(url: string, rest: Partial<Omit<Target, 'host' | 'port' | 'path'>> = {}): Target {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || (parsed.protocol !== 'http:' && parsed.protocol !== 'ws:')) {
    throw new BenchError(
      `The URL ${JSON.stringify(url)} cannot be measured: give one that begins with http:// or ws://.`,
      64,
    );
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 80),
    path: parsed.pathname === '/' ? '/ws' : parsed.pathname,
    key: rest.key,
    token: rest.token,
    pid: rest.pid,
    prefix: rest.prefix ?? 'bench:',
  };
}

/** Asks `POST /v1/info` for the process id; undefined when the server keeps it to itself or is on another machine. */
export async function findPid(target: Target): Promise<number | undefined> {
  const answer = await post(target, '/v1/info', '{}');
  if (!/^(127\.|localhost$|::1$)/.test(target.host)) return undefined;
  const pid = /"pid":(\d+)/.exec(answer)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

function post(target: Target, path: string, body: string): Promise<string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (target.key !== undefined) headers['authorization'] = `Bearer ${target.key}`;
  return new Promise((resolve, reject) => {
    const { host, port } = target;
    const sent = request(
      { host, port, path, method: 'POST', headers, agent: false, timeout: 5000 },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          if (text.length < 1e6) text += piece;
        });
        response.on('end', () => resolve(text));
        response.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.on('error', (error) =>
      reject(new BenchError(`No server answers at ${host}:${port}: ${error.message}.`, 69)),
    );
    sent.end(body);
  });
}
