/** Carillon's client for browsers and Node.js: subscribe, publish, and never miss a message unannounced. */
export type {
  ChannelsOf,
  DataOfChannel,
  Member,
  NoChannels,
  Position,
  PublishResult,
  SubscribeResult,
} from '@carillon/protocol';
export type { BackoffOptions } from './backoff.ts';
export type { History, HistoryOptions, PresenceStats, PublishOptions } from './channel.ts';
export type { CarillonEvents, DirectMessage } from './client.ts';
export type { ConnectionChange, ConnectionState } from './connection-state.ts';
export type { Off } from './emitter.ts';
export { CarillonError, type Reason } from './errors.ts';
export type {
  Ack,
  ChannelEvents,
  Gap,
  Message,
  Recovery,
  SubscribeOptions,
  SubscriptionChange,
  SubscriptionState,
} from './events.ts';
export { Carillon, type FullOptions as CarillonOptions } from './full.ts';
export type { Channel } from './full-channel.ts';
export * as reasons from './reasons.ts';
export type { TokenOption } from './token.ts';
export type { TransportName } from './transport.ts';
export type { WebSocketConstructor, WebSocketLike } from './transports/websocket.ts';
