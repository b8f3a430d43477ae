/** The function that gives a config file its types. */
import type { CarillonConfig } from './schema.ts';

type Rule = NonNullable<CarillonConfig['channels']>[string];

/** A config that remembers its channel patterns and their schemas: what `ChannelsOf<typeof config>` reads. */
export type DefinedConfig<Schemas, Hooks = object> = Omit<CarillonConfig, 'channels' | 'hooks'> & {
  hooks?: string | Hooks;
  channels?: { [Pattern in keyof Schemas]: Rule & { schema?: Schemas[Pattern] } };
};

/** Returns its argument; an editor that reads the file then knows every key. A plain object works as well. */
export function defineConfig<Schemas, Hooks>(
  config: DefinedConfig<Schemas, Hooks>,
): DefinedConfig<Schemas, Hooks> {
  return config;
}
