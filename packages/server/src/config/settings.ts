/** The settings as the parts of the server take them: complete, frozen, and with the unit in every name. */
import type { StandardSchema } from '@carillon/protocol';
import { type ApiSettings, apiSettings } from './api-settings.ts';
import { type CallbackSettings, callbackSettings, type JwtSettings, jwtSettings } from './auth-settings.ts';
import { parseDuration } from './duration.ts';
import { isDataSchema } from './fields.ts';
import { type HookSourceSettings, hookSource } from './hooks.ts';
import { type Absolute, type RedisIngestSettings, redisIngestSettings } from './ingest-settings.ts';
import { type RateSettings, rateSettings } from './rates.ts';
import type { CompleteConfig } from './schema.ts';
import { type WebhookSettings, webhookSettings } from './webhook-settings.ts';

export type WhoWord = 'anyone' | 'user' | 'owner' | 'subscriber' | 'token' | 'hook' | 'nobody';

export interface ChannelSettings {
  readonly pattern: string;
  readonly subscribe: WhoWord;
  readonly publish: WhoWord;
  readonly readHistory: WhoWord;
  readonly readPresence: WhoWord;
  /** Absent: the channel keeps no history. */
  readonly history?: { readonly size: number; readonly ttlMs: number };
  /** Absent: nobody is told who is there. */
  readonly presence?: { readonly announces: boolean };
  /** Absent: the channel is no inbox. */
  readonly inbox?: { readonly overdueMs?: number };
  /** Absent: any data. Not frozen: it is another library's. */
  readonly schema?: StandardSchema;
}

/** Whom a fixed token stands for; without a `user`, nobody in particular. */
export interface TokenSettings {
  readonly user?: string;
  readonly info?: unknown;
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  readonly channels?: readonly string[];
}

export interface Settings {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly workers: number | 'auto';
  readonly engine: 'memory';
  /** Where histories outlive the process, an absolute path; absent: nowhere. */
  readonly dataDir?: string;
  readonly sync: 'always' | 'interval' | 'off';
  readonly drainMs: number;
  readonly insecure: boolean;
  /** The API needs no key, `/` serves the demos, and `Host` must be a loopback name or one of `hosts`. */
  readonly development: boolean;
  readonly api: ApiSettings;
  readonly auth: {
    readonly anonymous: boolean;
    readonly tokens: ReadonlyMap<string, TokenSettings>;
    readonly jwt?: JwtSettings;
    readonly callback?: CallbackSettings;
    /** The name of the cookie that carries a token. */
    readonly cookie?: string;
  };
  readonly websocket: {
    readonly path: string;
    readonly rawPaths: readonly string[];
    readonly pingIntervalMs: number;
    readonly pongTimeoutMs: number;
    readonly stallTimeoutMs: number;
    readonly maxFrameBytes: number;
  };
  readonly origins: readonly string[];
  /** Lower case, with or without a port. */
  readonly hosts: readonly string[];
  /** Addresses and CIDR blocks. */
  readonly trustProxy: readonly string[];
  readonly paths: readonly { readonly path: string; readonly channel: string }[];
  readonly channels: readonly ChannelSettings[];
  /** Absent: there are none. */
  readonly rendezvous?: {
    readonly ttlMs: number;
    readonly path: string;
    /** Has `{code}` in it. */
    readonly scanUrl?: string;
    readonly limits: { readonly open: number; readonly perAddress: number };
  };
  readonly presence: {
    /** How long a client that is gone is waited for before that is told. */
    readonly graceMs: number;
  };
  readonly ingest: { readonly redis?: RedisIngestSettings };
  readonly hooks: {
    readonly source: HookSourceSettings;
    /** Of each call. */
    readonly timeoutMs: number;
  };
  readonly webhooks: readonly WebhookSettings[];
  readonly limits: {
    /** Loopback and trusted proxies are not counted. */
    readonly connectionsPerAddress: number;
    readonly channelsPerConnection: number;
    /** Absent: no such limit. */
    readonly publishesPerSecond?: number;
    readonly apiBodyBytes: number;
    readonly dataBytes: number;
    /** What waits for one webhook. */
    readonly webhookQueueEvents: number;
    readonly webhookQueueBytes: number;
    readonly hookMemoryBytes: number;
    readonly memoryHistoryBytes: number;
    readonly laneLogBytes: number;
  };
  /** Absent: no such limit. */
  readonly rates: RateSettings;
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
    readonly format: 'auto' | 'human' | 'json';
  };
}

/** Derives the settings from a config that was checked; called once. `absolute` knows what paths are relative to, `file` is the config's own. */
export function toSettings(
  config: CompleteConfig,
  development: boolean,
  absolute: Absolute,
  file?: string,
): Settings {
  const { redis } = config.ingest;
  return deepFreeze({
    host: bare(config.host),
    port: config.port,
    workers: config.workers,
    engine: 'memory',
    ...present('dataDir', config.dataDir && absolute(['dataDir'], config.dataDir)),
    sync: config.sync,
    drainMs: milliseconds(config.drain),
    insecure: config.insecure,
    development,
    api: apiSettings(config.api),
    auth: {
      anonymous: config.auth.anonymous,
      tokens: new Map(
        Object.entries(config.auth.tokens).map(([token, identity]) => [token, tokenSettings(identity)]),
      ),
      ...present('jwt', config.auth.jwt && jwtSettings(config.auth.jwt, absolute)),
      ...present('callback', config.auth.callback && callbackSettings(config.auth.callback)),
      ...present('cookie', config.auth.cookie),
    },
    websocket: {
      path: config.websocket.path,
      rawPaths: config.websocket.rawPaths,
      pingIntervalMs: milliseconds(config.websocket.pingInterval),
      pongTimeoutMs: milliseconds(config.websocket.pongTimeout),
      stallTimeoutMs: milliseconds(config.websocket.stallTimeout),
      maxFrameBytes: config.websocket.maxFrameBytes,
    },
    origins: config.origins.map((origin) => origin.toLowerCase()),
    hosts: config.hosts.map((host) => host.toLowerCase()),
    trustProxy: config.trustProxy,
    paths: Object.entries(config.paths).map(([path, { channel }]) => ({ path, channel })),
    channels: Object.entries(config.channels).map(([pattern, rule]) => channelSettings(pattern, rule)),
    presence: { graceMs: milliseconds(config.presence.grace) },
    ingest: redis === undefined ? {} : { redis: redisIngestSettings(redis, absolute) },
    hooks: {
      source: hookSource(config.hooks, absolute, file),
      timeoutMs: milliseconds(config.hookTimeout),
    },
    webhooks: config.webhooks.map(webhookSettings),
    ...present('rendezvous', rendezvousSettings(config)),
    limits: limitSettings(config.limits),
    rates: rateSettings(config.rates),
    log: config.log,
  });
}

function tokenSettings(identity: CompleteConfig['auth']['tokens'][string]): TokenSettings {
  const user = identity.user === undefined ? undefined : String(identity.user);
  return {
    ...present('user', user),
    ...present('info', identity.info),
    ...present('tags', identity.tags),
    ...present('channels', identity.channels),
  };
}

type RuleConfig = CompleteConfig['channels'][string];

function channelSettings(pattern: string, rule: RuleConfig): ChannelSettings {
  const { history, schema, presence, inbox } = rule;
  return {
    pattern,
    subscribe: rule.subscribe,
    publish: rule.publish,
    readHistory: rule.readHistory ?? rule.subscribe,
    readPresence: rule.readPresence ?? rule.subscribe,
    ...(history === undefined ? {} : { history: { size: history.size, ttlMs: milliseconds(history.ttl) } }),
    ...present('presence', presenceSettings(presence)),
    ...present('inbox', inboxSettings(inbox)),
    ...present('schema', schema),
  };
}

function presenceSettings(presence: RuleConfig['presence']): ChannelSettings['presence'] {
  if (presence === false) return undefined;
  return { announces: presence === true || presence.announce };
}

function inboxSettings(inbox: RuleConfig['inbox']): ChannelSettings['inbox'] {
  if (inbox === false) return undefined;
  if (inbox === true || inbox.overdue === undefined) return {};
  return { overdueMs: milliseconds(inbox.overdue) };
}

function rendezvousSettings({ rendezvous }: CompleteConfig): Settings['rendezvous'] {
  if (rendezvous === undefined) return undefined;
  const { ttl, path, scanUrl, limits } = rendezvous;
  return { ttlMs: milliseconds(ttl), path, ...present('scanUrl', scanUrl), limits };
}

function limitSettings({ publishesPerSecond, ...limits }: CompleteConfig['limits']): Settings['limits'] {
  return { ...limits, ...present('publishesPerSecond', publishesPerSecond) };
}

/** A member that is there only when it has a value. */
function present<N extends string, V>(name: N, value: V | undefined): Partial<Record<N, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<N, V>);
}

/** An IPv6 address without its brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function milliseconds(duration: string): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new TypeError(`the schema let an ill-formed duration pass: ${duration}`);
  return ms;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || isDataSchema(value))
    return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
