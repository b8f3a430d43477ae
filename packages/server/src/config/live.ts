/** What of a config takes effect while the server runs, and what another config means for one that runs. */
import { type Fingerprint, fingerprints } from './in-force.ts';
import type { CompleteConfig } from './schema.ts';
import type { Settings } from './settings.ts';

/** Keys that a reload changes, with everything below them. All others wait for a restart. */
export const liveKeys: readonly string[] = [
  'api.keys',
  'auth.anonymous',
  'auth.tokens',
  'auth.jwt',
  'auth.callback',
  'origins',
  'hosts',
  'trustProxy',
  'paths',
  'channels',
  'hooks',
  'hookTimeout',
  'webhooks',
  'limits.connectionsPerAddress',
  'limits.channelsPerConnection',
  'limits.publishesPerSecond',
  'limits.hookMemoryBytes',
  'log.level',
];

const live = new Set(liveKeys);

/** Whether what is at this path takes effect with a reload. */
export function isLive(path: readonly PropertyKey[]): boolean {
  return path.some((_, index) => live.has(path.slice(0, index + 1).join('.')));
}

/** A config that is in force. */
export interface Standing {
  readonly settings: Settings;
  readonly fingerprints: ReadonlyMap<string, Fingerprint>;
}

/** The part of {@link Standing} that follows from a config that was checked. */
export function standingOf(config: CompleteConfig, settings: Settings): Standing {
  return { settings, fingerprints: fingerprints(config) };
}

/** What becomes of a server when another config is loaded. */
export interface ReloadPlan {
  /** What is in force then: the new values of what is live, the old ones of everything else. */
  readonly standing: Standing;
  /** Paths of what changes, as the config writes them; an entry that comes or goes as a whole is named as a whole. */
  readonly changed: readonly string[];
  /** Paths of the values that would change with a restart. */
  readonly restart: readonly string[];
}

type Fingerprints = Standing['fingerprints'];

const modeChange = 'development mode';

export function planReload(before: Standing, next: Standing): ReloadPlan {
  // All of a config may follow from the mode, so nothing of another mode's config is taken.
  const isOtherMode = before.settings.development !== next.settings.development;
  let settings = isOtherMode ? before.settings : merged(before.settings, next.settings);
  const held = new Set<string>();
  if (collides(settings)) {
    settings = { ...settings, paths: before.settings.paths };
    held.add('paths');
  }
  const [changed, restart] = [new Set<string>(), new Set<string>(isOtherMode ? [modeChange] : [])];
  const inForce = new Map(before.fingerprints);
  const known = [placesOf(before.fingerprints), placesOf(next.fingerprints)];
  for (const [text, { path, texts }] of new Map([...before.fingerprints, ...next.fingerprints])) {
    const value = next.fingerprints.get(text);
    if (value?.digest === before.fingerprints.get(text)?.digest) continue;
    // What is below a section is named by its key; what is below an entry that one of the two has not, by that entry.
    const shown = texts.find((place, index) => index > 0 && !known.every((places) => places.has(place)));
    // An empty map or list: what it has in the other config is named by itself.
    const isFilled = shown === undefined && !(next.fingerprints.has(text) && before.fingerprints.has(text));
    if (isOtherMode || !isLive(path) || held.has(String(path[0]))) {
      if (!isFilled) restart.add(shown ?? text);
      continue;
    }
    if (!isFilled) changed.add(shown ?? text);
    if (value === undefined) inForce.delete(text);
    else inForce.set(text, value);
  }
  return {
    standing: { settings, fingerprints: inForce },
    changed: [...changed],
    restart: [...restart],
  };
}

/** Everything that has a value, or something below it that has. */
function placesOf(fingerprints: Fingerprints): ReadonlySet<string> {
  return new Set([...fingerprints.values()].flatMap(({ texts }) => texts));
}

function merged(before: Settings, next: Settings): Settings {
  const { cookie } = before.auth;
  const { cookie: _, ...auth } = next.auth;
  const { connectionsPerAddress, channelsPerConnection, publishesPerSecond, hookMemoryBytes } = next.limits;
  const { publishesPerSecond: __, ...limits } = before.limits;
  return {
    ...before,
    api: { ...before.api, keys: next.api.keys },
    auth: { ...auth, ...(cookie !== undefined && { cookie }) },
    origins: next.origins,
    hosts: next.hosts,
    trustProxy: next.trustProxy,
    paths: next.paths,
    channels: next.channels,
    hooks: next.hooks,
    webhooks: next.webhooks,
    limits: {
      ...limits,
      connectionsPerAddress,
      channelsPerConnection,
      hookMemoryBytes,
      ...(publishesPerSecond !== undefined && { publishesPerSecond }),
    },
    log: { ...before.log, level: next.log.level },
  };
}

/** A mapped path would take the place of one that is in force until the restart. */
function collides({ paths, websocket, rendezvous }: Settings): boolean {
  const own = new Set([websocket.path, ...websocket.rawPaths]);
  if (rendezvous !== undefined) own.add(rendezvous.path).add(`${rendezvous.path}/consume`);
  return paths.some(({ path }) => own.has(path));
}
