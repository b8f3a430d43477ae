/** Carillon as a library: `defineConfig`, `defineHooks`, and the types of what is written with them. */
import { type DefinedConfig as ConfigWith, defineConfig as defineAnyConfig } from './config/define-config.ts';
import type { CarillonConfig as AnyConfig } from './config/schema.ts';
import type { HookDefinitions } from './hooks/define-hooks.ts';

export type { ChannelsOf } from '@carillon/protocol';
export type { HookClient, HookRequest, PublicationSource } from './core/hooks.ts';
export type { Carillon, CarillonError, Exclude, HookLog, To } from './hooks/carillon.ts';
export { defineHooks, type Hook, type HookDefinitions, type UrlHook } from './hooks/define-hooks.ts';
export type {
  AuthEvent,
  CallEvent,
  ChannelOccupiedEvent,
  ChannelVacatedEvent,
  ConnectEvent,
  DataAnswer,
  DisconnectEvent,
  IdentityAnswer,
  InboxOverdueEvent,
  MessageEvent,
  PublishEvent,
  SubscribeEvent,
  UserOfflineEvent,
  UserOnlineEvent,
} from './hooks/events.ts';

/** A config as people write it: every key may be absent. */
export type CarillonConfig = Omit<AnyConfig, 'hooks'> & { hooks?: string | HookDefinitions };

/** A config that remembers its channel patterns and their schemas: what `ChannelsOf<typeof config>` reads. */
export type DefinedConfig<Schemas> = ConfigWith<Schemas, HookDefinitions>;

/** Returns its argument; an editor that reads the file then knows every key. A plain object works as well. */
export function defineConfig<Schemas>(config: DefinedConfig<Schemas>): DefinedConfig<Schemas> {
  return defineAnyConfig<Schemas, HookDefinitions>(config);
}
