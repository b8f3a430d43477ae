/** `api` as the server takes it, and what keeps it from being used. */
import type { ApiConfig, scopeNames } from './api.ts';
import { splitListenAddress } from './fields.ts';

/** An API key that may not do everything. */
export interface ApiKeySettings {
  readonly key: string;
  readonly name?: string;
  /** Absent: everything. */
  readonly scopes?: readonly (typeof scopeNames)[number][];
  /** Names and patterns; absent: every channel. */
  readonly channels?: readonly string[];
}

export interface ApiSettings {
  /** One that is text alone may do everything. */
  readonly keys: readonly (string | ApiKeySettings)[];
  /** A listener of its own for API, metrics and probes. */
  readonly listen?: { readonly host: string; readonly port: number };
}

type GivenKey = ApiConfig['keys'][number];

export function apiSettings({ keys, listen }: ApiConfig): ApiSettings {
  const address = listen === undefined ? undefined : splitListenAddress(listen);
  return { keys: keys.map(keySettings), ...(address !== undefined && { listen: address }) };
}

function keySettings(given: GivenKey): string | ApiKeySettings {
  if (typeof given === 'string') return given;
  const { key, name, scopes, channels } = given;
  return {
    key,
    ...(name !== undefined && { name }),
    ...(scopes !== undefined && { scopes }),
    ...(channels !== undefined && { channels }),
  };
}

/** A key that stands twice would be good for what its first entry says alone. */
export function apiKeyFaults({ keys }: ApiConfig): string[] {
  const texts = keys.map(keyOf);
  return texts.flatMap((one, index) => {
    const first = texts.indexOf(one);
    return first === index
      ? []
      : [`api.keys[${index}]: is the key of api.keys[${first}] again; leave one of them out.`];
  });
}

/** The text of a key, whichever way it was written. */
export function keyOf(given: GivenKey): string {
  return typeof given === 'string' ? given : given.key;
}
