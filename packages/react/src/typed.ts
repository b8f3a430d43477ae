/** The hooks with the types of a config's channels. */
'use client';
import type { DataOfChannel, Message } from '@carillon/client';
import { type ChannelOptions, type ChannelState, useChannel, useMessages } from './channel.ts';

/** {@link useChannel} and {@link useMessages} that know what is published where. */
export interface TypedHooks<Channels> {
  readonly useChannel: <const Name extends string>(
    name: Name | undefined,
    options?: ChannelOptions<DataOfChannel<Channels, Name>>,
  ) => ChannelState<DataOfChannel<Channels, Name>>;
  readonly useMessages: <const Name extends string>(
    name: Name | undefined,
    options?: ChannelOptions<DataOfChannel<Channels, Name>>,
  ) => readonly Message<DataOfChannel<Channels, Name>>[];
}

/** `const { useChannel } = typedHooks<ChannelsOf<typeof config>>()`, once for an application. The functions are the same. */
export function typedHooks<Channels>(): TypedHooks<Channels> {
  return { useChannel, useMessages };
}
