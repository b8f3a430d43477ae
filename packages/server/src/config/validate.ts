/** The rules between keys: what development mode adds, what this version cannot do, and when it would start open. */
import { isIP } from 'node:net';
import { apiKeyFaults } from './api-settings.ts';
import { withDevelopment } from './development.ts';
import { parseDuration } from './duration.ts';
import { formatPath } from './faults.ts';
import { splitListenAddress } from './fields.ts';
import { withInboxHistory } from './inbox-history.ts';
import { ingestFaults } from './ingest-faults.ts';
import type { CompleteConfig } from './schema.ts';
import { webhookFaults } from './webhook-settings.ts';

/** Where the native protocol goes when `paths` maps its default place and the config names no other. */
const movedNativePath = '/carillon';
const builtInPaths = ['/sub', '/pub', '/stream', '/v1', '/healthz', '/readyz', '/metrics', '/openapi.json'];

export interface Situation {
  readonly development: boolean;
  /** Whether the config, and not a default, says the value at this path. */
  isGiven(path: string | readonly string[]): boolean;
  /** Whether something at or below this top key is wrong already. */
  isFaulty(section: string): boolean;
  /** Something is wrong with the very values that decide whether the server would stand open; judge that another time. */
  readonly uncertain: boolean;
}

/** A config in force, and the paths that were filled in by something else than a default. */
export interface Adapted {
  readonly config: CompleteConfig;
  /** Path to the reason, such as `development mode`. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** Fills in what follows from development mode, from inboxes and from mapped paths. */
export function adapt(config: CompleteConfig, { development, isGiven }: Situation): Adapted {
  const reasons = new Map<string, string>();
  const channels = withInboxHistory(config.channels, isGiven, reasons);
  const { websocket, ...others } = { ...config, channels };
  const adapted = { ...others, websocket: { ...websocket } };
  if (config.paths['/ws'] !== undefined && !isGiven('websocket.path')) {
    adapted.websocket.path = movedNativePath;
    reasons.set('websocket.path', "paths maps '/ws'");
  }
  return { config: development ? withDevelopment(adapted, isGiven, reasons) : adapted, reasons };
}

/** One sentence for each thing that keeps a config from being used, none when it can be. */
export function crossFaults(config: CompleteConfig, situation: Situation): string[] {
  return [
    ...notBuilt(config),
    ...openFaults(config, situation),
    ...apiKeyFaults(config.api),
    ...pathFaults(config),
    ...reservedFaults(config),
    ...(situation.isFaulty('ingest') ? [] : ingestFaults(config)),
    ...(situation.isFaulty('webhooks') ? [] : webhookFaults(config.webhooks)),
    ...Object.entries(config.channels).flatMap(([pattern, rule]) => ruleFaults(pattern, rule)),
  ];
}

function notBuilt(config: CompleteConfig): string[] {
  const faults: string[] = [];
  if (config.engine !== 'memory') {
    const name = typeof config.engine === 'string' ? config.engine : Object.keys(config.engine).join();
    faults.push(`engine: '${name}' is not built yet; this version has 'memory' alone.`);
  }
  return faults;
}

/** A server that others can reach must not stand open by oversight. */
function openFaults(config: CompleteConfig, { development, uncertain }: Situation): string[] {
  if (config.insecure || uncertain) return [];
  const faults: string[] = [];
  const rules = Object.keys(config.channels).length;
  if (!isLoopback(config.host)) {
    const where = `host: '${config.host}' can be reached from other machines`;
    const remedy = 'or start with --insecure if that is meant';
    if (config.api.keys.length === 0) faults.push(`${where} and needs an API key: set api.keys, ${remedy}.`);
    if (rules === 0) faults.push(`${where} and needs at least one channel rule: set channels, ${remedy}.`);
    if (development && config.api.keys.length > 0) {
      faults.push(`${where}, and development mode is for loopback alone: leave out --dev, ${remedy}.`);
    }
  }
  const listen = config.api.listen === undefined ? undefined : splitListenAddress(config.api.listen);
  if (listen !== undefined && !isLoopback(listen.host) && (config.api.keys.length === 0 || development)) {
    faults.push(
      `api.listen: '${listen.host}' can be reached from other machines and needs an API key outside development mode: set api.keys.`,
    );
  }
  return faults;
}

function pathFaults(config: CompleteConfig): string[] {
  const faults: string[] = [];
  const taken = new Map(builtInPaths.map((path) => [path, 'Carillon itself']));
  const claim = (path: string, owner: string): void => {
    const root = path.startsWith('/v1/') ? '/v1' : path.startsWith('/stream/') ? '/stream' : path;
    const holder = taken.get(root);
    if (holder === undefined) taken.set(path, owner);
    else faults.push(`${owner}: '${path}' is taken by ${holder}; choose another path.`);
  };
  claim(config.websocket.path, 'websocket.path');
  if (config.rendezvous !== undefined) {
    claim(config.rendezvous.path, 'rendezvous.path');
    claim(`${config.rendezvous.path}/consume`, 'rendezvous.path');
  }
  for (const [index, path] of config.websocket.rawPaths.entries())
    claim(path, `websocket.rawPaths[${index}]`);
  for (const path of Object.keys(config.paths)) claim(path, formatPath(['paths', path], config));
  const { listen } = config.api;
  const main = `${config.host}:${config.port}`;
  if (listen !== undefined && config.port !== 0 && listen === main) {
    faults.push(`api.listen: '${listen}' is the main address; choose another port, or leave it out.`);
  }
  return faults;
}

/** A rule of one's own could open what the feature keeps closed. */
function reservedFaults({ channels, rendezvous }: CompleteConfig): string[] {
  if (rendezvous === undefined) return [];
  return Object.keys(channels)
    .filter((pattern) => pattern.startsWith('rendezvous:'))
    .map(
      (pattern) =>
        `${formatPath(['channels', pattern], {})}: these channels belong to the key 'rendezvous'; choose another name.`,
    );
}

function ruleFaults(pattern: string, rule: CompleteConfig['channels'][string]): string[] {
  const at = formatPath(['channels', pattern], {});
  const faults: string[] = [];
  const names = Array.from(pattern.matchAll(/\{(\w+)\}/g), ([, name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    faults.push(`${at}: {${twice}} stands twice in the pattern; give each part a name of its own.`);
  if (rule.inbox !== false && !pattern.includes('{uid}')) {
    faults.push(
      `${at}.inbox: needs {uid} in the pattern, as in 'user:{uid}', because an inbox is one user's.`,
    );
  }
  const { inbox, history } = rule;
  if (typeof inbox === 'object' && inbox.overdue !== undefined && history !== undefined) {
    if ((parseDuration(inbox.overdue) ?? 0) >= (parseDuration(history.ttl) ?? 0)) {
      faults.push(
        `${at}.inbox.overdue: '${inbox.overdue}' must be shorter than history.ttl (${history.ttl}), or what is overdue is gone by then.`,
      );
    }
  }
  if (rule.subscribe === 'subscriber') {
    faults.push(
      `${at}.subscribe: 'subscriber' lets nobody in, because only a subscriber would be let in; name another.`,
    );
  }
  for (const action of ['subscribe', 'publish', 'readHistory', 'readPresence'] as const) {
    if (rule[action] === 'owner' && !pattern.includes('{uid}')) {
      faults.push(`${at}.${action}: 'owner' needs {uid} in the pattern, as in 'user:{uid}'.`);
    }
  }
  return faults;
}

/** Whether only this machine reaches a listener at `host`. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIP(name) === 4) return name.startsWith('127.');
  return isIP(name) === 6 && /^(?:0*:)*:?0*1$|^::ffff:127\./.test(name);
}
