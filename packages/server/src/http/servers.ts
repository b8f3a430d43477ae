/** Puts the HTTP side together: what is served where, on one listener or two. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Authenticator, Identity } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { Admit } from '../core/entry.ts';
import type { Log } from '../core/log.ts';
import type { Rate } from '../core/rate.ts';
import type { RendezvousDesk } from '../core/rendezvous.ts';
import { ClientAddresses } from './address.ts';
import { AddressLimit, type HoldsElsewhere } from './address-limit.ts';
import { AddressRates } from './address-rates.ts';
import { Api, type ApiUpgrades } from './api/api.ts';
import type { ApiCounters } from './api/counters.ts';
import type { Verbs } from './api/method.ts';
import { openApi } from './api/openapi.ts';
import type { Endpoint, Pages } from './exchange.ts';
import {
  type FeedOptions,
  FeedPath,
  type FeedTransport,
  type FeedTransportName,
  type UpgradeFeed,
} from './feed.ts';
import { ApiKeys, type KeySettings } from './keys.ts';
import { type ListenAddress, Listener } from './listener.ts';
import { Origins } from './origin.ts';
import { document, healthz, type MetricsText, metrics, readyz } from './probes.ts';
import { PubEndpoint } from './pub.ts';
import { type RendezvousSettings, rendezvousEndpoints } from './rendezvous.ts';
import { Router, type Routes, type Upgrade } from './router.ts';
import { type NativeSessions, StreamEndpoint, StreamSessionEndpoint } from './stream.ts';

/** The WebSocket transport, as far as upgrades are handed to it. */
export interface WebSocketUpgrades {
  upgradeNative(req: IncomingMessage, socket: Duplex, head: Buffer, address: string): void;
  upgradeRaw(req: IncomingMessage, socket: Duplex, head: Buffer, address: string): void;
  upgradeFeed: UpgradeFeed;
}

/** The part of the settings that the HTTP side reads. */
export interface HttpSettings {
  readonly development: boolean;
  readonly api: { readonly keys: KeySettings['keys']; readonly listen?: ListenAddress };
  /** `cookie` names the cookie that may hold a token. */
  readonly auth?: { readonly cookie?: string };
  readonly origins: readonly string[];
  readonly hosts: readonly string[];
  readonly trustProxy: readonly string[];
  readonly websocket: { readonly path: string; readonly rawPaths: readonly string[] };
  readonly paths: readonly { readonly path: string; readonly channel: string }[];
  /** Absent where rendezvous are off. */
  readonly rendezvous?: RendezvousSettings;
  readonly limits: {
    readonly connectionsPerAddress: number;
    readonly channelsPerConnection: number;
    readonly apiBodyBytes: number;
  };
  /** Absent: no limit. */
  readonly rates?: { readonly connectionsPerAddress?: Rate; readonly requestsPerKey?: Rate };
}

export interface HttpOptions {
  readonly settings: HttpSettings;
  /** For /openapi.json. */
  readonly version: string;
  readonly verbs: Verbs;
  /** What browsers ask for a rendezvous; served where the settings say a path. */
  readonly desk?: Pick<RendezvousDesk, 'draw' | 'consume'>;
  readonly authenticator: Authenticator;
  /** Throws a ReplyError where the rules do not let this client publish. */
  readonly mayPublish: (identity: Identity, channel: string) => void;
  readonly websocket: WebSocketUpgrades;
  /** What `/v1/ws` is served by; without it there is no such path. */
  readonly apiSockets?: ApiUpgrades;
  /** Further transports of `/sub`; none by default. */
  readonly feedTransports?: ReadonlyMap<FeedTransportName, FeedTransport>;
  /** What `/stream` is served by; without it there is no such path. */
  readonly native?: {
    readonly sessions: NativeSessions;
    readonly admit: Admit;
    readonly maxFrameBytes: number;
  };
  /** Resolves when a publication came back through the broker and every worker; rejects, in a few seconds, with what is slow. */
  readonly probe: () => Promise<void>;
  readonly metrics: MetricsText;
  /** Of the settings' `trustProxy`; made of that where others do not need it. */
  readonly addresses?: ClientAddresses;
  /** What addresses have open at other workers; absent: there are none. */
  readonly holds?: HoldsElsewhere;
  readonly clock: Clock;
  /** Kept by the API, read by the metrics. */
  readonly counters: ApiCounters;
  /** What `/` serves in development mode. */
  readonly pages?: Pages;
  readonly log: Log;
}

/** The checks that every listener shares, made of the settings. */
interface Guards {
  readonly addresses: ClientAddresses;
  readonly limit: AddressLimit;
  readonly rates: AddressRates;
  readonly origins: Origins;
  readonly keys: ApiKeys;
}

/** The part of the settings that can change while the servers run. */
export type ChangingHttpSettings = Pick<
  HttpSettings,
  'api' | 'origins' | 'hosts' | 'trustProxy' | 'paths' | 'limits'
>;

export class HttpServers {
  readonly #public: Listener;
  readonly #api: Listener | undefined;
  readonly #apiAddress: ListenAddress | undefined;
  readonly #guards: Guards;
  /** Serves clients, and everything else where the API has no address of its own. */
  readonly #router: Router;
  readonly #routesFor: (settings: ChangingHttpSettings) => Routes;

  constructor(options: HttpOptions) {
    const { settings, log } = options;
    const guards = guardsOf(options);
    this.#guards = guards;
    const { addresses, limit, origins } = guards;
    const api = new Api({
      ...guards,
      verbs: options.verbs,
      counters: options.counters,
      log,
      bodyBytes: settings.limits.apiBodyBytes,
    });
    const apiEndpoints = apiRoutes(api, options);
    const apiUpgrades = new Map<string, Upgrade>();
    if (options.apiSockets !== undefined) {
      apiEndpoints.set('/v1/ws', api.socketOnly());
      apiUpgrades.set('/v1/ws', api.upgrade(options.apiSockets));
    }
    const apiPrefixes = new Map([['/v1/', api.unknown()]]);
    const fixed = fixedRoutes(options, guards);
    const pages = settings.development && options.pages !== undefined ? { pages: options.pages } : {};
    const bodyBytes = settings.limits.apiBodyBytes;
    const apart = settings.api.listen !== undefined;
    const shared = { origins, addresses, limit, log };
    this.#routesFor = (changing) => {
      const feeds = feedRoutes({ ...options, settings: { ...settings, ...changing } }, guards);
      const api = { endpoints: apiEndpoints, prefixes: apiPrefixes, upgrades: apiUpgrades };
      return joined(apart ? [fixed, feeds] : [api, fixed, feeds]);
    };
    this.#router = new Router({ ...shared, ...pages, ...this.#routesFor(settings) });
    this.#public = new Listener({ router: this.#router, limit, bodyBytes });
    this.#apiAddress = settings.api.listen;
    if (!apart) return;
    const apiRouter = new Router({
      ...shared,
      endpoints: apiEndpoints,
      prefixes: apiPrefixes,
      upgrades: apiUpgrades,
    });
    this.#api = new Listener({ router: apiRouter, limit, bodyBytes });
  }

  /** Takes over other settings; what is under way goes on as it began. @throws {Error} `trustProxy` has something else than networks; nothing has changed then. */
  reconfigure(settings: ChangingHttpSettings): void {
    const { addresses, limit, origins, keys } = this.#guards;
    addresses.replace(settings.trustProxy);
    limit.replace(settings.limits.connectionsPerAddress);
    origins.replace(settings);
    keys.replace(settings.api.keys);
    this.#router.replace(this.#routesFor(settings));
  }

  /** Listens on the public address, and on that of the API where it has its own; resolves with what is in force. */
  async listen(
    address: ListenAddress,
  ): Promise<{ readonly public: ListenAddress; readonly api: ListenAddress }> {
    // The API's address first: a public port that accepts while the server then fails to start would lose clients.
    const api = this.#apiAddress === undefined ? undefined : await this.#api?.listen(this.#apiAddress);
    try {
      const bound = await this.#public.listen(address);
      return { public: bound, api: api ?? bound };
    } catch (error) {
      await this.#api?.close();
      throw error;
    }
  }

  /** As {@link Listener.close}, for both listeners. */
  async close(graceMs?: number): Promise<void> {
    await Promise.all([this.#public.close(graceMs), this.#api?.close(graceMs)]);
  }
}

function guardsOf({ settings, addresses: given, holds, clock, log }: HttpOptions): Guards {
  const { development, hosts, origins, limits, rates = {} } = settings;
  const rate = rates.requestsPerKey;
  const addresses = given ?? new ClientAddresses(settings.trustProxy);
  return {
    addresses,
    limit: new AddressLimit(addresses, limits.connectionsPerAddress, holds),
    rates: new AddressRates(clock, addresses, rates.connectionsPerAddress),
    origins: new Origins({
      development,
      hosts,
      origins,
      refused: (origin) =>
        log.warn("a page of another site was refused; list its origin in 'origins' to let it in", { origin }),
    }),
    keys: new ApiKeys({
      keys: settings.api.keys,
      development,
      ...(rate !== undefined && { rate: { rate, clock } }),
    }),
  };
}

/** API, metrics and probes: what `api.listen` moves away. */
function apiRoutes(api: Api, { probe, log, metrics: source, version }: HttpOptions): Map<string, Endpoint> {
  return api
    .endpoints()
    .set('/healthz', healthz)
    .set('/readyz', readyz(probe, log))
    .set('/metrics', metrics(source))
    .set(
      '/openapi.json',
      document(() => openApi(api.methods, version)),
    );
}

/** In the order of their precedence, the last first. */
function joined(all: readonly Routes[]): Routes {
  return {
    endpoints: new Map(all.flatMap(({ endpoints }) => [...endpoints])),
    prefixes: new Map(all.flatMap(({ prefixes }) => [...prefixes])),
    upgrades: new Map(all.flatMap(({ upgrades }) => [...upgrades])),
  };
}

/** What clients use, but for the paths of feeds. */
function fixedRoutes(options: HttpOptions, guards: Guards): Routes {
  const { settings, websocket, verbs, authenticator, mayPublish, log } = options;
  const upgrades = new Map<string, Upgrade>();
  const bodyBytes = settings.limits.apiBodyBytes;
  const pub = new PubEndpoint({ ...guards, verbs, authenticator, mayPublish, log, bodyBytes });
  const endpoints = new Map<string, Endpoint>([['/pub', pub]]);
  const prefixes = new Map<string, Endpoint>();
  const { desk, native } = options;
  if (native !== undefined) {
    const stream = { ...guards, ...native, cookieName: settings.auth?.cookie };
    endpoints.set('/stream', new StreamEndpoint(stream));
    prefixes.set('/stream/', new StreamSessionEndpoint(stream));
  }
  if (settings.rendezvous !== undefined && desk !== undefined) {
    const drawing = rendezvousEndpoints({ ...guards, settings: settings.rendezvous, desk });
    for (const [path, endpoint] of drawing) endpoints.set(pathOf(path), endpoint);
  }
  const webSocketOnly = new FeedPath({ ...feedOptions(options, guards), transports: new Map() });
  const add = (path: string, upgrade: Upgrade): void => {
    endpoints.set(pathOf(path), webSocketOnly);
    upgrades.set(pathOf(path), rated(upgrade, guards));
  };
  add(settings.websocket.path, (req, socket, head, address) =>
    websocket.upgradeNative(req, socket, head, address),
  );
  for (const path of settings.websocket.rawPaths) {
    add(path, (req, socket, head, address) => websocket.upgradeRaw(req, socket, head, address));
  }
  return { endpoints, prefixes, upgrades };
}

/** `/sub`, and the mapped paths, which win over a built-in one of the same name. */
function feedRoutes(options: HttpOptions, guards: Guards): Routes {
  const shared = feedOptions(options, guards);
  const feeds = new Map([['/sub', new FeedPath(shared)]]);
  for (const { path, channel } of options.settings.paths) {
    feeds.set(pathOf(path), new FeedPath(shared, channel));
  }
  const upgrades = [...feeds].map(([path, feed]): [string, Upgrade] => [
    path,
    rated(feed.upgrade.bind(feed), guards),
  ]);
  return { endpoints: feeds, prefixes: new Map(), upgrades: new Map(upgrades) };
}

function feedOptions({ settings, websocket, log, feedTransports }: HttpOptions, guards: Guards): FeedOptions {
  return {
    transports: feedTransports ?? new Map(),
    upgradeFeed: websocket.upgradeFeed.bind(websocket),
    channelsPerConnection: settings.limits.channelsPerConnection,
    addressOf: (req: IncomingMessage) => guards.addresses.of(req),
    origins: guards.origins,
    rates: guards.rates,
    cookieName: settings.auth?.cookie,
    log,
  };
}

/** An upgrade that counts as a new connection of its address. */
function rated(upgrade: Upgrade, { rates }: Guards): Upgrade {
  return (req, socket, head, address, search) => {
    rates.connecting(address);
    upgrade(req, socket, head, address, search);
  };
}

/** A configured path as requests spell it. */
function pathOf(path: string): string {
  return new URL(path, 'http://localhost').pathname;
}
