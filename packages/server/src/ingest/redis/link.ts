/** One connection to one Redis server. It never comes back by itself: when it is lost, whoever wants another opens one. */
import { readFile } from 'node:fs/promises';
import { createClient, ErrorReply, RESP_TYPES } from 'redis';
import { type Credentials, type Endpoint, placeOf, type TlsOptions } from './options.ts';

/** A reply where texts are bytes; a status is text, a number a number. */
export type Reply = Buffer | string | number | null | readonly Reply[];

export interface Link {
  readonly endpoint: Endpoint;
  /** For people: `127.0.0.1:6379`. */
  readonly place: string;
  /** Rejects when the connection is gone, with the reason. */
  readonly lost: Promise<never>;
  /** @throws {Error} what Redis answered, or why it cannot be asked. */
  ask(...command: readonly (string | Buffer)[]): Promise<Reply>;
  /** `heard` gets the payload and the Redis channel of each message. Resolves when the subscription is in force. */
  subscribe(channels: readonly string[], heard: Heard): Promise<void>;
  /** As `subscribe`, of a glob pattern. */
  subscribePattern(glob: string, heard: Heard): Promise<void>;
  /** Ends it at once. `lost` rejects. */
  close(): void;
}

export type Heard = (payload: Buffer, channel: Buffer) => void;

export interface LinkOptions {
  readonly credentials: Credentials;
  readonly database: number;
  readonly tls?: TlsOptions;
  readonly connectionName: string;
}

/** What a connection may take to come about. */
const connectTimeoutMs = 5_000;
/** Something is said that often, so that what lies in between does not take a quiet connection for a dead one. */
const pingIntervalMs = 30_000;
/** When TCP itself asks whether the other side is still there; it takes about 10 s more to give it up. */
const keepAliveMs = 5_000;

/** @throws {Error} when there is no connection, or Redis refuses the credentials. Aborted, it ends soon, and leaves nothing open. */
export async function openLink(endpoint: Endpoint, options: LinkOptions, signal: AbortSignal): Promise<Link> {
  const client = createRedisClient(endpoint, options, await tlsFiles(options.tls));
  const lost = new Promise<never>((_, reject) => {
    client.on('error', (error: unknown) => {
      // A user without the right to PING is no reason to end the connection.
      if (!(error instanceof ErrorReply)) reject(error);
    });
    client.once('end', () => reject(new Error('the connection was closed')));
  });
  lost.catch(() => undefined);
  const close = (): void => client.destroy();
  signal.addEventListener('abort', close, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([client.connect(), lost]);
    // A user without the right to it goes without a name.
    await client.sendCommand(['CLIENT', 'SETNAME', options.connectionName]).catch(() => undefined);
    signal.throwIfAborted();
  } catch (error) {
    close();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', close);
  }
  return {
    endpoint,
    place: placeOf(endpoint),
    lost,
    ask: (...command) => client.sendCommand(command, inBytes),
    // The driver leaves these unanswered when the connection is gone before they are sent.
    subscribe: (channels, heard) => Promise.race([client.subscribe([...channels], heard, true), lost]),
    subscribePattern: (glob, heard) => Promise.race([client.pSubscribe(glob, heard, true), lost]),
    close,
  };
}

const inBytes = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

type Files = Partial<Record<'ca' | 'cert' | 'key', Buffer>>;

function createRedisClient(
  endpoint: Endpoint,
  { credentials, database, tls }: LinkOptions,
  files: Files,
): ReturnType<typeof createClient> {
  const socket = {
    connectTimeout: connectTimeoutMs,
    keepAliveInitialDelay: keepAliveMs,
    reconnectStrategy: false,
  } as const;
  const secured = {
    tls: true,
    ...files,
    ...(tls?.serverName !== undefined && { servername: tls.serverName }),
    rejectUnauthorized: tls?.verify ?? true,
  } as const;
  return createClient({
    // What every Redis speaks, from the oldest on.
    RESP: 2,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    pingInterval: pingIntervalMs,
    database,
    ...credentials,
    socket:
      endpoint.host === undefined
        ? { ...socket, path: endpoint.path, tls: false }
        : { ...socket, host: endpoint.host, port: endpoint.port, ...(tls !== undefined && secured) },
  });
}

async function tlsFiles(tls: TlsOptions | undefined): Promise<Files> {
  const files: Files = {};
  const names = { ca: tls?.ca, cert: tls?.certificate, key: tls?.key };
  for (const [name, path] of Object.entries(names)) {
    if (path !== undefined) files[name as keyof Files] = await readFile(path);
  }
  return files;
}
