/** `ingest` as the server takes it: one place where Redis is, whichever way the config said it. */
import { splitListenAddress } from './fields.ts';
import type { RedisIngestConfig } from './ingest.ts';

export interface AddressSettings {
  readonly host: string;
  readonly port: number;
}

export interface CredentialSettings {
  readonly username?: string;
  readonly password?: string;
}

export interface TlsSettings {
  /** Paths of files, absolute. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly verify: boolean;
}

export interface RedisIngestSettings {
  readonly where:
    | { readonly kind: 'server'; readonly endpoint: AddressSettings | { readonly path: string } }
    | {
        readonly kind: 'sentinel';
        readonly name: string;
        readonly addresses: readonly AddressSettings[];
        /** Of the Sentinels themselves. */
        readonly credentials: CredentialSettings;
      }
    | { readonly kind: 'cluster'; readonly addresses: readonly AddressSettings[] };
  readonly credentials: CredentialSettings;
  readonly database: number;
  readonly tls?: TlsSettings;
  readonly connectionName: string;
  readonly consumer: string;
  readonly required: boolean;
  readonly channels: readonly { readonly source: string; readonly target: string }[];
  readonly streams?: { readonly group: string; readonly keys: readonly KeySettings[] };
  readonly lists?: { readonly take: 'left' | 'right'; readonly keys: readonly KeySettings[] };
}

interface KeySettings {
  readonly key: string;
  readonly channel: string;
}

/** The absolute path of a file that the config names; `path` is where in the config. */
export type Absolute = (path: readonly string[], file: string) => string;

export function redisIngestSettings(redis: RedisIngestConfig, absolute: Absolute): RedisIngestSettings {
  const url = redis.url === undefined ? undefined : readUrl(redis.url);
  const tls = redis.tls ?? (url?.isSecure === true ? { verify: true } : undefined);
  const { streams, lists, username = url?.username, password = url?.password } = redis;
  return {
    where: whereabouts(redis, url),
    credentials: credentials(username, password),
    database: redis.sentinel?.database ?? url?.database ?? 0,
    ...(tls !== undefined && { tls: tlsSettings(tls, absolute) }),
    connectionName: redis.connectionName,
    consumer: redis.consumer,
    required: redis.required,
    channels: Object.entries(redis.channels).map(([source, target]) => ({ source, target })),
    ...(streams !== undefined && { streams: { group: streams.group, keys: keyRules(streams.keys) } }),
    ...(lists !== undefined && { lists: { take: lists.take, keys: keyRules(lists.keys) } }),
  };
}

interface RedisUrl {
  readonly endpoint: AddressSettings | { readonly path: string };
  readonly isSecure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** Undefined when it is none: then the schema or `urlFault` has said so. */
export function readUrl(text: string): RedisUrl | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  const [username, password] = [decoded(url.username), decoded(url.password)];
  if (url.protocol === 'unix:') {
    const database = Number(url.searchParams.get('db') ?? '0');
    return {
      endpoint: { path: decoded(url.pathname) ?? '/' },
      isSecure: false,
      username,
      password,
      database,
    };
  }
  return {
    endpoint: {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 6379 : Number(url.port),
    },
    isSecure: url.protocol === 'rediss:',
    username,
    password,
    database: Number(url.pathname.slice(1)),
  };
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function whereabouts(
  { sentinel, cluster = [] }: RedisIngestConfig,
  url: RedisUrl | undefined,
): RedisIngestSettings['where'] {
  if (url !== undefined) return { kind: 'server', endpoint: url.endpoint };
  if (sentinel === undefined) return { kind: 'cluster', addresses: addresses(cluster) };
  return {
    kind: 'sentinel',
    name: sentinel.name,
    addresses: addresses(sentinel.addresses),
    credentials: credentials(sentinel.username, sentinel.password),
  };
}

function addresses(texts: readonly string[]): AddressSettings[] {
  return texts.flatMap((text) => splitListenAddress(text) ?? []);
}

function credentials(username: string | undefined, password: string | undefined): CredentialSettings {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

function tlsSettings(
  { ca, certificate, key, serverName, verify }: NonNullable<RedisIngestConfig['tls']>,
  absolute: Absolute,
): TlsSettings {
  const file = (name: string, path: string | undefined): Partial<TlsSettings> =>
    path === undefined ? {} : { [name]: absolute(['ingest', 'redis', 'tls', name], path) };
  return {
    ...file('ca', ca),
    ...file('certificate', certificate),
    ...file('key', key),
    ...(serverName !== undefined && { serverName }),
    verify,
  };
}

function keyRules(keys: Readonly<Record<string, string>>): KeySettings[] {
  return Object.entries(keys).map(([key, channel]) => ({ key, channel }));
}
