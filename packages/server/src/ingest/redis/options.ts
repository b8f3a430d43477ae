/** What the operator says of Redis, as the config hands it over. */
import type { MappingRule } from './mapping.ts';

/** A TCP address, or the path of a Unix socket. */
export type Endpoint =
  | { readonly host: string; readonly port: number }
  | { readonly path: string; readonly host?: never };

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is: at a fixed place, where Sentinels say, or in a Cluster of which some nodes are known. */
export type Whereabouts =
  | { readonly kind: 'server'; readonly endpoint: Endpoint }
  | {
      readonly kind: 'sentinel';
      /** The name of the primary. */
      readonly name: string;
      readonly addresses: readonly HostPort[];
      /** Of the Sentinels themselves. */
      readonly credentials: Credentials;
    }
  | { readonly kind: 'cluster'; readonly addresses: readonly HostPort[] };

/** File names are absolute; the files are read for every connection, so that renewed ones count. */
export interface TlsOptions {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name that the certificate must carry; absent: the host's. */
  readonly serverName?: string;
  /** False: whoever answers is believed. */
  readonly verify: boolean;
}

/** A stream or a list, and the channel that it feeds. */
export interface KeyRule {
  readonly key: string;
  readonly channel: string;
}

export interface RedisOptions {
  readonly where: Whereabouts;
  readonly credentials: Credentials;
  /** 0 in a Cluster. Means nothing to PUBLISH. */
  readonly database: number;
  readonly tls?: TlsOptions;
  /** What CLIENT LIST shows. */
  readonly connectionName: string;
  /** This server's name in consumer groups and processing lists. */
  readonly consumer: string;
  /** Whether the server may not start without Redis. */
  readonly required: boolean;
  readonly channels: readonly MappingRule[];
  readonly streams?: { readonly group: string; readonly keys: readonly KeyRule[] };
  readonly lists?: {
    /** The end from which items are taken. */
    readonly take: 'left' | 'right';
    readonly keys: readonly KeyRule[];
  };
}

/** For people: `127.0.0.1:6379`, or the path of a socket. */
export function placeOf(endpoint: Endpoint): string {
  if (endpoint.host === undefined) return endpoint.path;
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
