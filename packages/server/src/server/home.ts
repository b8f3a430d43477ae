/** What a worker's process has of the server that it is a part of. */
import { LinkBroker } from '../brokers/link/broker.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { NodeOptions } from '../core/node.ts';
import type { Calls } from '../link/calls.ts';
import type { FrameStream } from '../link/frames.ts';
import type { Beginning } from '../supervisor/process.ts';
import { randomId } from '../system/ids.ts';
import { LinkedGroups } from '../workers/groups.ts';
import type { Peers } from '../workers/peers.ts';
import { sessionIdOf, sessionOrders } from '../workers/session-ids.ts';
import { linkedBooks } from './attendance.ts';
import { linkedState } from './shared-state.ts';

/** Where a worker lives: the link to its primary, and what that said at first. */
export interface WorkerHome {
  readonly stream: FrameStream;
  readonly calls: Calls;
  readonly peers: Peers;
  readonly beginning: Beginning;
}

/** What a primary offers each worker about its own life, under the name `primary`. */
export interface PrimaryVerbs {
  /** The worker is about to serve: from here on it is asked what all are asked. Rejects where it cannot have the config that is in force. */
  serving(): Promise<void>;
}

/** The parts of a node that are the primary's for all workers. */
export function linkedParts(
  { stream, calls, peers, beginning: { id } }: WorkerHome,
  clock: Clock,
): Pick<
  NodeOptions,
  'broker' | 'stores' | 'books' | 'revoking' | 'inboxParts' | 'worker' | 'newSessionId' | 'newSessionOrder'
> {
  const state = linkedState(calls, peers);
  return {
    ...state,
    broker: new LinkBroker(stream),
    stores: { ...state.stores, groups: new LinkedGroups(calls) },
    books: linkedBooks(calls),
    worker: id,
    newSessionId: () => sessionIdOf(id, randomId()),
    newSessionOrder: sessionOrders(id, clock),
  };
}

/** The settings, but the addresses as the primary found them free. */
export function placed(settings: Settings, { listen, apiListen }: Beginning): Settings {
  const shared = { reusePort: true };
  return {
    ...settings,
    ...listen,
    api: { ...settings.api, ...(apiListen !== undefined && { listen: { ...apiListen, ...shared } }) },
  };
}
