/** React hooks for Carillon: a channel's messages and its state, in a component. */
export { type ChannelOptions, type ChannelState, useChannel, useMessages } from './channel.ts';
export type { ChannelSnapshot } from './channel-store.ts';
export { useConnection } from './connection.ts';
export type { ConnectionSnapshot } from './connection-store.ts';
export { usePresence } from './presence.ts';
export { CarillonProvider, type CarillonProviderProps, useCarillon } from './provider.ts';
export { type TypedHooks, typedHooks } from './typed.ts';
