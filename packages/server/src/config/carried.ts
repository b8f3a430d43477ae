/** The config of a server on its way to another process of it: schemas are code and cannot go, they are read from the file there. */
import { ConfigError } from './faults.ts';
import type { LoadedConfig } from './load.ts';
import type { Settings } from './settings.ts';

export interface CarriedConfig {
  /** Without the schemas of channels. */
  readonly settings: Settings;
  /** The patterns of the channels that have a schema. */
  readonly typed: readonly string[];
  /** How often the config was loaded before it was this one. */
  readonly generation: number;
}

export function carried(settings: Settings, generation: number): CarriedConfig {
  return {
    settings: { ...settings, channels: settings.channels.map(({ schema: _, ...channel }) => channel) },
    typed: settings.channels.flatMap(({ pattern, schema }) => (schema === undefined ? [] : [pattern])),
    generation,
  };
}

/**
 * The settings as they were. `load` reads the config here; it is called where there are schemas only.
 *
 * @throws {ConfigError} the file has faults by now, or lacks a schema.
 */
export async function restored(
  { settings, typed, generation }: CarriedConfig,
  load: (generation: number) => Promise<LoadedConfig>,
): Promise<Settings> {
  if (typed.length === 0) return settings;
  const here = await load(generation);
  const schemas = new Map(here.settings.channels.map(({ pattern, schema }) => [pattern, schema]));
  const missing = typed.filter((pattern) => schemas.get(pattern) === undefined);
  if (missing.length > 0) {
    throw new ConfigError(
      missing.map(
        (pattern) =>
          `channels["${pattern}"].schema: is not there any more; the config was changed while it was loaded, so load it again.`,
      ),
      here.file,
    );
  }
  const channels = settings.channels.map((channel) => {
    const schema = typed.includes(channel.pattern) ? schemas.get(channel.pattern) : undefined;
    return schema === undefined ? channel : { ...channel, schema };
  });
  return { ...settings, channels };
}
