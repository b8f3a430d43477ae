/** The function that gives a config file its types. */
import type { CarillonConfig } from './schema.ts';

/** Returns its argument; an editor that reads the file then knows every key. A plain object works as well. */
export function defineConfig(config: CarillonConfig): CarillonConfig {
  return config;
}
