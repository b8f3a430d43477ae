/** The client over WebSocket alone: the smallest that a page can load. Networks that block WebSockets block it too. */
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
export type { Channel, History, HistoryOptions, PresenceStats, PublishOptions } from './channel.ts';
export { Carillon, type CarillonEvents, type DirectMessage } from './client.ts';
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
export type { CarillonOptions } from './options.ts';
export type { TokenOption } from './token.ts';
export type { TransportName } from './transport.ts';
export type { WebSocketConstructor, WebSocketLike } from './transports/websocket.ts';
