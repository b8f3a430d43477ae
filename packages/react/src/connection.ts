/** The hook of the connection. */
'use client';
import { useCallback, useSyncExternalStore } from 'react';
import { type ConnectionSnapshot, connectionOf, disconnected, watchConnection } from './connection-store.ts';
import { useCarillon } from './provider.ts';

/** Where the connection stands, and why. Using it does not connect. */
export function useConnection(): ConnectionSnapshot {
  const client = useCarillon();
  return useSyncExternalStore(
    useCallback((changed) => watchConnection(client, changed), [client]),
    () => connectionOf(client),
    () => disconnected,
  );
}
