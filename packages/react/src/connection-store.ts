/** A client's connection as React sees it. */
import type { Carillon, ConnectionState, Reason } from '@carillon/client';

/** The connection at one moment. */
export interface ConnectionSnapshot {
  readonly state: ConnectionState;
  /** Why; undefined until the first change that a component could hear of. */
  readonly reason?: Reason;
  /** Milliseconds until the next try, as it was planned when this state began. */
  readonly retryInMs?: number;
}

/** On a server that renders pages, and without a client. */
export const disconnected: ConnectionSnapshot = { state: 'disconnected' };

const snapshots = new WeakMap<Carillon, ConnectionSnapshot>();

/** The connection as it stands: the same object until it changes. */
export function connectionOf(client: Carillon | undefined): ConnectionSnapshot {
  if (client === undefined) return disconnected;
  const known = snapshots.get(client);
  if (known?.state === client.state) return known;
  // A change that nobody listened to has no reason any more.
  const found = { state: client.state };
  snapshots.set(client, found);
  return found;
}

/** Listens to a connection; the returned function stops it. */
export function watchConnection(client: Carillon | undefined, changed: () => void): () => void {
  if (client === undefined) return () => {};
  return client.on('state', (change) => {
    snapshots.set(client, change);
    changed();
  });
}
