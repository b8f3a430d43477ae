/** The hooks of a channel. */
'use client';
import type { Message, PublishOptions, PublishResult } from '@carillon/client';
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { type ChannelSnapshot, enter, idle, newest, snapshotOf } from './channel-store.ts';
import { useCarillon } from './provider.ts';

export interface ChannelOptions<T = unknown> {
  /**
   * Begin with the newest so many publications. It counts when the channel's first components are mounted; of those, the one
   * that asks for the most decides.
   */
  readonly last?: number;
  /** How many messages to hold; the oldest go first. Default 100, or `last` where that is more. */
  readonly limit?: number;
  /** Called for each message, once, while the component is mounted. An exception in it is an uncaught one. */
  readonly onMessage?: (data: T, message: Message<T>) => void;
}

/** What a component knows of a channel, and what it can do there. */
export interface ChannelState<T = unknown> extends ChannelSnapshot<T> {
  /** Publishes, as the client's channel does. The same function from one render to the next. */
  readonly publish: (data: T, options?: PublishOptions) => Promise<PublishResult>;
}

const defaultLimit = 100;

/**
 * Subscribes to a channel while the component is mounted. All components of a client share one subscription of a channel; it
 * ends with the last of them. Without a `name` there is none yet.
 */
export function useChannel<T = unknown>(
  name: string | undefined,
  { last, limit = Math.max(defaultLimit, last ?? 0), onMessage }: ChannelOptions<T> = {},
): ChannelState<T> {
  const client = useCarillon();
  const handler = useRef(onMessage);
  useEffect(() => {
    handler.current = onMessage;
  });
  const subscribe = useCallback(
    (changed: () => void) => {
      if (client === undefined || name === undefined) return () => {};
      const received = (data: unknown, message: Message) =>
        handler.current?.(data as T, message as Message<T>);
      return enter(client, name, { last, limit, changed, received });
    },
    [client, name, last, limit],
  );
  const snapshot = useSyncExternalStore(
    subscribe,
    () => snapshotOf(client, name) as ChannelSnapshot<T>,
    () => idle,
  );
  const publish = useCallback(
    async (data: T, options?: PublishOptions) => {
      if (client === undefined || name === undefined)
        throw new Error('there is no channel to publish to yet');
      return client.channel<T>(name).publish(data, options);
    },
    [client, name],
  );
  return useMemo(
    () => ({ ...snapshot, messages: newest(snapshot.messages, limit), publish }),
    [snapshot, limit, publish],
  );
}

/** The newest messages of a channel, oldest first, and nothing else. */
export function useMessages<T = unknown>(
  name: string | undefined,
  options?: ChannelOptions<T>,
): readonly Message<T>[] {
  return useChannel(name, options).messages;
}
