/** Carillon as a library: `defineConfig`, and the types of a config. */
export type { ChannelsOf } from '@carillon/protocol';
export { type DefinedConfig, defineConfig } from './config/define-config.ts';
export type { CarillonConfig } from './config/schema.ts';
