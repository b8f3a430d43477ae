/** The key `hooks`: where the application's own decisions are written, or who is asked for them. */
import { nearest } from '@carillon/protocol';
import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { duration, headers, httpUrl, key, section, text } from './fields.ts';
import type { Absolute } from './ingest-settings.ts';

/** What a hook may be in a config; `defineConfig` knows what each is told and may answer. */
export type HookFunction = (...args: never[]) => unknown;

const hookFile = text(
  /\.[cm]?[jt]s$/,
  "the path of a file in TypeScript or JavaScript, such as './hooks.ts', or an object of hooks",
);

const urlHook = section({
  url: key(
    httpUrl(),
    'Gets `POST {"hook","event"}` and answers 200 with JSON, or another status with `{"code","message"}` to refuse.',
    { type: 'URL' },
  ),
  timeout: key(
    duration('10ms', '10m').optional(),
    'How long a call may take, the wait for its turn included; absent: `hookTimeout`.',
    { type: 'duration' },
  ),
  headers: key(
    headers(),
    'Sent with every request, for example a key by which the backend knows this server.',
    {
      secret: 'value',
      entry: 'name',
    },
  ),
});

const aFunction = z.custom<HookFunction>((value) => typeof value === 'function');
const hook = z
  .union([aFunction, urlHook], {
    error: 'must be a function, which only a config in TypeScript or JavaScript can have, or { url }',
  })
  .optional();

/** As the core names them; a test compares. */
const byName = section({
  connect: hook,
  auth: hook,
  subscribe: hook,
  publish: hook,
  message: hook,
  call: hook,
  disconnect: hook,
  channelOccupied: hook,
  channelVacated: hook,
  userOnline: hook,
  userOffline: hook,
  inboxOverdue: hook,
});

/** The names of all hooks. */
export const hookKeys = Object.keys(byName.shape);

export const hooks = z.union([hookFile, byName], {
  error:
    "must be the path of a file in TypeScript or JavaScript, such as './hooks.ts', or an object of hooks",
});

type HooksConfig = z.output<typeof hooks>;

export interface UrlHookSettings {
  readonly url: string;
  /** Absent: that of all hooks. */
  readonly timeoutMs?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the hooks are. */
export interface HookSourceSettings {
  /** A file of hooks, or the config itself where it has functions. Absolute. */
  readonly module?: { readonly path: string; readonly kind: 'hooks' | 'config' };
  /** Those that need no module. */
  readonly urls?: ReadonlyMap<string, UrlHookSettings>;
}

/** @param file The config file. */
export function hookSource(
  config: HooksConfig | undefined,
  absolute: Absolute,
  file: string | undefined,
): HookSourceSettings {
  if (config === undefined) return {};
  if (typeof config === 'string') return { module: { path: absolute(['hooks'], config), kind: 'hooks' } };
  if (file !== undefined && Object.values(config).some((value) => typeof value === 'function')) {
    return { module: { path: file, kind: 'config' } };
  }
  const urls = Object.entries(config).flatMap(([name, value]): [string, UrlHookSettings][] =>
    typeof value === 'object' ? [[name, urlHookSettings(value)]] : [],
  );
  return { urls: new Map(urls) };
}

/** Reads what stands at a hook that is no function, in a file that is no config. @throws {Error} half a sentence. */
export function readUrlHook(value: unknown): UrlHookSettings {
  const { success, data, error } = urlHook.safeParse(value);
  if (success) return urlHookSettings(data);
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const [name = ''] = issue.keys;
    const meant = nearest(name, Object.keys(urlHook.shape));
    throw new Error(`has an unknown key '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`);
  }
  const path = issue?.path.join('.') ?? '';
  throw new Error(`cannot be used: ${path === '' ? '' : `${path} `}${issue?.message}`);
}

function urlHookSettings({ url, timeout, headers: sent }: z.output<typeof urlHook>): UrlHookSettings {
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  return { url, headers: sent, ...(timeoutMs !== undefined && { timeoutMs }) };
}
